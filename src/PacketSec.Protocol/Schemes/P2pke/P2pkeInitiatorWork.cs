using System.Buffers.Binary;
using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.P2pke;

namespace PacketSec.Protocol.Schemes.P2pke;

/// <summary>Makes an InitHello with a fresh ephemeral key.</summary>
internal sealed class InitHelloWork(P2pkeContext context, Tai64n time, Agreement? agreement = null) : HandshakeWork
{
    private HandshakeState? _noise;

    /// <summary>Gets the datagram.</summary>
    public byte[] InitHello { get; private set; } = [];

    public override void Run()
    {
        Span<byte> timestamp = stackalloc byte[Tai64n.Size];
        time.WriteTo(timestamp);
        var signature = context.Sign(P2pkeSignature.Timestamp, timestamp);
        var claim = new AuthClaim(context.Identity.PublicKey.PublicKeyInfo, signature);
        var payload = P2pkeContext.Encode(new InitHelloBody(timestamp, claim, agreement is null ? default : agreement.Tag));

        //= spec/p2pke.md#ephemeral-fresh
        _noise = context.NewHandshake(initiator: true, agreement);
        //= spec/p2pke.md#init-hello-layout
        var message = new byte[P2pkeScheme.MinInitHello + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(message, P2pkeScheme.InitHelloWord);
        _noise.WriteMessage(payload, message.AsSpan(SpecLimits.HeaderSize));
        InitHello = message;
    }

    /// <summary>Hands over the handshake state after message 1.</summary>
    public HandshakeState TakeNoise()
    {
        var noise = _noise ?? throw new InvalidOperationException("The work has not run, or its state is taken.");
        _noise = null;
        return noise;
    }

    public override void Dispose() => _noise?.Dispose();
}

/// <summary>One of our first messages that a RespHello may answer.</summary>
/// <param name="AttemptId">The attempt that sent it.</param>
/// <param name="Generation">Which of the attempt's first messages it is.</param>
/// <param name="Noise">A copy of the state after it; the work owns it.</param>
internal readonly record struct RespHelloCandidate(long AttemptId, long Generation, HandshakeState Noise);

/// <summary>Checks a RespHello against the first messages that wait for one, and makes the InitDone.</summary>
internal sealed class RespHelloWork(P2pkeContext context, IReadOnlyList<RespHelloCandidate> candidates, byte[] respHello, PeerId expected) : HandshakeWork
{
    private SecretKey? _sendKey;
    private SecretKey? _receiveKey;

    /// <summary>Gets the handshake message worked on.</summary>
    public byte[] RespHello => respHello;

    /// <summary>Gets the first messages it was tried with.</summary>
    public IReadOnlyList<RespHelloCandidate> Candidates => candidates;

    /// <summary>Gets the one that it answers; without an attempt when it answers none.</summary>
    public RespHelloCandidate Matched { get; private set; }

    /// <summary>Gets the path it came on, whose local end the session keeps.</summary>
    public required PathAddress Path { get; init; }

    /// <summary>Gets the key proven, also where it is the wrong one.</summary>
    public PublicKey? RemoteKey { get; private set; }

    /// <summary>Gets its peer ID.</summary>
    public PeerId? RemotePeer { get; private set; }

    /// <summary>Gets the datagram of the finish.</summary>
    public byte[] InitDone { get; private set; } = [];

    public override void Run() => Outcome = Check();

    /// <summary>Hands over the keys.</summary>
    public (SecretKey Send, SecretKey Receive) TakeKeys()
    {
        var keys = (_sendKey ?? throw new InvalidOperationException("The work has not succeeded."), _receiveKey!);
        (_sendKey, _receiveKey) = (null, null);
        return keys;
    }

    public override void Dispose()
    {
        foreach (var candidate in candidates)
        {
            candidate.Noise.Dispose();
        }

        _sendKey?.Dispose();
        _receiveKey?.Dispose();
    }

    private DropReason Check()
    {
        var message = respHello.AsSpan(SpecLimits.HeaderSize);
        Span<byte> h1 = stackalloc byte[P2pkeScheme.ChannelBindingSize];
        Span<byte> buffer = stackalloc byte[P2pkeScheme.MaxMessage];
        var payload = buffer[..(respHello.Length - P2pkeScheme.MinRespHello)];
        foreach (var candidate in candidates)
        {
            candidate.Noise.HandshakeHash.CopyTo(h1);
            if (candidate.Noise.TryReadMessage(message, payload, out var length))
            {
                Matched = candidate;
                return CheckClaim(candidate.Noise, payload[..length], h1);
            }
        }

        //= spec/p2pke.md#zero-dh
        return context.IsLowOrder(message[..X25519PrivateKey.Size]) ? DropReason.LowOrderKey : DropReason.NotAuthentic;
    }

    private DropReason CheckClaim(HandshakeState noise, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> h1)
    {
        var reader = new WireReader(payload);
        if (!RespHelloBody.TryRead(ref reader, out var body))
        {
            return DropReason.Malformed;
        }

        var reason = context.Verify(body.AuthClaim, P2pkeSignature.ChannelBinding, h1, out var key);
        if (reason != DropReason.None)
        {
            return reason;
        }

        RemoteKey = key;
        RemotePeer = PeerId.FromPublicKey(key!, context.Crypto);
        //= spec/p2pke.md#resp-hello-identity
        if (!RemotePeer.Equals(expected))
        {
            return DropReason.WrongIdentity;
        }

        Finish(noise);
        return DropReason.None;
    }

    private void Finish(HandshakeState noise)
    {
        var signature = context.Sign(P2pkeSignature.ChannelBinding, noise.HandshakeHash);
        var payload = P2pkeContext.Encode(new InitDoneBody(new AuthClaim(context.Identity.PublicKey.PublicKeyInfo, signature)));
        Span<byte> keys = stackalloc byte[64];
        try
        {
            noise.Split(keys[..32], keys[32..]);
            //= spec/p2pke.md#init-done-layout
            var initDone = new byte[P2pkeScheme.MinInitDone + payload.Length];
            BinaryPrimitives.WriteUInt32BigEndian(initDone, P2pkeScheme.InitDoneWord);
            using var aead = context.Crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
            PacketAead.Seal(aead, keys[..32], new PacketCounter(P2pkeScheme.InitDoneCounter), payload, initDone);
            InitDone = initDone;
            _sendKey = new SecretKey(keys[..32]);
            _receiveKey = new SecretKey(keys[32..]);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(keys);
        }
    }
}
