using System.Buffers.Binary;
using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Negotiation;

namespace PacketSec.Protocol.Schemes.NoiseXX;

/// <summary>What a responder keeps between message 2 and message 3: the state of the handshake, which has no keys of a session yet.</summary>
internal sealed class PendingNoise(HandshakeState noise) : PendingKeys
{
    public HandshakeState Noise => noise;

    public override PendingNoise Copy() => new(noise.Clone());

    public override void Dispose()
    {
        base.Dispose();
        noise.Dispose();
    }
}

/// <summary>Takes a message 1 and makes message 2.</summary>
internal sealed class XXAnswerWork : AnswerWork
{
    private readonly NoiseXXContext _context;
    private readonly byte[] _first;

    public XXAnswerWork(NoiseXXContext context, byte[] first, Agreement? agreement)
    {
        _context = context;
        _first = first;
        Agreement = agreement;
    }

    public override void Run()
    {
        var noise = _context.NewHandshake(initiator: false, Agreement);
        Outcome = MakeAnswer(noise);
        if (Outcome != DropReason.None)
        {
            noise.Dispose();
        }
    }

    private DropReason MakeAnswer(HandshakeState noise)
    {
        var payload = new byte[_first.Length - SpecLimits.HeaderSize - X25519PrivateKey.Size];
        if (!noise.TryReadMessage(_first.AsSpan(SpecLimits.HeaderSize), payload, out _))
        {
            return DropReason.Malformed;
        }

        var claim = _context.MakeClaim();

        //= spec/noise-xx.md#answer-layout
        var message = new byte[NoiseXXScheme.MinAnswer + claim.Length];
        BinaryPrimitives.WriteUInt32BigEndian(message, NoiseXXScheme.AnswerWord);

        //= spec/noise-xx.md#zero-dh
        if (!noise.TryWriteMessage(claim, message.AsSpan(SpecLimits.HeaderSize), out _))
        {
            return DropReason.LowOrderKey;
        }

        Succeed(message, new PendingNoise(noise));
        return DropReason.None;
    }
}

/// <summary>Checks a message 3 against the pending handshakes of its address.</summary>
internal sealed class XXFinishWork(NoiseXXContext context, PathAddress path, byte[] finish, IReadOnlyList<(long Id, PendingNoise State)> candidates)
    : FinishWork(path, finish)
{
    public override void Run() => Outcome = Check();

    public override void Dispose()
    {
        base.Dispose();
        foreach (var (_, state) in candidates)
        {
            state.Dispose();
        }
    }

    private DropReason Check()
    {
        var payload = new byte[Finish.Length - NoiseXXScheme.MinFinish];
        foreach (var (id, state) in candidates)
        {
            if (state.Noise.TryReadMessage(Finish.AsSpan(SpecLimits.HeaderSize), payload, out _))
            {
                MatchedId = id;
                return CheckIdentity(state.Noise, payload);
            }
        }

        //= spec/noise-xx.md#finish-unauthentic
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
        Span<byte> keys = stackalloc byte[64];
        try
        {
            noise.Split(keys[..32], keys[32..]);
            var session = new PendingKeys.OfSession(new SecretKey(keys[..32]), new SecretKey(keys[32..]));
            using var aead = context.Crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
            SealFirstPackets(aead, session);
            GiveSession(session);
            return DropReason.None;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(keys);
        }
    }
}
