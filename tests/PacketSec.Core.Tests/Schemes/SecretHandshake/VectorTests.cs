using System.Globalization;
using System.Text.Json;
using PacketSec.Core.Tests.Crypto;
using PacketSec.Core.Tests.Wire;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.SecretHandshake;
using PacketSec.Protocol.Wire;
using PacketSec.TestSupport;

namespace PacketSec.Core.Tests.Schemes.SecretHandshake;

public sealed class VectorTests
{
    //= spec/secret-handshake.md#prologue
    //= spec/secret-handshake.md#e-r
    //= spec/secret-handshake.md#cookie
    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public void The_handshakes_of_the_vectors_are_made_byte_for_byte(string provider)
    {
        var crypto = Providers.Named(provider);
        var entries = Read("secret-handshake-1.json").GetProperty("handshakes").EnumerateArray().ToList();
        Assert.Equal(4, entries.Count);
        foreach (var entry in entries)
        {
            var proposal = entry.Hex("proposal");
            var agreement = proposal.Length == 0 ? null : Agreement.Standard(crypto, proposal, SecretHandshakeScheme.SchemeName, null);
            var networkKey = entry.Hex("network_key");
            using var initiator = IdentityKey.FromSeed(entry.Hex("initiator_seed"), crypto);
            using var responder = IdentityKey.FromSeed(entry.Hex("responder_seed"), crypto);
            using var rig = new HandshakeRig(crypto, networkKey.Length == 0 ? null : networkKey, agreement, initiator, responder);
            Assert.Equal(entry.Hex("transcript"), rig.Responder.Transcript(agreement));
            Assert.Equal(entry.Hex("initiator_key"), initiator.PublicKey.Ed25519);
            Assert.Equal(entry.Hex("initiator_static"), initiator.AgreementKey.PublicKey);
            Assert.Equal(entry.Hex("responder_key"), responder.PublicKey.Ed25519);
            Assert.Equal(entry.Hex("responder_static"), rig.Callee.Montgomery);

            var address = new NetworkAddress(
                UInt128.Parse(entry.Text("address"), NumberStyles.HexNumber, CultureInfo.InvariantCulture), entry.GetProperty("port").GetUInt16());
            rig.InitiatorRandom.Next(entry.Hex("initiator_ephemeral_private"));
            rig.ResponderRandom.Next([.. entry.Hex("key_e"), .. entry.Hex("key_m"), .. entry.Hex("time")], entry.Hex("nonce"));
            var (message1, noise) = rig.Call();
            Assert.Equal(entry.Hex("message_1"), message1);
            var message2 = rig.Answer(message1, address);
            Assert.Equal(entry.Hex("message_2"), message2);
            var finish = rig.Finish(noise, message2);
            Assert.Equal(entry.Hex("message_3"), finish.Finish);
            var accept = rig.Accept(finish.Finish, address)!;
            Assert.Equal(DropReason.None, accept.Outcome);
            using var keys = accept.TakePendingKeys();
            Assert.Equal(entry.Hex("key_responder_to_initiator"), keys.SendKey.Span);
            Assert.Equal(entry.Hex("key_initiator_to_responder"), keys.ReceiveKey.Span);
            Assert.Equal(entry.Hex("first_packet_of_responder"), accept.Confirmation);

            var (initiatorSend, _) = finish.TakeKeys();
            var packet = new byte[SpecLimits.DatagramOverhead];
            new PacketHeader(Direction.InitiatorToResponder, new PacketCounter(16)).WriteTo(packet);
            using var aead = crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
            PacketAead.Seal(aead, initiatorSend.Span, new PacketCounter(16), default, packet);
            Assert.Equal(entry.Hex("first_packet_of_initiator"), packet);
        }
    }

    [Theory]
    [MemberData(nameof(Providers.All), MemberType = typeof(Providers))]
    public void The_vectors_of_the_bare_pattern_hold_for_its_three_messages_and_its_keys(string provider)
    {
        var crypto = Providers.Named(provider);
        var run = 0;
        foreach (var vector in Read("xkh.json").GetProperty("vectors").EnumerateArray())
        {
            if (vector.Text("protocol_name") != SecretHandshakeScheme.Noise.Name)
            {
                continue;
            }

            using var initiatorStatic = crypto.ImportX25519PrivateKey(vector.Hex("init_static"));
            using var initiatorEphemeral = crypto.ImportX25519PrivateKey(vector.Hex("init_ephemeral"));
            using var responderStatic = crypto.ImportX25519PrivateKey(vector.Hex("resp_static"));
            using var responderEphemeral = crypto.ImportX25519PrivateKey(vector.Hex("resp_ephemeral"));
            using var initiator = new HandshakeState(crypto, new ScriptedRandom(0), new HandshakeConfig
            {
                Protocol = SecretHandshakeScheme.Noise,
                Initiator = true,
                Prologue = vector.Hex("init_prologue"),
                LocalStatic = initiatorStatic,
                LocalEphemeral = initiatorEphemeral,
                RemoteStatic = vector.Hex("init_remote_static"),
            });
            using var responder = new HandshakeState(crypto, new ScriptedRandom(0), new HandshakeConfig
            {
                Protocol = SecretHandshakeScheme.Noise,
                Initiator = false,
                Prologue = vector.Hex("resp_prologue"),
                LocalStatic = responderStatic,
                LocalEphemeral = responderEphemeral,
            });
            var messages = vector.GetProperty("messages").EnumerateArray().ToList();
            for (var i = 0; i < 3; i++)
            {
                var (writer, reader) = i % 2 == 0 ? (initiator, responder) : (responder, initiator);
                var (payload, expected) = (messages[i].Hex("payload"), messages[i].Hex("ciphertext"));
                var message = new byte[expected.Length];
                writer.WriteMessage(payload, message);
                Assert.Equal(expected, message);
                var read = new byte[payload.Length];
                Assert.True(i == 2 ? reader.TryReadToTheEnd(message, read, out _) : reader.TryReadMessage(message, read, out _));
                Assert.Equal(payload, read);
            }

            using var transport = responder.ToTransport();
            var opened = new byte[64];
            Assert.True(transport.TryReadMessage(messages[4].Hex("ciphertext"), opened, out var length));
            Assert.Equal(messages[4].Hex("payload"), opened[..length]);
            run++;
        }

        Assert.InRange(run, 2, 4);
    }

    private static JsonElement Read(string file)
        => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(TestData.RepositoryRoot, "spec", "vectors", file))).RootElement;
}
