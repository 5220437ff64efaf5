using PacketSec.Crypto;
using PacketSec.Noise;

namespace PacketSec.Core.Tests.Noise;

/// <summary>Randomness that repeats.</summary>
internal sealed class SeededRandom(int seed) : IRandomSource
{
    private readonly Random _random = new(seed);

    public void Fill(Span<byte> destination) => _random.NextBytes(destination);

    public byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        Fill(bytes);
        return bytes;
    }
}

/// <summary>Two sides of one handshake with whatever keys the pattern wants.</summary>
internal sealed class HandshakePair : IDisposable
{
    private readonly List<IDisposable> _keys = [];

    public HandshakePair(NoiseProtocol protocol, int seed = 1, ICryptoProvider? crypto = null)
    {
        Crypto = crypto ?? CryptoProvider.Default;
        Random = new SeededRandom(seed);
        var pattern = protocol.Pattern;
        var initiatorStatic = pattern.HasStatic(initiator: true) ? NewKey() : null;
        var responderStatic = pattern.HasStatic(initiator: false) ? NewKey() : null;
        var preSharedKeys = Enumerable.Range(0, pattern.PskCount).Select(_ => NewSecret()).ToArray();
        InitiatorConfig = new HandshakeConfig
        {
            Protocol = protocol,
            Initiator = true,
            Prologue = "prologue"u8.ToArray(),
            LocalStatic = initiatorStatic,
            RemoteStatic = pattern.ResponderStaticIsKnown ? responderStatic!.PublicKey.ToArray() : default,
            PreSharedKeys = preSharedKeys,
        };
        ResponderConfig = new HandshakeConfig
        {
            Protocol = protocol,
            Initiator = false,
            Prologue = "prologue"u8.ToArray(),
            LocalStatic = responderStatic,
            RemoteStatic = pattern.InitiatorStaticIsKnown ? initiatorStatic!.PublicKey.ToArray() : default,
            PreSharedKeys = preSharedKeys,
        };
        Initiator = new HandshakeState(Crypto, Random, InitiatorConfig);
        Responder = new HandshakeState(Crypto, Random, ResponderConfig);
    }

    public ICryptoProvider Crypto { get; }

    public SeededRandom Random { get; }

    public HandshakeConfig InitiatorConfig { get; }

    public HandshakeConfig ResponderConfig { get; }

    public HandshakeState Initiator { get; }

    public HandshakeState Responder { get; }

    public HandshakeState Writer => Initiator.IsMyTurn ? Initiator : Responder;

    public HandshakeState Reader => Initiator.IsMyTurn ? Responder : Initiator;

    public static HandshakePair For(string pattern) => new(Protocol(pattern));

    public static NoiseProtocol Protocol(string pattern)
        => pattern == XKH.Name
            ? NoiseProtocol.Create(XKH, AeadAlgorithm.ChaCha20Poly1305, HashAlgorithm.Blake2s)
            : NoiseProtocol.Parse($"Noise_{pattern}_25519_ChaChaPoly_BLAKE2s");

    /// <summary>XKH as its vectors have it: the responder's confirmation is a fourth message, without tokens.</summary>
    public static HandshakePattern XKH { get; } = HandshakePattern.Parse("XKH", "<- s ... -> e <- e -> ee, es, s, se <-");

    public X25519PrivateKey NewKey()
    {
        var key = Crypto.ImportX25519PrivateKey(Random.Bytes(32));
        _keys.Add(key);
        return key;
    }

    public SecretKey NewSecret()
    {
        var key = new SecretKey(Random.Bytes(32));
        _keys.Add(key);
        return key;
    }

    /// <summary>Runs messages until a given number is left, or none.</summary>
    public void Run(int messages = int.MaxValue)
    {
        for (; messages > 0 && !Initiator.IsComplete; messages--)
        {
            var (writer, reader) = (Writer, Reader);
            var message = Write(writer, "payload"u8);
            Assert.Equal("payload"u8.ToArray(), Read(reader, message));
        }
    }

    public static byte[] Write(HandshakeState writer, ReadOnlySpan<byte> payload)
    {
        var message = new byte[writer.MessageOverhead + payload.Length];
        Assert.True(writer.TryWriteMessage(payload, message, out var written));
        Assert.Equal(message.Length, written);
        return message;
    }

    /// <summary>The payload, or null for a message that is refused.</summary>
    public static byte[]? Read(HandshakeState reader, ReadOnlySpan<byte> message)
    {
        var payload = new byte[message.Length];
        return reader.TryReadMessage(message, payload, out var length) ? payload[..length] : null;
    }

    /// <summary>The transport keys in hex.</summary>
    public static (string First, string Second) Split(HandshakeState state)
    {
        var (first, second) = (new byte[32], new byte[32]);
        state.Split(first, second);
        return (Convert.ToHexStringLower(first), Convert.ToHexStringLower(second));
    }

    public void Dispose()
    {
        Initiator.Dispose();
        Responder.Dispose();
        _keys.ForEach(key => key.Dispose());
    }
}

/// <summary>All that a state consists of, for comparison.</summary>
internal sealed record StateDigest(string Symmetric, string Keys, bool MyTurn, bool Complete, int Overhead, X25519PrivateKey? Ephemeral)
{
    public static StateDigest Of(HandshakeState state)
    {
        var snapshot = new byte[SymmetricState.SnapshotSize];
        state.Symmetric.Save(snapshot);
        var keys = string.Join('|', Hex(state.LocalEphemeral), Hex(state.RemoteEphemeral), Hex(state.RemoteStatic));
        var overhead = state.IsComplete ? 0 : state.MessageOverhead;
        return new(Hex(snapshot), keys, state.IsMyTurn, state.IsComplete, overhead, state.EphemeralPrivateKey);
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
