using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.SecretHandshake;

namespace PacketSec.Protocol.Schemes.SecretHandshake;

/// <summary>Makes message 1 with a fresh ephemeral key.</summary>
internal sealed class CallWork(SecretHandshakeContext context, Callee callee, Agreement? agreement = null) : FirstMessageWork
{
    public override void Run()
    {
        //= spec/secret-handshake.md#ephemeral-fresh
        var state = context.Call(agreement, callee);
        //= spec/secret-handshake.md#noise-payloads
        var tag = context.Transcript(agreement)[..Message1.TagSize];
        Span<byte> noise = stackalloc byte[X25519PrivateKey.Size + Message1.TagSize];
        state.WriteMessage(tag, noise);
        Span<byte> mac = stackalloc byte[SecretHandshakeScheme.MacSize];
        mac = context.HasNetworkKey ? mac : default;
        var message = new Message1(noise[..X25519PrivateKey.Size], tag, mac);
        var datagram = new byte[message.EncodedLength];
        WireMessage.Write(message, datagram);
        context.WriteMac(datagram.AsSpan(0, Message1.Size), default, datagram.AsSpan(Message1.Size));
        Finish(state, datagram);
    }
}

/// <summary>Takes a message 2, and makes message 3 and the keys. Whom it comes from it does not say.</summary>
/// <param name="context">The endpoint's.</param>
/// <param name="candidates">The states after the message 1 that it answers: one, as message 2 names it.</param>
/// <param name="answer">A message 2 that passed the checks that need no key.</param>
/// <param name="called">The identity called.</param>
internal sealed class CallFinishWork(SecretHandshakeContext context, IReadOnlyList<AnswerCandidate> candidates, byte[] answer, PeerId called)
    : AnswerCheckWork(candidates, answer)
{
    public override void Run()
    {
        WireMessage.TryRead<Message2>(Answer, out var read);
        Matched = Candidates[0];
        if (!Matched.Noise.TryReadMessage(read.Ephemeral, default, out _))
        {
            throw new InvalidOperationException("Message 2 of the pattern computes nothing that could fail.");
        }

        Outcome = MakeFinish(Matched.Noise, read);
    }

    private DropReason MakeFinish(HandshakeState noise, in Message2 read)
    {
        //= spec/secret-handshake.md#noise-payloads
        Span<byte> payload = stackalloc byte[IdentityPayload.Size];
        WireMessage.Write(new IdentityPayload(context.Identity.PublicKey.Ed25519), payload);
        var datagram = new byte[Message3.Size];
        WireMessage.Write(new Message3(read.Cookie, noise.LocalEphemeral, stackalloc byte[Message3.NoiseSize]), datagram);
        //= spec/secret-handshake.md#zero-dh
        if (!noise.TryWriteMessage(payload, datagram.AsSpan(Message3.Size - Message3.NoiseSize), out _))
        {
            return DropReason.LowOrderKey;
        }

        Span<byte> keys = stackalloc byte[64];
        try
        {
            noise.Split(keys[..32], keys[32..]);
            called.TryGetPublicKey(out var key);
            (RemoteKey, RemotePeer) = (key, called);
            Succeed(datagram, new SecretKey(keys[..32]), new SecretKey(keys[32..]));
            return DropReason.None;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(keys);
        }
    }
}
