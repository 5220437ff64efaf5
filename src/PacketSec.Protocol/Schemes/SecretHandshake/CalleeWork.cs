using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.SecretHandshake;

namespace PacketSec.Protocol.Schemes.SecretHandshake;

/// <summary>Makes message 2: one multiplication of the base point, with a private key that is forgotten at once.</summary>
/// <param name="context">The endpoint's.</param>
/// <param name="path">Where the answer goes.</param>
/// <param name="agreement">What the call is bound to; null in direct mode.</param>
/// <param name="caller">The ephemeral key of the message that is answered.</param>
/// <param name="cookie">The cookie.</param>
/// <param name="seed">The ephemeral private key that the cookie stands for; the work owns it.</param>
internal sealed class CallAnswerWork(
    SecretHandshakeContext context, PathAddress path, Agreement? agreement, byte[] caller, byte[] cookie, SecretKey seed)
    : StatelessAnswerWork(path, agreement)
{
    public override void Run()
    {
        using var key = context.Crypto.ImportX25519PrivateKey(seed.Span);
        Span<byte> mac = stackalloc byte[SecretHandshakeScheme.MacSize];
        mac = context.HasNetworkKey ? mac : default;
        var message = new Message2(caller.AsSpan(0, Message2.CallSize), key.PublicKey, cookie, mac);
        var datagram = new byte[message.EncodedLength];
        WireMessage.Write(message, datagram);
        context.WriteMac(datagram.AsSpan(0, Message2.Size), caller, datagram.AsSpan(Message2.Size));
        Answer = datagram;
    }

    public override void Dispose() => seed.Dispose();
}

/// <summary>Opens message 3. What it costs does not depend on what is wrong with it.</summary>
internal sealed class CallAcceptWork : StatelessFinishWork
{
    private readonly SecretHandshakeContext _context;
    private readonly SecretKey _seed;

    /// <summary>Creates the work.</summary>
    /// <param name="context">The endpoint's.</param>
    /// <param name="scheme">The scheme.</param>
    /// <param name="path">Where the message came from and to.</param>
    /// <param name="message">A message 3 whose cookie is valid.</param>
    /// <param name="agreement">What the cookie says that it is bound to; null in direct mode.</param>
    /// <param name="ticket">Which cookie it is.</param>
    /// <param name="seed">The ephemeral private key that the cookie stands for; the work owns it.</param>
    public CallAcceptWork(
        SecretHandshakeContext context, Scheme scheme, PathAddress path, byte[] message, Agreement? agreement, StatelessTicket ticket, SecretKey seed)
        : base(scheme, path, message, ticket)
    {
        _context = context;
        _seed = seed;
        Agreement = agreement;
    }

    //= spec/secret-handshake.md#equal-work
    public override void Run()
    {
        WireMessage.TryRead<Message3>(Finish, out var read);
        using var ephemeral = _context.Crypto.ImportX25519PrivateKey(_seed.Span);
        using var noise = _context.Accept(Agreement, ephemeral);
        Span<byte> payload = stackalloc byte[IdentityPayload.Size];
        var opened = TryOpen(noise, read, payload);
        Outcome = Judge(noise.RemoteStatic, opened, payload);
        TakeKeys(noise);
    }

    public override void Dispose()
    {
        _seed.Dispose();
        base.Dispose();
    }

    private bool TryOpen(HandshakeState noise, in Message3 read, Span<byte> payload)
    {
        Span<byte> first = stackalloc byte[X25519PrivateKey.Size + Message1.TagSize];
        read.Ephemeral.CopyTo(first);
        _context.Transcript(Agreement)[..Message1.TagSize].CopyTo(first[X25519PrivateKey.Size..]);
        Span<byte> second = stackalloc byte[X25519PrivateKey.Size];
        if (!noise.TryReadMessage(first, stackalloc byte[Message1.TagSize], out _) || !noise.TryWriteMessage(default, second, out _))
        {
            throw new InvalidOperationException("Messages 1 and 2 of the pattern compute nothing that could fail.");
        }

        return noise.TryReadToTheEnd(read.Noise, payload, out _);
    }

    /// <summary>Compares the identity with the key that the handshake proved. A message that did not open is compared as if it were our own.</summary>
    private DropReason Judge(ReadOnlySpan<byte> proven, bool opened, ReadOnlySpan<byte> payload)
    {
        var readable = WireMessage.TryRead<IdentityPayload>(payload, out var identity);
        var claimed = opened && readable && Curve25519Rules.IsBelowFieldPrime(identity.Key) && !Curve25519Rules.IsSmallOrderEd25519(identity.Key);
        var key = claimed ? PublicKey.FromEd25519(identity.Key) : _context.Identity.PublicKey;
        Span<byte> montgomery = stackalloc byte[X25519PrivateKey.Size];
        var mapped = EdwardsToMontgomery.TryMap(key.Ed25519, montgomery);
        if (!opened)
        {
            return DropReason.NotAuthentic;
        }

        if (!readable)
        {
            return DropReason.Malformed;
        }

        //= spec/secret-handshake.md#identity
        if (!claimed || !mapped || !montgomery.SequenceEqual(proven))
        {
            return DropReason.KeyMismatch;
        }

        //= spec/secret-handshake.md#own-key
        if (key.SharesMontgomeryForm(_context.Identity.PublicKey))
        {
            return DropReason.OwnKey;
        }

        RemoteKey = key;
        return DropReason.None;
    }

    private void TakeKeys(HandshakeState noise)
    {
        Span<byte> bytes = stackalloc byte[64];
        noise.SplitOrPretend(bytes[..32], bytes[32..]);
        var keys = new CallKeys(new SecretKey(bytes[..32]), new SecretKey(bytes[32..]));
        CryptographicOperations.ZeroMemory(bytes);
        using var aead = _context.Crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
        SealFirstPackets(aead, keys);
        if (Outcome == DropReason.None)
        {
            Succeed(keys);
        }
        else
        {
            keys.Dispose();
        }
    }
}

/// <summary>The keys of a call that was accepted, from the finish to the decision.</summary>
internal sealed class CallKeys(SecretKey receiveKey, SecretKey sendKey) : PendingKeys(receiveKey, sendKey)
{
    public override CallKeys Copy() => new(new SecretKey(ReceiveKey.Span), new SecretKey(SendKey.Span));
}
