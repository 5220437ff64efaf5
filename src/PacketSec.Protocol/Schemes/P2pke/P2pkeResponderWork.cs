using System.Buffers.Binary;
using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.P2pke;

namespace PacketSec.Protocol.Schemes.P2pke;

/// <summary>Checks an InitHello and makes the RespHello.</summary>
internal sealed class InitHelloResponse : AnswerWork
{
    private readonly P2pkeContext _context;
    private readonly byte[] _initHello;

    public InitHelloResponse(P2pkeContext context, byte[] initHello, Agreement? agreement = null)
    {
        _context = context;
        _initHello = initHello;
        Agreement = agreement;
    }

    /// <summary>Gets the datagram of the answer.</summary>
    public byte[] RespHello => Answer;

    public override void Run() => Outcome = Check();

    /// <summary>Hands over what the handshake keeps until the finish.</summary>
    public ResponderKeys TakeKeys() => (ResponderKeys)TakePendingKeys();

    /// <summary>Checks all of a payload but the signature: what costs little.</summary>
    public static DropReason CheckForm(P2pkeContext context, ReadOnlySpan<byte> payload, out InitHelloBody body, out PublicKey? key)
    {
        key = null;
        var reader = new WireReader(payload);
        if (!InitHelloBody.TryRead(ref reader, out body))
        {
            return DropReason.Malformed;
        }

        //= spec/p2pke.md#timestamp-parsing
        if (!Tai64n.TryRead(body.Timestamp, out _))
        {
            return DropReason.Malformed;
        }

        return context.ParseKey(body.AuthClaim, out key);
    }

    /// <summary>Reads the tag of the transcript that an InitHello is bound to; empty in direct mode, and where the payload does not parse.</summary>
    //= spec/p2pke.md#psec-tag
    public static ReadOnlySpan<byte> ReadTag(ReadOnlySpan<byte> initHello)
    {
        var reader = new WireReader(initHello[P2pkeScheme.MinInitHello..]);
        return InitHelloBody.TryRead(ref reader, out var body) ? body.TranscriptTag : default;
    }

    private DropReason Check()
    {
        using var noise = _context.NewHandshake(initiator: false, Agreement);
        Span<byte> payload = stackalloc byte[P2pkeScheme.MaxMessage];
        if (!noise.TryReadMessage(_initHello.AsSpan(SpecLimits.HeaderSize), payload[..(_initHello.Length - P2pkeScheme.MinInitHello)], out var length))
        {
            return DropReason.Malformed;
        }

        var reason = CheckForm(_context, payload[..length], out var body, out var key);
        if (reason != DropReason.None)
        {
            return reason;
        }

        //= spec/p2pke.md#init-hello-claim
        //= spec/p2pke.md#signature-prehash
        return P2pkeSignature.Verify(_context.Crypto, key!, P2pkeSignature.Timestamp, body.Timestamp, body.AuthClaim.Signature)
            ? MakeAnswer(noise, key!)
            : DropReason.BadSignature;
    }

    private DropReason MakeAnswer(HandshakeState noise, PublicKey key)
    {
        var signature = _context.Sign(P2pkeSignature.ChannelBinding, noise.HandshakeHash);
        var claim = new AuthClaim(_context.Identity.PublicKey.PublicKeyInfo, signature);
        var payload = P2pkeContext.Encode(new RespHelloBody(claim));
        //= spec/p2pke.md#resp-hello-layout
        var message = new byte[P2pkeScheme.MinRespHello + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(message, P2pkeScheme.RespHelloWord);
        //= spec/p2pke.md#zero-dh
        if (!noise.TryWriteMessage(payload, message.AsSpan(SpecLimits.HeaderSize), out _))
        {
            return DropReason.LowOrderKey;
        }

        Span<byte> keys = stackalloc byte[64];
        try
        {
            var h2 = noise.HandshakeHash.ToArray();
            noise.Split(keys[..32], keys[32..]);
            Succeed(message, new ResponderKeys(key, h2, new SecretKey(keys[..32]), new SecretKey(keys[32..])));
            return DropReason.None;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(keys);
        }
    }
}

/// <summary>What a responder keeps between its answer and the finish. Owns its keys.</summary>
internal sealed class ResponderKeys(PublicKey claimedKey, byte[] channelBinding, SecretKey receiveKey, SecretKey sendKey)
    : PendingKeys(receiveKey, sendKey)
{
    public PublicKey ClaimedKey => claimedKey;

    public ReadOnlySpan<byte> ChannelBinding => channelBinding;

    public override ResponderKeys Copy() => new(claimedKey, channelBinding, new SecretKey(ReceiveKey.Span), new SecretKey(SendKey.Span));
}

/// <summary>Checks an InitDone against the pending handshakes of its address.</summary>
internal sealed class InitDoneWork(
    P2pkeContext context, PathAddress path, byte[] initDone, IReadOnlyList<(long Id, ResponderKeys Keys)> candidates) : FinishWork(path, initDone)
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
        Span<byte> buffer = stackalloc byte[P2pkeScheme.MaxMessage];
        var payload = buffer[..(Finish.Length - P2pkeScheme.MinInitDone)];
        foreach (var (id, keys) in candidates)
        {
            if (PacketAead.TryOpen(aead, keys.ReceiveKey.Span, new PacketCounter(P2pkeScheme.InitDoneCounter), Finish, payload))
            {
                MatchedId = id;
                return CheckClaim(keys, payload, aead);
            }
        }

        //= spec/p2pke.md#init-done-tag
        return DropReason.NotAuthentic;
    }

    private DropReason CheckClaim(ResponderKeys keys, ReadOnlySpan<byte> payload, AeadContext aead)
    {
        var reader = new WireReader(payload);
        if (!InitDoneBody.TryRead(ref reader, out var body))
        {
            return DropReason.Malformed;
        }

        var reason = context.ParseKey(body.AuthClaim, out var key);
        if (reason != DropReason.None)
        {
            return reason;
        }

        //= spec/p2pke.md#init-done-key
        if (!key!.Equals(keys.ClaimedKey))
        {
            return DropReason.KeyMismatch;
        }

        //= spec/p2pke.md#init-done-signature
        reason = context.Verify(body.AuthClaim, P2pkeSignature.ChannelBinding, keys.ChannelBinding, out _);
        if (reason == DropReason.None)
        {
            RemoteKey = key;
            SealFirstPackets(aead, keys);
        }

        return reason;
    }
}
