using System.Text.Json;
using PacketSec.Crypto;
using PacketSec.Simulation.Reference;
using PacketSec.TestSupport;

namespace PacketSec.Simulation.Tests.Reference;

/// <summary>Holds the model against data that the reference itself made: what it is worth as a peer rests on this.</summary>
public sealed class ReferenceVectorTests
{
    private static readonly string[] Sessions = ["s00", "s01", "s02", "s03", "s04", "s05", "s06", "s07"];

    public static TheoryData<string> SessionNames => [.. Sessions];

    [VectorsTheory]
    [MemberData(nameof(SessionNames))]
    public void The_model_makes_the_reference_handshake_byte_for_byte(string name)
    {
        var vector = Load($"session-{name}.json");
        using var initiatorKeys = KeysOf(vector, "initiator_seed");
        using var responderKeys = KeysOf(vector, "responder_seed");
        var initiator = NewSession(vector, initiatorKeys, isInitiator: true);
        var responder = NewSession(vector, responderKeys, isInitiator: false);
        var now = VirtualClock.Beginning;

        Assert.Equal(Hex(vector, "init_hello"), initiator.Handshake(now));
        Assert.Equal(Hex(vector, "resp_hello"), responder.Deliver(now, initiator.Handshake(now)).Reply);
        Assert.Equal(Hex(vector, "init_done"), initiator.Deliver(now, responder.Handshake(now)).Reply);
        responder.Deliver(now, initiator.Handshake(now));

        Assert.True(initiator.IsReady && responder.IsReady);
        Assert.Equal(Hex(vector, "initiator_key_x509"), responder.RemoteKey);
        Assert.Equal(Hex(vector, "responder_key_x509"), initiator.RemoteKey);
        foreach (var session in new[] { initiator, responder })
        {
            Assert.Equal(Hex(vector, "key_initiator_to_responder"), session.TransportKeys.InitiatorToResponder);
            Assert.Equal(Hex(vector, "key_responder_to_initiator"), session.TransportKeys.ResponderToInitiator);
        }
    }

    [VectorsTheory]
    [MemberData(nameof(SessionNames))]
    public void The_model_delivers_what_the_reference_delivers(string name)
    {
        var vector = Load($"session-{name}.json");
        using var initiatorKeys = KeysOf(vector, "initiator_seed");
        using var responderKeys = KeysOf(vector, "responder_seed");
        foreach (var packet in vector.GetProperty("data").EnumerateArray().Concat(vector.GetProperty("edge").EnumerateArray()))
        {
            var initiator = NewSession(vector, initiatorKeys, isInitiator: true);
            var responder = NewSession(vector, responderKeys, isInitiator: false);
            responder.Deliver(VirtualClock.Beginning, Hex(vector, "init_hello"));
            initiator.Deliver(VirtualClock.Beginning, Hex(vector, "resp_hello"));
            responder.Deliver(VirtualClock.Beginning, Hex(vector, "init_done"));

            var receiver = packet.GetProperty("direction").GetString() == "i2r" ? responder : initiator;
            var result = receiver.Deliver(VirtualClock.Beginning, Hex(packet, "packet"));
            var payload = Hex(packet, "payload");
            var delivers = packet.TryGetProperty("reference_delivers", out var delivered) ? delivered.GetBoolean() : payload.Length > 0;
            Assert.Equal(delivers ? ReferenceOutcome.Data : ReferenceOutcome.Ok, result.Outcome);
            Assert.Equal(delivers ? payload : null, result.Data);
        }
    }

    [VectorsFact]
    public void The_first_packet_of_each_side_is_sealed_as_the_reference_seals_it()
    {
        var vector = Load("session-s00.json");
        using var initiatorKeys = KeysOf(vector, "initiator_seed");
        using var responderKeys = KeysOf(vector, "responder_seed");
        var initiator = NewSession(vector, initiatorKeys, isInitiator: true);
        var responder = NewSession(vector, responderKeys, isInitiator: false);
        responder.Deliver(VirtualClock.Beginning, Hex(vector, "init_hello"));
        initiator.Deliver(VirtualClock.Beginning, Hex(vector, "resp_hello"));
        responder.Deliver(VirtualClock.Beginning, Hex(vector, "init_done"));
        foreach (var (sender, direction) in new[] { (initiator, "i2r"), (responder, "r2i") })
        {
            foreach (var counter in new[] { 16, 17, 18 })
            {
                var packet = vector.GetProperty("data").EnumerateArray().First(
                    entry => entry.GetProperty("direction").GetString() == direction && entry.GetProperty("counter").GetInt64() == counter);
                Assert.Equal(Hex(packet, "packet"), sender.Send(VirtualClock.Beginning, Hex(packet, "payload")));
            }
        }
    }

    [VectorsFact]
    public void Every_handshake_edge_case_ends_as_it_does_in_the_reference_panics_included()
    {
        var edges = Load("handshake-edge.json");
        var vector = Load("session-s00.json");
        var cases = 0;
        foreach (var edge in edges.GetProperty("cases").EnumerateArray())
        {
            var name = edge.GetProperty("name").GetString();
            var isInitiator = edge.GetProperty("role").GetString() == "initiator";
            using var keys = KeysOf(vector, isInitiator ? "initiator_seed" : "responder_seed");
            var session = NewSession(vector, keys, isInitiator);
            var feed = edge.GetProperty("feed").EnumerateArray().ToList();
            for (var i = 0; i < feed.Count; i++)
            {
                var result = session.Deliver(VirtualClock.Beginning, Convert.FromHexString(feed[i].GetString()!));
                var outcome = edge.GetProperty("reference_outcome")[i].GetString()!.Split(':')[0];
                var reply = Convert.FromHexString(edge.GetProperty("reference_reply")[i].GetString()!);
                Assert.Equal($"{name} {i} {outcome}", $"{name} {i} {result.Outcome.ToString().ToLowerInvariant()}");
                Assert.Equal($"{name} {i} {Convert.ToHexString(outcome == "data" ? result.Data! : reply)}", $"{name} {i} {Convert.ToHexString(result.Data ?? result.Reply ?? [])}");
            }

            Assert.Equal((name, edge.GetProperty("reference_ready_after").GetBoolean()), (name, session.IsReady));
            cases++;
        }

        Assert.Equal(53, cases);
    }

    private static ReferenceSession NewSession(JsonElement vector, ReferenceKeysOwner keys, bool isInitiator)
        => new(
            keys.Keys,
            isInitiator,
            VirtualClock.Beginning,
            Hex(vector, "timestamp_tai64n"),
            Hex(vector, isInitiator ? "initiator_ephemeral_private" : "responder_ephemeral_private"));

    private static ReferenceKeysOwner KeysOf(JsonElement vector, string seed) => new(Hex(vector, seed));

    private static byte[] Hex(JsonElement element, string property) => Convert.FromHexString(element.GetProperty(property).GetString()!);

    private static JsonElement Load(string file) => JsonDocument.Parse(File.ReadAllBytes(TestData.Vectors("p2pke", file))).RootElement;

    private sealed class ReferenceKeysOwner(byte[] seed) : IDisposable
    {
        public ReferenceKeys Keys { get; } = new(
            CryptoProvider.Default, CryptoProvider.Default.ImportEd25519PrivateKey(seed), CryptoProvider.Default.CreateAead(AeadAlgorithm.ChaCha20Poly1305));

        public void Dispose()
        {
            Keys.Identity.Dispose();
            Keys.Aead.Dispose();
        }
    }
}
