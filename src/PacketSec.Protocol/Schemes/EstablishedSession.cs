using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;

namespace PacketSec.Protocol.Schemes;

/// <summary>Which side of a handshake one was.</summary>
public enum SessionRole
{
    /// <summary>Sent the first message.</summary>
    Initiator,

    /// <summary>Answered it.</summary>
    Responder,
}

/// <summary>What a completed handshake leaves behind, on its way into a session. It owns its keys until the session takes them.</summary>
public sealed class EstablishedSession : IDisposable
{
    internal EstablishedSession(Scheme scheme, SessionRole role, SecretKey sendKey, SecretKey receiveKey)
    {
        Scheme = scheme;
        Role = role;
        SendKey = sendKey;
        ReceiveKey = receiveKey;
    }

    /// <summary>Gets one's own role.</summary>
    public SessionRole Role { get; }

    /// <summary>Gets the remote key that the handshake proved.</summary>
    public required PublicKey RemoteKey { get; init; }

    /// <summary>Gets its peer ID.</summary>
    public required PeerId RemotePeer { get; init; }

    /// <summary>Gets the path of the handshake, which is the session's.</summary>
    public required PathAddress Path { get; init; }

    /// <summary>Gets when the session's life began.</summary>
    public required Instant Begun { get; init; }

    /// <summary>Gets what the session was agreed on; null in direct mode.</summary>
    public Agreement? Agreement { get; init; }

    /// <summary>Gets what the initiator told of its user, by <c>mychips-1</c>; empty elsewhere, and for the initiator.</summary>
    public ReadOnlyMemory<byte> Certificate { get; init; }

    internal Scheme Scheme { get; }

    internal SecretKey SendKey { get; }

    internal SecretKey ReceiveKey { get; }

    /// <summary>Gets the first message of the handshake: a copy of it starts nothing while the session lives.</summary>
    internal byte[] FirstMessage { get; init; } = [];

    /// <summary>Gets the finish: what the initiator repeats until confirmed, and what draws the confirmation again from the responder.</summary>
    internal byte[] Finish { get; init; } = [];

    /// <summary>Gets the responder's first packet, empty, with the first data counter; null for the initiator.</summary>
    internal byte[]? Confirmation { get; init; }

    /// <summary>Gets the data that came before the finish.</summary>
    internal EarlyData? EarlyData { get; init; }

    /// <summary>Wipes the keys.</summary>
    public void Dispose()
    {
        SendKey.Dispose();
        ReceiveKey.Dispose();
    }
}
