using System.Text.Json;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.TestSupport;

namespace PacketSec.Core.Tests.Noise;

public sealed class NoiseVectorTests
{
    public static TheoryData<string> Providers => new(CryptoProvider.Available.Select(provider => provider.Name));

    [VectorsTheory]
    [MemberData(nameof(Providers))]
    public void All_472_cacophony_vectors_over_25519_pass_and_the_472_over_448_are_skipped(string provider)
    {
        var (run, skipped) = (0, 0);
        using var file = JsonDocument.Parse(File.ReadAllBytes(TestData.Vectors("noise", "cacophony.txt")));
        foreach (var vector in file.RootElement.GetProperty("vectors").EnumerateArray())
        {
            var name = vector.GetProperty("protocol_name").GetString()!;
            if (name.Contains("448", StringComparison.Ordinal))
            {
                Assert.False(NoiseProtocol.TryParse(name, out _));
                skipped++;
                continue;
            }

            var protocol = NoiseProtocol.Parse(name);
            Assert.Equal(name, protocol.Name);
            Replay(Find(provider), protocol, vector);
            run++;
        }

        Assert.Equal((472, 472), (run, skipped));
    }

    [VectorsTheory]
    [MemberData(nameof(Providers))]
    public void All_4_vectors_of_the_custom_pattern_XKH_pass(string provider)
    {
        var run = 0;
        using var file = JsonDocument.Parse(File.ReadAllBytes(TestData.Vectors("noise", "xkh-own.json")));
        foreach (var vector in file.RootElement.GetProperty("vectors").EnumerateArray())
        {
            var name = vector.GetProperty("protocol_name").GetString()!;
            var hash = name.EndsWith("SHA256", StringComparison.Ordinal) ? HashAlgorithm.Sha256 : HashAlgorithm.Blake2s;
            var protocol = NoiseProtocol.Create(HandshakePair.XKH, AeadAlgorithm.ChaCha20Poly1305, hash);
            Assert.Equal(name, protocol.Name);
            Replay(Find(provider), protocol, vector);
            run++;
        }

        Assert.Equal(4, run);
    }

    private static ICryptoProvider Find(string name) => CryptoProvider.Available.Single(provider => provider.Name == name);

    private static void Replay(ICryptoProvider crypto, NoiseProtocol protocol, JsonElement vector)
    {
        using var initiator = new Side(crypto, protocol, vector, "init_");
        using var responder = new Side(crypto, protocol, vector, "resp_");
        var index = 0;
        foreach (var message in vector.GetProperty("messages").EnumerateArray())
        {
            var fromInitiator = protocol.Pattern.IsOneWay || index % 2 == 0;
            var (writer, reader) = fromInitiator ? (initiator, responder) : (responder, initiator);
            var payload = Bytes(message, "payload");
            var ciphertext = Bytes(message, "ciphertext");
            var where = $"{protocol.Name}, message {index}";
            Assert.True(ciphertext.AsSpan().SequenceEqual(writer.Write(payload)), where);
            Assert.True(reader.TryRead(ciphertext, out var read) && payload.AsSpan().SequenceEqual(read), where);
            if (++index == protocol.Pattern.Messages.Count)
            {
                Assert.True(initiator.State.IsComplete && responder.State.IsComplete, where);
                Assert.Equal(Bytes(vector, "handshake_hash"), initiator.State.HandshakeHash.ToArray());
                Assert.Equal(Bytes(vector, "handshake_hash"), responder.State.HandshakeHash.ToArray());
                initiator.BeginTransport();
                responder.BeginTransport();
            }
        }

        Assert.True(index > protocol.Pattern.Messages.Count);
    }

    private static byte[] Bytes(JsonElement parent, string name)
        => parent.TryGetProperty(name, out var value) ? Convert.FromHexString(value.GetString()!) : [];

    /// <summary>One side: the handshake, then both kinds of transport, which must agree on each byte.</summary>
    private sealed class Side : IDisposable
    {
        private readonly List<IDisposable> _owned = [];
        private NoiseTransport? _transport;
        private StatelessNoiseTransport? _stateless;
        private ulong _sent, _received;

        public Side(ICryptoProvider crypto, NoiseProtocol protocol, JsonElement vector, string prefix)
        {
            State = new HandshakeState(crypto, new SeededRandom(0), new HandshakeConfig
            {
                Protocol = protocol,
                Initiator = prefix == "init_",
                Prologue = Bytes(vector, prefix + "prologue"),
                LocalStatic = Key(Bytes(vector, prefix + "static")),
                LocalEphemeral = Key(Bytes(vector, prefix + "ephemeral")),
                RemoteStatic = Bytes(vector, prefix + "remote_static"),
                PreSharedKeys = vector.TryGetProperty(prefix + "psks", out var psks)
                    ? [.. psks.EnumerateArray().Select(psk => Own(new SecretKey(Convert.FromHexString(psk.GetString()!))))]
                    : [],
            });
            _owned.Add(State);

            X25519PrivateKey? Key(byte[] bytes) => bytes.Length == 0 ? null : Own(crypto.ImportX25519PrivateKey(bytes));
        }

        public HandshakeState State { get; }

        public void BeginTransport()
        {
            _stateless = Own(Own(State.Clone()).ToStatelessTransport());
            _transport = Own(State.ToTransport());
        }

        public byte[] Write(byte[] payload)
        {
            if (_transport is null)
            {
                return HandshakePair.Write(State, payload);
            }

            var message = new byte[payload.Length + NoiseTransport.MessageOverhead];
            var twin = new byte[message.Length];
            Assert.Equal(message.Length, _transport.WriteMessage(payload, message));
            Assert.Equal(message.Length, _stateless!.WriteMessage(_sent++, [], payload, twin));
            Assert.Equal(message, twin);
            return message;
        }

        public bool TryRead(byte[] message, out byte[] payload)
        {
            payload = new byte[message.Length];
            int length;
            if (_transport is null)
            {
                if (!State.TryReadMessage(message, payload, out length))
                {
                    return false;
                }
            }
            else if (!_stateless!.TryReadMessage(_received++, [], message, payload, out length)
                || !_transport.TryReadMessage(message, payload, out length))
            {
                return false;
            }

            payload = payload[..length];
            return true;
        }

        public void Dispose() => _owned.ForEach(item => item.Dispose());

        private T Own<T>(T item)
            where T : IDisposable
        {
            _owned.Add(item);
            return item;
        }
    }
}
