using System.Buffers.Binary;
using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;

namespace PacketSec.Protocol.Schemes.NoiseXX;

/// <summary>Makes message 1 with a fresh ephemeral key.</summary>
internal sealed class FirstWork(NoiseXXContext context, Agreement? agreement, PeerId remote) : FirstMessageWork
{
    public override void Run()
    {
        //= spec/noise-xx.md#first-size
        var size = remote.TryGetPublicKey(out _) ? NoiseXXScheme.FirstSize : NoiseXXScheme.LongFirstSize;
        var message = new byte[size];
        BinaryPrimitives.WriteUInt32BigEndian(message, NoiseXXScheme.FirstWord);

        //= spec/noise-xx.md#first-layout
        var payload = new byte[size - SpecLimits.HeaderSize - X25519PrivateKey.Size];
        context.Transcript(agreement)[..Agreement.TagSize].CopyTo(payload);

        //= spec/noise-xx.md#ephemeral-fresh
        var noise = context.NewHandshake(initiator: true, agreement);
        noise.WriteMessage(payload, message.AsSpan(SpecLimits.HeaderSize));
        Finish(noise, message);
    }
}

/// <summary>Checks a message 2 against the first messages that wait for one, and makes message 3.</summary>
internal sealed class XXCheckWork(NoiseXXContext context, IReadOnlyList<AnswerCandidate> candidates, byte[] answer, PeerId expected)
    : AnswerCheckWork(candidates, answer)
{
    public override void Run() => Outcome = Check();

    private DropReason Check()
    {
        var payload = new byte[Answer.Length - NoiseXXScheme.MinAnswer];
        foreach (var candidate in Candidates)
        {
            if (candidate.Noise.TryReadMessage(Answer.AsSpan(SpecLimits.HeaderSize), payload, out _))
            {
                Matched = candidate;
                return CheckIdentity(candidate.Noise, payload);
            }
        }

        //= spec/noise-xx.md#answer-unauthentic
        return DropReason.NotAuthentic;
    }

    private DropReason CheckIdentity(HandshakeState noise, byte[] payload)
    {
        var reason = context.CheckClaim(payload, noise.RemoteStatic, out var key);
        if (reason != DropReason.None)
        {
            return reason;
        }

        RemoteKey = key;
        RemotePeer = PeerId.FromPublicKey(key!, context.Crypto);

        //= spec/noise-xx.md#identity-compared
        return RemotePeer.Equals(expected) ? MakeFinish(noise) : DropReason.WrongIdentity;
    }

    private DropReason MakeFinish(HandshakeState noise)
    {
        var claim = context.MakeClaim();

        //= spec/noise-xx.md#finish-layout
        var message = new byte[NoiseXXScheme.MinFinish + claim.Length];
        BinaryPrimitives.WriteUInt32BigEndian(message, NoiseXXScheme.FinishWord);

        //= spec/noise-xx.md#zero-dh
        if (!noise.TryWriteMessage(claim, message.AsSpan(SpecLimits.HeaderSize), out _))
        {
            return DropReason.LowOrderKey;
        }

        Span<byte> keys = stackalloc byte[64];
        try
        {
            noise.Split(keys[..32], keys[32..]);
            Succeed(message, new SecretKey(keys[..32]), new SecretKey(keys[32..]));
            return DropReason.None;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(keys);
        }
    }
}
