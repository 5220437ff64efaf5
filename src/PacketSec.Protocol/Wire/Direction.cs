namespace PacketSec.Protocol.Wire;

/// <summary>The way a packet travels: the top bit of its header.</summary>
internal enum Direction
{
    /// <summary>From the peer that sent the first handshake message to the one that answered it.</summary>
    InitiatorToResponder = 0,

    /// <summary>From the peer that answered to the one that sent the first handshake message.</summary>
    ResponderToInitiator = 1,
}
