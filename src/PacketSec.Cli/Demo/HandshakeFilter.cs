using System.Buffers.Binary;
using System.Net;
using PacketSec.Protocol.Wire;

namespace PacketSec.Cli.Demo;

/// <summary>
/// A relay between two endpoints that can stop to forward negotiations and handshakes: what a network does that lets a session live and no other
/// follow.
/// </summary>
internal sealed class HandshakeFilter : Relay
{
    // Below this counter there are only handshake messages.
    private const uint FirstDataCounter = 16;

    private readonly IPEndPoint _server;
    private EndPoint? _client;
    private bool _isBlocking;

    /// <summary>Starts the relay.</summary>
    /// <param name="server">Where it forwards what comes from anybody else, whose address it keeps for the answers.</param>
    public HandshakeFilter(IPEndPoint server)
    {
        _server = server;
        Start();
    }

    /// <summary>Drops all proposals, their answers and all handshake messages from here on.</summary>
    public void Block() => Volatile.Write(ref _isBlocking, true);

    /// <summary>Whether a datagram is part of a negotiation or of a handshake.</summary>
    public static bool LeadsToSession(ReadOnlySpan<byte> datagram)
        => PsecFrame.IsFrame(datagram)
            || (datagram.Length >= sizeof(uint) && (BinaryPrimitives.ReadUInt32BigEndian(datagram) & int.MaxValue) < FirstDataCounter);

    protected override async Task HandleAsync(Memory<byte> datagram, EndPoint from, CancellationToken cancellationToken)
    {
        var isFromServer = from.Equals(_server);
        if (!isFromServer)
        {
            _client = from;
        }

        var target = isFromServer ? _client : _server;
        if (target is not null && !(Volatile.Read(ref _isBlocking) && LeadsToSession(datagram.Span)))
        {
            await SendAsync(datagram, target, cancellationToken);
        }
    }
}
