using PacketSec.Crypto;
using PacketSec.Fuzz.Engine;
using PacketSec.Noise;

namespace PacketSec.Fuzz.Targets;

/// <summary>
/// Readers of Noise messages. The input is a pattern (1 byte), the place of a message (1 byte), a way to forge it (1 byte), and the forgery:
/// either the whole message, or changes to the genuine one as pairs of offset and difference.
/// </summary>
internal sealed class NoiseHandshakeTarget : FuzzTarget
{
    private const int HeadSize = 3;

    private static readonly ICryptoProvider Crypto = CryptoProvider.Default;

    private static readonly NoiseProtocol[] Protocols =
    [
        NoiseProtocol.Parse("Noise_NN_25519_ChaChaPoly_BLAKE2b"),
        NoiseProtocol.Parse("Noise_XX_25519_ChaChaPoly_SHA256"),
        NoiseProtocol.Parse("Noise_IK_25519_AESGCM_SHA512"),
        NoiseProtocol.Parse("Noise_NK_25519_ChaChaPoly_BLAKE2s"),
        NoiseProtocol.Parse("Noise_KK1_25519_ChaChaPoly_BLAKE2s"),
        NoiseProtocol.Parse("Noise_X_25519_AESGCM_SHA256"),
        NoiseProtocol.Parse("Noise_NNpsk0_25519_ChaChaPoly_SHA256"),
        NoiseProtocol.Parse("Noise_XXpsk3_25519_ChaChaPoly_BLAKE2s"),
        NoiseProtocol.Parse("Noise_IX_25519_ChaChaPoly_SHA256"),
        NoiseProtocol.Create(
            HandshakePattern.Parse("XKH", "<- s ... -> e <- e -> ee, es, s, se <-"), AeadAlgorithm.ChaCha20Poly1305, HashAlgorithm.Sha256),
    ];

    private static readonly X25519PrivateKey InitiatorStatic = Key(1);
    private static readonly X25519PrivateKey ResponderStatic = Key(2);
    private static readonly SecretKey PreSharedKey = new([.. Enumerable.Repeat((byte)3, NoiseProtocol.PreSharedKeySize)]);

    public override string Name => "noise-handshake";

    public override string Property => "a forged message is refused, leaves the reader as it was, and the genuine message is then taken";

    public override int MaxInputSize => 512;

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        new byte[X25519PrivateKey.Size],
        [1, .. new byte[X25519PrivateKey.Size - 1]],
        Convert.FromHexString("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
        Convert.FromHexString("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ];

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        if (input.Length < HeadSize)
        {
            return;
        }

        var protocol = Protocols[input[0] % Protocols.Length];
        var place = input[1] % (protocol.Pattern.Messages.Count + 1);
        using var initiator = Begin(protocol, isInitiator: true);
        using var responder = Begin(protocol, isInitiator: false);
        var (writer, reader) = (initiator, responder);
        for (var i = 0; i < protocol.Pattern.Messages.Count; i++)
        {
            var genuine = new byte[writer.MessageOverhead + i + 5];
            writer.WriteMessage(genuine.AsSpan(0, i + 5).ToArray(), genuine);
            if (i == place && !CheckForgery(reader, genuine, input, trace))
            {
                return;
            }

            var payload = new byte[genuine.Length];
            Require(reader.TryReadMessage(genuine, payload, out var length) && length == i + 5, "the genuine message is taken");
            (writer, reader) = (reader, writer);
        }

        Require(initiator.HandshakeHash.SequenceEqual(responder.HandshakeHash), "both sides have one hash");
        CheckTransport(initiator, responder, place == protocol.Pattern.Messages.Count ? input : default, trace);
    }

    private static bool CheckForgery(HandshakeState reader, byte[] genuine, ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        var forged = Forge(genuine, input);
        var hash = reader.HandshakeHash.ToArray();
        var remoteEphemeral = reader.RemoteEphemeral.ToArray();
        var remoteStatic = reader.RemoteStatic.ToArray();
        var before = SnapshotOf(reader);
        var taken = reader.TryReadMessage(forged, new byte[forged.Length], out var length);
        trace.Reach(1, (input[0] % Protocols.Length * 16) + (input[1] % 8 * 2) + (taken ? 1 : 0));
        trace.Reach(2, Math.Sign(forged.Length - genuine.Length));
        if (taken)
        {
            // Before the first key anybody may have written a message; from then on only the peer.
            Require(!reader.Symmetric.HasKey || forged.AsSpan().SequenceEqual(genuine), "no forged message is taken under a key");
            Require(length <= forged.Length, "a payload is no longer than its message");
            return false;
        }

        Require(!forged.AsSpan().SequenceEqual(genuine), "the genuine message is taken");
        Require(
            reader.HandshakeHash.SequenceEqual(hash) && reader.RemoteEphemeral.SequenceEqual(remoteEphemeral)
                && reader.RemoteStatic.SequenceEqual(remoteStatic) && SnapshotOf(reader).AsSpan().SequenceEqual(before),
            "a refused message leaves the reader as it was");
        return true;
    }

    private static void CheckTransport(HandshakeState initiator, HandshakeState responder, ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        using var sending = initiator.ToTransport();
        using var receiving = responder.ToTransport();
        var genuine = new byte[NoiseTransport.MessageOverhead + 5];
        sending.WriteMessage("hello"u8, genuine);
        if (!input.IsEmpty)
        {
            var forged = Forge(genuine, input);
            var taken = receiving.TryReadMessage(forged, new byte[forged.Length], out _);
            trace.Reach(3, (taken ? 1 : 0) + (Math.Sign(forged.Length - genuine.Length) * 2));
            Require(taken == forged.AsSpan().SequenceEqual(genuine), "exactly the genuine message is taken");
            if (taken)
            {
                return;
            }
        }

        var payload = new byte[genuine.Length];
        Require(
            receiving.TryReadMessage(genuine, payload, out var length) && payload.AsSpan(0, length).SequenceEqual("hello"u8),
            "the genuine transport message is taken");
    }

    private static byte[] Forge(byte[] genuine, ReadOnlySpan<byte> input)
    {
        var rest = input[HeadSize..];
        if (input[2] % 2 == 0)
        {
            return rest.ToArray();
        }

        byte[] forged = [.. genuine];
        for (var i = 0; i + 1 < rest.Length; i += 2)
        {
            forged[rest[i] % forged.Length] ^= rest[i + 1];
        }

        // The rest of the way byte cuts the message: 0 leaves it whole.
        return forged[..^Math.Min(input[2] / 2, forged.Length)];
    }

    private static byte[] SnapshotOf(HandshakeState state)
    {
        var snapshot = new byte[SymmetricState.SnapshotSize];
        state.Symmetric.Save(snapshot);
        return snapshot;
    }

    private static HandshakeState Begin(NoiseProtocol protocol, bool isInitiator)
    {
        var pattern = protocol.Pattern;
        var knowsRemote = isInitiator ? pattern.ResponderStaticIsKnown : pattern.InitiatorStaticIsKnown;
        var (local, remote) = isInitiator ? (InitiatorStatic, ResponderStatic) : (ResponderStatic, InitiatorStatic);
        return new HandshakeState(Crypto, new FuzzRandom(isInitiator ? 11UL : 12UL), new HandshakeConfig
        {
            Protocol = protocol,
            Initiator = isInitiator,
            LocalStatic = pattern.HasStatic(isInitiator) ? local : null,
            RemoteStatic = knowsRemote ? remote.PublicKey.ToArray() : default,
            PreSharedKeys = [.. Enumerable.Repeat(PreSharedKey, pattern.PskCount)],
        });
    }

    private static X25519PrivateKey Key(byte seed) => Crypto.ImportX25519PrivateKey([.. Enumerable.Repeat(seed, X25519PrivateKey.Size)]);
}
