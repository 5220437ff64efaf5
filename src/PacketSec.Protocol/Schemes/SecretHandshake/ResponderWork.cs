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
/// <param name="caller">The ephemeral key of the message that is answered.</param>
/// <param name="cookie">The cookie.</param>
/// <param name="seed">The ephemeral private key that the cookie stands for; the work owns it.</param>
internal sealed class AnswerWork(SecretHandshakeContext context, byte[] caller, byte[] cookie, SecretKey seed) : HandshakeWork
{
    /// <summary>Gets the datagram.</summary>
    public byte[] Message { get; private set; } = [];

    public override void Run()
    {
        using var key = context.Crypto.ImportX25519PrivateKey(seed.Span);
        Span<byte> mac = stackalloc byte[SecretHandshakeScheme.MacSize];
        mac = context.HasNetworkKey ? mac : default;
        var message = new Message2(caller.AsSpan(0, Message2.CallSize), key.PublicKey, cookie, mac);
        var datagram = new byte[message.EncodedLength];
        WireMessage.Write(message, datagram);
        context.WriteMac(datagram.AsSpan(0, Message2.Size), caller, datagram.AsSpan(Message2.Size));
        Message = datagram;
    }

    public override void Dispose() => seed.Dispose();
}

/// <summary>Opens message 3. What it costs does not depend on what is wrong with it.</summary>
/// <param name="context">The endpoint's.</param>
/// <param name="message">A message 3 whose cookie is valid.</param>
/// <param name="agreement">What the cookie says that it is bound to; null in direct mode.</param>
/// <param name="ticket">Which cookie it is.</param>
/// <param name="seed">The ephemeral private key that the cookie stands for; the work owns it.</param>
internal sealed class AcceptWork(
    SecretHandshakeContext context, byte[] message, Agreement? agreement, CookieTicket ticket, SecretKey seed) : HandshakeWork
{
    private HandshakeState? _noise;

    /// <summary>Gets the datagram worked on.</summary>
    public byte[] Message => message;

    /// <summary>Gets what the handshake is bound to; null in direct mode.</summary>
    public Agreement? Agreement => agreement;

    /// <summary>Gets which cookie came back.</summary>
    public CookieTicket Ticket => ticket;

    /// <summary>Gets the identity that the message proves.</summary>
    public PublicKey? RemoteKey { get; private set; }

    /// <summary>Gets its peer ID.</summary>
    public PeerId? RemotePeer { get; private set; }

    public override void Run() => Outcome = Open();

    /// <summary>
    /// Takes the keys of the session and seals its first packet: to be called when the application has allowed the peer and the cookie is recorded,
    /// so that an identity that is refused costs what any other failure does.
    /// </summary>
    //= spec/secret-handshake.md#equal-work
    public (SecretKey Send, SecretKey Receive, byte[] Confirmation) TakeKeys()
    {
        using var noise = _noise ?? throw new InvalidOperationException("The work has not succeeded, or its keys are taken.");
        _noise = null;
        Span<byte> keys = stackalloc byte[64];
        try
        {
            noise.Split(keys[..32], keys[32..]);
            var confirmation = new byte[SpecLimits.DatagramOverhead];
            var header = new PacketHeader(Direction.ResponderToInitiator, new PacketCounter(SpecLimits.FirstDataCounter));
            header.WriteTo(confirmation);
            using var aead = context.Crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
            PacketAead.Seal(aead, keys[32..], header.Counter, default, confirmation);
            return (new SecretKey(keys[32..]), new SecretKey(keys[..32]), confirmation);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(keys);
        }
    }

    public override void Dispose()
    {
        seed.Dispose();
        _noise?.Dispose();
    }

    private DropReason Open()
    {
        WireMessage.TryRead<Message3>(message, out var read);
        using var ephemeral = context.Crypto.ImportX25519PrivateKey(seed.Span);
        var noise = context.Accept(agreement, ephemeral);
        Span<byte> payload = stackalloc byte[IdentityPayload.Size];
        var opened = TryOpen(noise, read, payload);
        var reason = Judge(noise.RemoteStatic, opened, payload);
        if (reason == DropReason.None)
        {
            _noise = noise;
        }
        else
        {
            (RemoteKey, RemotePeer) = (null, null);
            noise.Dispose();
        }

        return reason;
    }

    private bool TryOpen(HandshakeState noise, in Message3 read, Span<byte> payload)
    {
        Span<byte> first = stackalloc byte[X25519PrivateKey.Size + Message1.TagSize];
        read.Ephemeral.CopyTo(first);
        context.Transcript(agreement)[..Message1.TagSize].CopyTo(first[X25519PrivateKey.Size..]);
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
        RemoteKey = claimed ? PublicKey.FromEd25519(identity.Key) : context.Identity.PublicKey;
        RemotePeer = PeerId.FromPublicKey(RemoteKey, context.Crypto);
        Span<byte> montgomery = stackalloc byte[X25519PrivateKey.Size];
        var mapped = EdwardsToMontgomery.TryMap(RemoteKey.Ed25519, montgomery);
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
        return RemoteKey.SharesMontgomeryForm(context.Identity.PublicKey) ? DropReason.OwnKey : DropReason.None;
    }
}
