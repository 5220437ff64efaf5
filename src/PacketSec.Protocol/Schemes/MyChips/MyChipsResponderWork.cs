using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes.MyChips;

/// <summary>What a responder keeps between its answer and the first transport packet.</summary>
internal sealed class MyChipsKeys(PublicKey remoteKey, byte[] certificate, SecretKey receiveKey, SecretKey sendKey) : PendingKeys(receiveKey, sendKey)
{
    public PublicKey RemoteKey => remoteKey;

    /// <summary>Gets what the first message told of the initiator's user.</summary>
    public byte[] Certificate => certificate;

    public override MyChipsKeys Copy() => new(remoteKey, certificate, new SecretKey(ReceiveKey.Span), new SecretKey(SendKey.Span));
}

/// <summary>Checks a first message and makes the answer, which is held back until somebody has said yes.</summary>
internal sealed class MyChipsAnswerWork(MyChipsContext context, AnswerRequest request) : AnswerWork
{
    private HandshakeState? _read;
    private PublicKey? _key;
    private Agreement? _agreement;
    private byte[] _certificate = [];
    private DropReason _failure = DropReason.NotAuthentic;

    public override void Run()
    {
        var first = request.First;
        if (first[0] == Letters.Ticket)
        {
            ReadAll(ReadWithTicket);
        }
        else if (first[0] == Letters.Site)
        {
            ReadAll(ReadSite);
        }
        else
        {
            ReadAll(ReadKnown);
        }

        MakeAnswer();
    }

    public override void Dispose()
    {
        base.Dispose();
        _read?.Dispose();
    }

    /// <summary>Tries all that the message may be bound to, also after one was found.</summary>
    //= spec/mychips.md#no-tag
    //= spec/mychips.md#equal-work
    private void ReadAll(Action<Agreement?> read)
    {
        foreach (var agreement in request.Agreements)
        {
            read(agreement);
        }
    }

    private void ReadWithTicket(Agreement? agreement)
    {
        var message = request.First.AsSpan(1);
        Span<byte> buffer = stackalloc byte[ClaimPayload.MaxSize];
        var length = message.Length - MyChipsScheme.TicketOverhead;
        if (length is < ClaimPayload.MinSize or > ClaimPayload.MaxSize)
        {
            _failure = DropReason.Malformed;
            return;
        }

        var noise = context.NewWithTicket(agreement);
        var payload = buffer[..length];
        try
        {
            var opened = noise.TryReadToTheEnd(message, payload, out _);
            var reason = CheckClaim(noise, opened, payload, out var key, out var question);
            Take(noise, opened, reason, key, agreement, question);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(payload);
        }
    }

    /// <summary>Compares the claim with the key that the message proved. One that cannot be read is checked as if it were made in our own name.</summary>
    private DropReason CheckClaim(HandshakeState noise, bool opened, ReadOnlySpan<byte> payload, out PublicKey key, out AdmissionQuestion question)
    {
        var readable = ClaimPayload.TryRead(payload, out var claim) && opened;
        key = readable ? claim.Key : PublicKey.FromEd25519(context.Identity.PublicKey.Ed25519);
        var hash = TicketHash.Of(payload[..Ticket.TokenSize], context.Crypto);
        question = new(new(hash, readable && claim.UserAddress.Length > 0 ? claim.UserAddress : null, readable ? claim.Purpose : string.Empty), null);
        if (readable)
        {
            _certificate = claim.Certificate.ToArray();
        }

        //= spec/mychips.md#key-proven
        var mapped = MyChipsContext.TryMap(key, out var proven);
        return !readable ? DropReason.Malformed : mapped && noise.RemoteStatic.SequenceEqual(proven) ? DropReason.None : DropReason.KeyMismatch;
    }

    private void ReadSite(Agreement? agreement)
    {
        if (!SitePacket.TryRead(request.First, out var packet))
        {
            _failure = DropReason.Malformed;
            return;
        }

        using var oneWay = context.NewOneWay(agreement);
        Span<byte> buffer = stackalloc byte[TicketText.MaxSize];
        var name = buffer[..(packet.Name.Length - MyChipsScheme.SealedOverhead)];
        var named = oneWay.TryReadToTheEnd(packet.Name, name, out _);
        named &= SitePacket.TryReadId(name, out var siteId);

        // A site that is not known is read as if it were ourselves.
        PublicKey? key = null;
        var known = context.Shared.Sites?.TryGetValue(named ? siteId! : string.Empty, out key) == true && key.Type == PublicKeyType.Ed25519;
        key = known ? key! : context.Identity.PublicKey;
        known &= MyChipsContext.TryMap(key, out var staticKey);
        if (named && !known)
        {
            _failure = DropReason.UnknownSite;
        }

        //= spec/mychips.md#silence
        var noise = context.NewKnown(initiator: false, agreement, known ? staticKey : context.Identity.AgreementKey.PublicKey.ToArray(), packet.Front);
        var opened = noise.TryReadToTheEnd(packet.Message, [], out _);
        Take(noise, opened && named && known, DropReason.None, key, agreement, new(null, siteId));
    }

    private void ReadKnown(Agreement? agreement)
    {
        if (request.First.Length != MyChipsScheme.AnswerSize)
        {
            _failure = DropReason.Malformed;
            return;
        }

        // Where nobody has a channel it is read as if it were from ourselves.
        _failure = request.Known.Count == 0 ? DropReason.NoHandshake : _failure;
        foreach (var key in request.Known.DefaultIfEmpty(context.Identity.PublicKey))
        {
            if (!MyChipsContext.TryMap(key, out var staticKey))
            {
                continue;
            }

            var noise = context.NewKnown(initiator: false, agreement, staticKey, default);
            var opened = noise.TryReadToTheEnd(request.First.AsSpan(1), [], out _);
            Take(noise, opened && request.Known.Count > 0, DropReason.None, key, agreement, question: null);
        }
    }

    private void Take(HandshakeState noise, bool opened, DropReason reason, PublicKey key, Agreement? agreement, AdmissionQuestion? question)
    {
        //= spec/mychips.md#own-key
        reason = reason == DropReason.None && key.SharesMontgomeryForm(context.Identity.PublicKey) ? DropReason.OwnKey : reason;
        if (!opened || reason != DropReason.None || _read is not null)
        {
            _failure = opened ? reason : _failure;
            noise.Dispose();
            return;
        }

        (_read, _key, _agreement, Question) = (noise, key, agreement, question);
    }

    /// <summary>Answers what was read, or does the same work for nobody.</summary>
    private void MakeAnswer()
    {
        var answer = new byte[MyChipsScheme.AnswerSize];
        answer[0] = Letters.Answer;
        Span<byte> bytes = stackalloc byte[64];
        var first = bytes[..32];
        var second = bytes[32..];

        //= spec/mychips.md#zero-dh
        Outcome = _read is null ? _failure : _read.TryWriteMessage([], answer.AsSpan(1), out _) ? DropReason.None : DropReason.LowOrderKey;
        if (Outcome == DropReason.None)
        {
            _read!.Split(first, second);
        }
        else
        {
            context.PretendAnswer(answer.AsSpan(1), first, second);
        }

        var keys = new MyChipsKeys(_key ?? context.Identity.PublicKey, _certificate, new SecretKey(first), new SecretKey(second));
        CryptographicOperations.ZeroMemory(bytes);
        if (Outcome != DropReason.None)
        {
            keys.Dispose();
            return;
        }

        (RemoteKey, Agreement) = (_key, _agreement);
        Succeed(answer, keys);
    }
}

/// <summary>Opens the first transport packet by the keys of the handshakes that wait for one.</summary>
internal sealed class MyChipsFinishWork(
    MyChipsContext context, PathAddress path, byte[] finish, IReadOnlyList<(long Id, MyChipsKeys Keys)> candidates) : FinishWork(path, finish)
{
    public override void Run() => Outcome = Check();

    public override void Dispose()
    {
        base.Dispose();
        foreach (var (_, keys) in candidates)
        {
            keys.Dispose();
        }
    }

    private DropReason Check()
    {
        using var aead = context.Crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
        var certificate = new byte[Finish.Length - MyChipsScheme.MinFinish];
        foreach (var (id, keys) in candidates)
        {
            if (PacketAead.TryOpen(aead, keys.ReceiveKey.Span, new PacketCounter(MyChipsScheme.FinishCounter), Finish, certificate, Letters.HeaderSize))
            {
                MatchedId = id;
                RemoteKey = keys.RemoteKey;
                //= spec/mychips.md#certificate-once
                Certificate = certificate.Length > 0 ? certificate : keys.Certificate;
                SealFirstPackets(aead, keys, Letters.HeaderSize);
                return DropReason.None;
            }
        }

        return DropReason.NotAuthentic;
    }
}
