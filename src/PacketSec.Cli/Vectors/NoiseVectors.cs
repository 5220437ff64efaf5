using System.Text.Json;
using PacketSec.Crypto;
using PacketSec.Internal;
using PacketSec.Noise;

namespace PacketSec.Cli.Vectors;

/// <summary>Handshakes and transport messages of the Noise framework.</summary>
internal static class NoiseVectors
{
    /// <summary>PacketSec's own pattern, whose vectors have the responder's confirmation as a fourth message without tokens.</summary>
    private static readonly HandshakePattern Xkh = HandshakePattern.Parse("XKH", "<- s ... -> e <- e -> ee, es, s, se <-");

    public static void Replay(JsonElement root, VectorTally tally)
    {
        foreach (var vector in root.Items("vectors"))
        {
            var name = vector.Text("protocol_name");
            if (name.Split('_') is [_, _, "448", ..])
            {
                tally.Skip("X448");
            }
            else
            {
                tally.Check(name, crypto => Holds(crypto, ParseProtocol(name), vector));
            }
        }
    }

    private static NoiseProtocol ParseProtocol(string name)
    {
        if (!name.StartsWith("Noise_XKH_", StringComparison.Ordinal))
        {
            return NoiseProtocol.Parse(name);
        }

        var twin = NoiseProtocol.Parse(name.Replace("_XKH_", "_XK_", StringComparison.Ordinal));
        return NoiseProtocol.Create(Xkh, twin.Aead, twin.Hash);
    }

    private static bool Holds(ICryptoProvider crypto, NoiseProtocol protocol, JsonElement vector)
    {
        using var initiator = new Side(crypto, protocol, vector, "init_");
        using var responder = new Side(crypto, protocol, vector, "resp_");
        var index = 0;
        foreach (var message in vector.Items("messages"))
        {
            var fromInitiator = protocol.Pattern.IsOneWay || index % 2 == 0;
            var (writer, reader) = fromInitiator ? (initiator, responder) : (responder, initiator);
            byte[] payload = message.Hex("payload"), expected = message.Hex("ciphertext");
            if (!writer.Write(payload).SequenceEqual(expected) || !reader.Reads(expected, payload))
            {
                return false;
            }

            if (++index == protocol.Pattern.Messages.Count && !(initiator.Complete(vector) && responder.Complete(vector)))
            {
                return false;
            }
        }

        return index > protocol.Pattern.Messages.Count;
    }

    private sealed class Side : IDisposable
    {
        private readonly List<IDisposable> _owned = [];
        private readonly HandshakeState _handshake;
        private NoiseTransport? _transport;

        public Side(ICryptoProvider crypto, NoiseProtocol protocol, JsonElement vector, string prefix)
        {
            _handshake = Own(new HandshakeState(crypto, SystemRandomSource.Instance, new HandshakeConfig
            {
                Protocol = protocol,
                Initiator = prefix == "init_",
                Prologue = vector.HexOrEmpty(prefix + "prologue"),
                LocalStatic = Key(prefix + "static"),
                LocalEphemeral = Key(prefix + "ephemeral"),
                RemoteStatic = vector.HexOrEmpty(prefix + "remote_static"),
                PreSharedKeys = vector.TryGetProperty(prefix + "psks", out var psks)
                    ? [.. psks.EnumerateArray().Select(psk => Own(new SecretKey(Convert.FromHexString(psk.GetString()!))))]
                    : [],
            }));

            X25519PrivateKey? Key(string name)
                => vector.HexOrEmpty(name) is { Length: > 0 } key ? Own(crypto.ImportX25519PrivateKey(key)) : null;
        }

        public byte[] Write(byte[] payload)
        {
            var message = new byte[payload.Length + (_transport is null ? _handshake.MessageOverhead : NoiseTransport.MessageOverhead)];
            _ = _transport is null ? _handshake.WriteMessage(payload, message) : _transport.WriteMessage(payload, message);
            return message;
        }

        public bool Reads(byte[] message, byte[] expected)
        {
            var payload = new byte[message.Length];
            var read = _transport is null
                ? _handshake.TryReadMessage(message, payload, out var length)
                : _transport.TryReadMessage(message, payload, out length);
            return read && payload.AsSpan(0, length).SequenceEqual(expected);
        }

        public bool Complete(JsonElement vector)
        {
            var holds = _handshake.IsComplete && _handshake.HandshakeHash.SequenceEqual(vector.Hex("handshake_hash"));
            _transport = Own(_handshake.ToTransport());
            return holds;
        }

        // Keys are disposed after what uses them.
        public void Dispose() => Enumerable.Reverse(_owned).ToList().ForEach(item => item.Dispose());

        private T Own<T>(T item)
            where T : IDisposable
        {
            _owned.Add(item);
            return item;
        }
    }
}
