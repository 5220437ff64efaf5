namespace PacketSec.Protocol;

/// <summary>Figures that the specification fixes: both ends must agree on them, so nothing here may be tuned.</summary>
public static class SpecLimits
{
    /// <summary>The size of the packet header in bytes.</summary>
    public const int HeaderSize = 4;

    /// <summary>The size of an AEAD tag in bytes.</summary>
    public const int TagSize = 16;

    /// <summary>Bytes that a sealed datagram is longer than its payload.</summary>
    public const int DatagramOverhead = HeaderSize + TagSize;

    /// <summary>The first counter of data; those below belong to handshakes or are reserved.</summary>
    public const uint FirstDataCounter = 16;

    /// <summary>The counter of the closing message, the largest there is.</summary>
    public const uint ClosingCounter = int.MaxValue;

    /// <summary>How far a counter may lie behind the highest one seen: 128 words of 64 bits less one word (RFC 6479).</summary>
    public const int ReplayWindow = 8128;

    /// <summary>The age at which a session is dead for the receiver.</summary>
    public static readonly TimeSpan SessionLifetime = TimeSpan.FromSeconds(60);

    /// <summary>The age at which a session is dead for the sender: what it sends then still has 5 s to arrive.</summary>
    public static readonly TimeSpan SessionSendLifetime = TimeSpan.FromSeconds(55);

    /// <summary>The age at which the initiator renews a session that carried data.</summary>
    public static readonly TimeSpan RekeyAfter = TimeSpan.FromSeconds(45);

    /// <summary>The age at which the responder renews it in the initiator's stead.</summary>
    public static readonly TimeSpan RekeyStepInAfter = TimeSpan.FromSeconds(52);

    /// <summary>The counter at which a session is renewed, half of what there are.</summary>
    public const uint RekeyAtCounter = 1u << 30;

    /// <summary>How long a replaced session goes on after its successor is confirmed.</summary>
    public static readonly TimeSpan RetireAfter = TimeSpan.FromSeconds(3);

    /// <summary>How long a side that received data stays silent before it sends an empty packet.</summary>
    public static readonly TimeSpan AcknowledgeAfter = TimeSpan.FromMilliseconds(500);

    /// <summary>How long data may go unanswered before a session counts as dead.</summary>
    public static readonly TimeSpan DeadAfter = TimeSpan.FromSeconds(2);

    /// <summary>The same towards a peer that may be the reference, which acknowledges nothing.</summary>
    public static readonly TimeSpan DeadAfterReference = TimeSpan.FromSeconds(10);

    /// <summary>How long a handshake is attempted.</summary>
    public static readonly TimeSpan DialDeadline = TimeSpan.FromSeconds(10);

    /// <summary>How long a rekey of a negotiated channel waits for an answer before the channel starts over.</summary>
    public static readonly TimeSpan RekeyPatience = TimeSpan.FromSeconds(2);

    /// <summary>How long late data are taken on a session that the peer has closed.</summary>
    public static readonly TimeSpan CloseLinger = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a channel of <c>mychips-1</c> carries no data before its responder closes it, where nothing else is set.</summary>
    public static readonly TimeSpan SiteIdleTimeout = TimeSpan.FromSeconds(60);

    /// <summary>The packets an unconfirmed initiator may send: what a receiver holds as early data.</summary>
    public const int EarlyPackets = 32;

    /// <summary>The bytes an unconfirmed initiator may send.</summary>
    public const int EarlyBytes = 48 * 1024;
}
