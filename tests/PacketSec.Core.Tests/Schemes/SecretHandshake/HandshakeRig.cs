using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.SecretHandshake;
using PacketSec.Protocol.Wire.SecretHandshake;

namespace PacketSec.Core.Tests.Schemes.SecretHandshake;

/// <summary>The two ends of <c>secret-handshake-1</c> without machines: contexts, keys of the minute, and the work run in place.</summary>
internal sealed class HandshakeRig : IDisposable
{
    public static readonly NetworkAddress CallerAddress = new(UInt128.Parse("281473902969345", null), 4242);

    private readonly List<IDisposable> _owned = [];

    public HandshakeRig(
        ICryptoProvider? crypto = null, byte[]? networkKey = null, Agreement? agreement = null, IdentityKey? initiator = null, IdentityKey? responder = null)
    {
        Crypto = crypto ?? CryptoProvider.Default;
        Agreement = agreement;
        InitiatorIdentity = initiator ?? Own(IdentityKey.FromSeed(Seed(1), Crypto));
        ResponderIdentity = responder ?? Own(IdentityKey.FromSeed(Seed(2), Crypto));
        var key = networkKey is null ? null : Own(new NetworkKey(networkKey));
        Initiator = new(new SchemeContext(Crypto, InitiatorRandom, InitiatorIdentity, key));
        Responder = new(new SchemeContext(Crypto, ResponderRandom, ResponderIdentity, key));
        Minutes = Own(new MinuteKeys(Crypto, ResponderRandom));
        Assert.True(Callee.TryCreate(ResponderIdentity.PeerId, out var callee));
        Callee = callee;
    }

    public ICryptoProvider Crypto { get; }

    public ScriptedRandom InitiatorRandom { get; } = new(10);

    public ScriptedRandom ResponderRandom { get; } = new(20);

    public IdentityKey InitiatorIdentity { get; }

    public IdentityKey ResponderIdentity { get; }

    public SecretHandshakeContext Initiator { get; }

    public SecretHandshakeContext Responder { get; }

    public MinuteKeys Minutes { get; }

    public Agreement? Agreement { get; }

    public Callee Callee { get; set; }

    public Instant Now { get; set; } = new(1_000_000_000_000);

    public static byte[] Seed(byte value) => [.. Enumerable.Repeat(value, 32)];

    public static Agreement NewAgreement(string proposal = "a normal form")
        => Agreement.Standard(CryptoProvider.Default, System.Text.Encoding.UTF8.GetBytes(proposal), SecretHandshakeScheme.SchemeName, null);

    /// <summary>Makes a message 1; the state after it is the rig's to dispose.</summary>
    public (byte[] Message, HandshakeState Noise) Call()
    {
        using var work = new CallWork(Initiator, Callee, Agreement);
        work.Run();
        return (work.FirstMessage, Own(work.TakeNoise()));
    }

    /// <summary>Checks a message 1 and answers it.</summary>
    public byte[] Answer(byte[] message1, NetworkAddress? from = null)
    {
        Assert.Equal(DropReason.None, MessageChecks.Check(Responder, message1, out Message1 call));
        var cookie = new byte[Message2.CookieSize];
        Span<byte> seed = stackalloc byte[MinuteKeys.SeedSize];
        Minutes.Answer(Now, CallerOf(call.Ephemeral, from), cookie, seed);
        using var work = new CallAnswerWork(Responder, default, Agreement, call.Ephemeral.ToArray(), cookie, new SecretKey(seed));
        CryptographicOperations.ZeroMemory(seed);
        work.Run();
        return work.Answer;
    }

    /// <summary>Takes a message 2 and makes message 3; the work is the rig's to dispose.</summary>
    public CallFinishWork Finish(HandshakeState noise, byte[] message2)
    {
        Assert.Equal(DropReason.None, MessageChecks.Check(Initiator, message2, noise.LocalEphemeral, out Message2 _));
        var work = Own(NewFinish(Initiator, noise.Clone(), message2));
        work.Run();
        return work;
    }

    /// <summary>Checks a message 3 up to its cookie, and opens it; null where the cookie is not valid.</summary>
    public CallAcceptWork? Accept(byte[] message3, NetworkAddress? from = null)
    {
        Assert.Equal(DropReason.None, MessageChecks.Check(message3, out Message3 finish));
        Span<byte> seed = stackalloc byte[MinuteKeys.SeedSize];
        if (!Minutes.TryCheck(Now, CallerOf(finish.Ephemeral, from), finish.Cookie, seed, out var ticket))
        {
            return null;
        }

        var work = Own(new CallAcceptWork(Responder, new SecretHandshakeScheme(), default, message3, Agreement, ticket, new SecretKey(seed)));
        CryptographicOperations.ZeroMemory(seed);
        work.Run();
        return work;
    }

    /// <summary>Runs a whole handshake up to message 3.</summary>
    public CallFinishWork RunToMessage3()
    {
        var (message1, noise) = Call();
        return Finish(noise, Answer(message1));
    }

    /// <summary>Work that takes a message 2; it owns the state.</summary>
    public CallFinishWork NewFinish(SecretHandshakeContext context, HandshakeState noise, byte[] message2)
        => new(context, [new AnswerCandidate(1, 1, noise)], message2, PeerId.FromPublicKey(Callee.Key, Crypto)) { Path = default };

    public void Dispose() => Enumerable.Reverse(_owned).ToList().ForEach(item => item.Dispose());

    private Caller CallerOf(ReadOnlySpan<byte> ephemeral, NetworkAddress? from)
        => new(from ?? CallerAddress, ephemeral, Responder.Transcript(Agreement), Responder.Network);

    private T Own<T>(T item)
        where T : IDisposable
    {
        _owned.Add(item);
        return item;
    }
}

/// <summary>Randomness that is laid down: what a test queues, then what a seed gives.</summary>
internal sealed class ScriptedRandom(int seed) : IRandomSource
{
    private readonly Random _rest = new(seed);
    private readonly Queue<byte[]> _script = [];

    public int Drawn { get; private set; }

    public void Next(params byte[][] draws)
    {
        foreach (var draw in draws)
        {
            _script.Enqueue(draw);
        }
    }

    public void Fill(Span<byte> destination)
    {
        Drawn++;
        if (_script.TryDequeue(out var draw))
        {
            draw.CopyTo(destination);
        }
        else
        {
            _rest.NextBytes(destination);
        }
    }
}
