using System.Text.Json;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.TestSupport;

namespace PacketSec.Core.Tests.Noise;

public sealed class P2pkeNoiseTests
{
    private const int HeaderSize = 4;

    //= spec/p2pke.md#noise-transcript
    [VectorsFact]
    public void The_8_published_p2pke_sessions_have_the_channel_bindings_and_keys_of_Noise_NN()
    {
        var files = Directory.GetFiles(TestData.Vectors("p2pke"), "session-s0*.json");
        Assert.Equal(8, files.Length);
        foreach (var file in files)
        {
            using var session = JsonDocument.Parse(File.ReadAllBytes(file));
            string Text(string name) => session.RootElement.GetProperty(name).GetString()!;
            byte[] Bytes(string name) => Convert.FromHexString(Text(name));
            var crypto = CryptoProvider.Default;
            using var initiatorKey = crypto.ImportX25519PrivateKey(Bytes("initiator_ephemeral_private"));
            using var responderKey = crypto.ImportX25519PrivateKey(Bytes("responder_ephemeral_private"));
            using var initiator = Begin(crypto, initiatorKey, isInitiator: true);
            using var responder = Begin(crypto, responderKey, isInitiator: false);

            var first = HandshakePair.Write(initiator, Bytes("init_hello_payload"));
            Assert.Equal(Bytes("init_hello")[HeaderSize..], first);
            Assert.Equal(Bytes("init_hello_payload"), HandshakePair.Read(responder, first));
            Assert.Equal(Bytes("channel_binding_1"), initiator.HandshakeHash.ToArray());
            Assert.Equal(Bytes("channel_binding_1"), responder.HandshakeHash.ToArray());

            var second = HandshakePair.Write(responder, Bytes("resp_hello_payload"));
            Assert.Equal(Bytes("resp_hello")[HeaderSize..], second);
            Assert.Equal(Bytes("resp_hello_payload"), HandshakePair.Read(initiator, second));
            Assert.Equal(Bytes("channel_binding_2"), initiator.HandshakeHash.ToArray());
            Assert.Equal(Bytes("channel_binding_2"), responder.HandshakeHash.ToArray());
            Assert.Equal(Bytes("responder_ephemeral_public"), initiator.RemoteEphemeral.ToArray());
            Assert.Equal(Bytes("initiator_ephemeral_public"), initiator.LocalEphemeral.ToArray());

            Assert.Equal((Text("key_initiator_to_responder"), Text("key_responder_to_initiator")), HandshakePair.Split(initiator));
            using var transport = responder.ToStatelessTransport();
            var done = new byte[Bytes("init_done_payload").Length];
            var packet = Bytes("init_done");
            Assert.True(transport.TryReadMessage(2, packet.AsSpan(0, HeaderSize), packet.AsSpan(HeaderSize), done, out _));
            Assert.Equal(Bytes("init_done_payload"), done);
        }
    }

    private static HandshakeState Begin(ICryptoProvider crypto, X25519PrivateKey ephemeral, bool isInitiator)
        => new(crypto, new SeededRandom(0), new HandshakeConfig
        {
            Protocol = NoiseProtocol.Parse("Noise_NN_25519_ChaChaPoly_BLAKE2b"),
            Initiator = isInitiator,
            LocalEphemeral = ephemeral,
        });
}
