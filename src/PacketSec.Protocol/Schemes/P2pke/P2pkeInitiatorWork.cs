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
internal sealed class InitHelloWork(P2pkeContext context, Tai64n time, Agreement? agreement = null) : FirstMessageWork
{
    /// <summary>Gets the datagram.</summary>
    public byte[] InitHello => FirstMessage;

    public override void Run()
    {
        Span<byte> timestamp = stackalloc byte[Tai64n.Size];
        time.WriteTo(timestamp);
        var signature = context.Sign(P2pkeSignature.Timestamp, timestamp);
        var claim = new AuthClaim(context.Identity.PublicKey.PublicKeyInfo, signature);
        var payload = P2pkeContext.Encode(new InitHelloBody(timestamp, claim, agreement is null ? default : agreement.Tag));

        //= spec/p2pke.md#ephemeral-fresh
        var noise = context.NewHandshake(initiator: true, agreement);
        //= spec/p2pke.md#init-hello-layout
        var message = new byte[P2pkeScheme.MinInitHello + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(message, P2pkeScheme.InitHelloWord);
        noise.WriteMessage(payload, message.AsSpan(SpecLimits.HeaderSize));
        Finish(noise, message);
    }
}

/// <summary>Checks a RespHello against the first messages that wait for one, and makes the InitDone.</summary>
internal sealed class RespHelloWork(P2pkeContext context, IReadOnlyList<AnswerCandidate> candidates, byte[] respHello, PeerId expected)
    : AnswerCheckWork(candidates, respHello)
{
    /// <summary>Gets the datagram of the finish.</summary>
    public byte[] InitDone => Finish;

    public override void Run() => Outcome = Check();

    private DropReason Check()
    {
        var message = Answer.AsSpan(SpecLimits.HeaderSize);
        Span<byte> h1 = stackalloc byte[P2pkeScheme.ChannelBindingSize];
        Span<byte> buffer = stackalloc byte[P2pkeScheme.MaxMessage];
        var payload = buffer[..(Answer.Length - P2pkeScheme.MinRespHello)];
        foreach (var candidate in Candidates)
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

        MakeFinish(noise);
        return DropReason.None;
    }

    private void MakeFinish(HandshakeState noise)
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
            Succeed(initDone, new SecretKey(keys[..32]), new SecretKey(keys[32..]));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(keys);
        }
    }
}
