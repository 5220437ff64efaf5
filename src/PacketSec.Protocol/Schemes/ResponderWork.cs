using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes;

/// <summary>What a responder keeps between its answer and the finish. Owns its keys.</summary>
/// <param name="receiveKey">What the session receives by; null where only the finish leads to it.</param>
/// <param name="sendKey">What it sends by; null where only the finish leads to it.</param>
internal abstract class PendingKeys(SecretKey? receiveKey = null, SecretKey? sendKey = null) : IDisposable
{
    public SecretKey ReceiveKey => receiveKey ?? throw new InvalidOperationException("Only the finish leads to the keys of this scheme.");

    public SecretKey SendKey => sendKey ?? throw new InvalidOperationException("Only the finish leads to the keys of this scheme.");

    /// <summary>A copy for work on another thread: the original may be wiped meanwhile.</summary>
    public abstract PendingKeys Copy();

    public virtual void Dispose()
    {
        receiveKey?.Dispose();
        sendKey?.Dispose();
    }

    /// <summary>The keys of a session, and nothing else.</summary>
    public sealed class OfSession(SecretKey receiveKey, SecretKey sendKey) : PendingKeys(receiveKey, sendKey)
    {
        public override PendingKeys Copy() => new OfSession(new SecretKey(ReceiveKey.Span), new SecretKey(SendKey.Span));
    }
}

/// <summary>What somebody is asked about an initiator before it is answered: its ticket, or the name by which it is known.</summary>
internal sealed record AdmissionQuestion(PresentedTicket? Ticket, string? SiteId);

/// <summary>Checks a first message and makes the answer.</summary>
internal abstract class AnswerWork : HandshakeWork
{
    private PendingKeys? _keys;

    /// <summary>Gets the datagram of the answer.</summary>
    public byte[] Answer { get; private set; } = [];

    /// <summary>Gets what the message is bound to; null in direct mode.</summary>
    public Agreement? Agreement { get; private protected set; }

    /// <summary>Gets the key that the message proved already; null where only the finish proves one.</summary>
    public PublicKey? RemoteKey { get; private protected set; }

    /// <summary>Gets what somebody is asked before the answer goes out; null where nobody is.</summary>
    public AdmissionQuestion? Question { get; private protected set; }

    /// <summary>Hands over what the handshake keeps until the finish.</summary>
    public PendingKeys TakePendingKeys()
    {
        var keys = _keys ?? throw new InvalidOperationException("The work has not succeeded.");
        _keys = null;
        return keys;
    }

    public override void Dispose() => _keys?.Dispose();

    private protected void Succeed(byte[] answer, PendingKeys keys) => (Answer, _keys) = (answer, keys);
}

/// <summary>Checks a finish.</summary>
internal abstract class FinishWork(PathAddress path, byte[] finish) : HandshakeWork
{
    private PendingKeys? _session;

    /// <summary>Gets the path it came on, whose local end the session keeps.</summary>
    public PathAddress Path => path;

    /// <summary>Gets the finish worked on.</summary>
    public byte[] Finish => finish;

    /// <summary>Gets the handshake that it finishes, or 0.</summary>
    public long MatchedId { get; private protected set; }

    /// <summary>Gets the key that it proved.</summary>
    public PublicKey? RemoteKey { get; private protected set; }

    /// <summary>Gets what the initiator told of its user.</summary>
    public byte[] Certificate { get; private protected set; } = [];

    /// <summary>Gets the first packet of the session: empty, with the first data counter.</summary>
    public byte[] Confirmation { get; private set; } = [];

    /// <summary>Gets the closing message, sent in place of the confirmation when the application refuses.</summary>
    public byte[] Refusal { get; private set; } = [];

    /// <summary>Hands over the keys of the session, where the finish led to them; null where they were there before it.</summary>
    public PendingKeys? TakeSession()
    {
        var session = _session;
        _session = null;
        return session;
    }

    public override void Dispose() => _session?.Dispose();

    private protected void GiveSession(PendingKeys session) => _session = session;

    /// <summary>Seals what the responder says first: the confirmation, or the refusal.</summary>
    private protected void SealFirstPackets(AeadContext aead, PendingKeys keys, int headerSize = SpecLimits.HeaderSize)
    {
        Confirmation = SealEmpty(keys, SpecLimits.FirstDataCounter, aead, headerSize);
        Refusal = SealEmpty(keys, SpecLimits.ClosingCounter, aead, headerSize);
    }

    private static byte[] SealEmpty(PendingKeys keys, uint counter, AeadContext aead, int headerSize)
    {
        var packet = new byte[Letters.OverheadOf(headerSize)];
        var header = new PacketHeader(Direction.ResponderToInitiator, new PacketCounter(counter));
        Letters.WriteHeader(header, headerSize, packet);
        PacketAead.Seal(aead, keys.SendKey.Span, header.Counter, default, packet, headerSize);
        return packet;
    }
}
