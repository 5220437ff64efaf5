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
    // What an honest answer costs beside the reading, which goes to the end in any case.
    private const int WriteAgreements = 2;

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

        Outcome = _read is null ? _failure : MakeAnswer(_read, _key!);
        if (Outcome != DropReason.None)
        {
            context.Mimic(WriteAgreements);
        }
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
            if (!noise.TryReadToTheEnd(message, payload, out _))
            {
                noise.Dispose();
                return;
            }

            var reason = CheckClaim(noise, payload, out var key);
            Take(noise, reason, key, agreement);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(payload);
        }
    }

    private DropReason CheckClaim(HandshakeState noise, ReadOnlySpan<byte> payload, out PublicKey? key)
    {
        key = null;
        if (!ClaimPayload.TryRead(payload, out var claim))
        {
            return DropReason.Malformed;
        }

        key = claim.Key;
        _certificate = claim.Certificate.ToArray();
        Question = new(new(TicketHash.Of(claim.Token, context.Crypto), claim.UserAddress.Length == 0 ? null : claim.UserAddress, claim.Purpose), null);

        //= spec/mychips.md#key-proven
        return MyChipsContext.TryMap(key, out var proven) && noise.RemoteStatic.SequenceEqual(proven) ? DropReason.None : DropReason.KeyMismatch;
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
        string? siteId = null;
        PublicKey? key = null;
        byte[] staticKey = [];
        var known = oneWay.TryReadMessage(packet.Name, name, out _) && SitePacket.TryReadId(name, out siteId)
            && context.Shared.Sites?.TryGetValue(siteId, out key) == true && MyChipsContext.TryMap(key, out staticKey);
        if (siteId is not null && !known)
        {
            _failure = DropReason.UnknownSite;
        }

        //= spec/mychips.md#silence
        var noise = context.NewKnown(initiator: false, agreement, known ? staticKey : context.Identity.AgreementKey.PublicKey.ToArray(), packet.Front);
        if (!noise.TryReadMessage(packet.Message, [], out _) || !known)
        {
            noise.Dispose();
            return;
        }

        Question = new(null, siteId);
        Take(noise, DropReason.None, key, agreement);
    }

    private void ReadKnown(Agreement? agreement)
    {
        if (request.First.Length != MyChipsScheme.AnswerSize)
        {
            _failure = DropReason.Malformed;
            return;
        }

        _failure = request.Known.Count == 0 ? DropReason.NoHandshake : _failure;
        foreach (var key in request.Known)
        {
            if (!MyChipsContext.TryMap(key, out var staticKey))
            {
                continue;
            }

            var noise = context.NewKnown(initiator: false, agreement, staticKey, default);
            if (noise.TryReadMessage(request.First.AsSpan(1), [], out _))
            {
                Take(noise, DropReason.None, key, agreement);
            }
            else
            {
                noise.Dispose();
            }
        }
    }

    private void Take(HandshakeState noise, DropReason reason, PublicKey? key, Agreement? agreement)
    {
        //= spec/mychips.md#own-key
        reason = reason == DropReason.None && key!.SharesMontgomeryForm(context.Identity.PublicKey) ? DropReason.OwnKey : reason;
        if (reason != DropReason.None || _read is not null)
        {
            _failure = reason;
            noise.Dispose();
            return;
        }

        (_read, _key, _agreement) = (noise, key, agreement);
    }

    private DropReason MakeAnswer(HandshakeState noise, PublicKey key)
    {
        var answer = new byte[MyChipsScheme.AnswerSize];
        answer[0] = Letters.Answer;

        //= spec/mychips.md#zero-dh
        if (!noise.TryWriteMessage([], answer.AsSpan(1), out _))
        {
            return DropReason.LowOrderKey;
        }

        Span<byte> keys = stackalloc byte[64];
        try
        {
            noise.Split(keys[..32], keys[32..]);
            RemoteKey = key;
            Agreement = _agreement;
            Succeed(answer, new MyChipsKeys(key, _certificate, new SecretKey(keys[..32]), new SecretKey(keys[32..])));
            return DropReason.None;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(keys);
        }
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
