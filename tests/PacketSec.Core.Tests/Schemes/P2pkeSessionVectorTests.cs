using System.Text.Json;
using PacketSec.Crypto;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Sessions;
using PacketSec.Protocol.Wire;
using PacketSec.TestSupport;

namespace PacketSec.Protocol.Tests.Schemes;

public sealed class P2pkeSessionVectorTests
{
    private static readonly PathAddress Path = new(default, new NetworkAddress(1, 1));

    //= spec/p2pke.md#noise-transcript
    //= spec/p2pke.md#init-hello-layout
    //= spec/p2pke.md#resp-hello-layout
    //= spec/p2pke.md#init-done-layout
    //= spec/p2pke.md#timestamp-encoding
    //= spec/p2pke.md#payload-encoding
    [VectorsTheory]
    [MemberData(nameof(P2pkeVectors.Sessions), MemberType = typeof(P2pkeVectors))]
    public void Every_handshake_message_is_made_byte_for_byte(string id)
    {
        using var vectors = P2pkeVectors.Load(id);
        using var hello = vectors.NewInitHello();
        hello.Run();
        Assert.Equal(vectors.Bytes("init_hello"), hello.InitHello);

        using var response = vectors.NewResponse(vectors.Bytes("init_hello"));
        response.Run();
        if (id == "s06")
        {
            // Both sides hold one key: the codec could replay it, an endpoint refuses its own reflection.
            Assert.Equal(DropReason.OwnKey, response.Outcome);
            return;
        }

        Assert.Equal(DropReason.None, response.Outcome);
        Assert.Equal(vectors.Bytes("resp_hello"), response.RespHello);
        using var keys = response.TakeKeys();
        Assert.Equal(vectors.Bytes("channel_binding_2"), keys.ChannelBinding.ToArray());
        Assert.Equal(vectors.Bytes("key_initiator_to_responder"), keys.ReceiveKey.Span.ToArray());
        Assert.Equal(vectors.Bytes("key_responder_to_initiator"), keys.SendKey.Span.ToArray());

        using var noise = hello.TakeNoise();
        Assert.Equal(vectors.Bytes("channel_binding_1"), noise.HandshakeHash.ToArray());
        using var check = new RespHelloWork(
            vectors.Context(vectors.Initiator, "initiator_ephemeral_private"), [new(1, 1, noise.Clone())], vectors.Bytes("resp_hello"), vectors.Responder.PeerId)
        {
            Path = Path,
        };
        check.Run();
        Assert.Equal(DropReason.None, check.Outcome);
        Assert.Equal(vectors.Bytes("init_done"), check.InitDone);

        using var finish = new InitDoneWork(
            vectors.Context(vectors.Responder, "responder_ephemeral_private"), Path, vectors.Bytes("init_done"), [(7, keys.Copy())]);
        finish.Run();
        Assert.Equal(DropReason.None, finish.Outcome);
        Assert.Equal(7, finish.MatchedId);
    }

    //= spec/p2pke.md#data-layout
    [VectorsTheory]
    [MemberData(nameof(P2pkeVectors.Sessions), MemberType = typeof(P2pkeVectors))]
    public void Every_data_packet_is_sealed_and_opened_byte_for_byte_both_ways(string id)
    {
        using var vectors = P2pkeVectors.Load(id);
        using var aead = new PacketAead(CryptoProvider.Default);
        var packets = 0;
        foreach (var group in vectors.Root.GetProperty("data").EnumerateArray().GroupBy(entry => entry.GetProperty("payload").GetString()!.Length))
        {
            // One counter occurs with several payload sizes: a fresh window for each.
            var receivers = new Dictionary<string, Session> { ["i2r"] = NewSession(vectors, SessionRole.Responder), ["r2i"] = NewSession(vectors, SessionRole.Initiator) };
            foreach (var entry in group)
            {
                var (direction, counter, payload, packet) = Read(entry);
                Assert.Equal(packet, Seal(vectors, direction, counter, payload));

                var opened = new byte[payload.Length];
                Assert.Equal(DropReason.None, receivers[direction].TryOpen(default, aead, new PacketCounter(counter), packet, opened));
                Assert.Equal(payload, opened);
                Assert.Equal(DropReason.Replayed, receivers[direction].TryOpen(default, aead, new PacketCounter(counter), packet, opened));
                packets++;
            }
        }

        Assert.Equal(40, packets);
    }

    //= spec/p2pke.md#reserved-counters
    //= spec/sessions.md#closing-received
    [VectorsTheory]
    [MemberData(nameof(P2pkeVectors.Sessions), MemberType = typeof(P2pkeVectors))]
    public void Reserved_counters_are_byte_exact_below_and_dropped_by_the_session_the_one_wanted_difference(string id)
    {
        using var vectors = P2pkeVectors.Load(id);
        using var aead = new PacketAead(CryptoProvider.Default);
        var entries = 0;
        foreach (var entry in vectors.Root.GetProperty("edge").EnumerateArray())
        {
            var (direction, counter, payload, packet) = Read(entry);
            Assert.Equal(packet, Seal(vectors, direction, counter, payload));
            if (counter < SpecLimits.FirstDataCounter)
            {
                Assert.Equal(DropReason.ReservedCounter, SchemeCatalogue.Default.ReasonFor(new PacketCounter(counter)));
            }
            else
            {
                var receiver = NewSession(vectors, direction == "i2r" ? SessionRole.Responder : SessionRole.Initiator);
                var opened = new byte[payload.Length];
                Assert.Equal(SpecLimits.ClosingCounter, counter);
                Assert.Equal(DropReason.None, receiver.TryOpen(default, aead, new PacketCounter(counter), packet, opened));
                Assert.Equal(payload, opened);
            }

            entries++;
        }

        Assert.Equal(6, entries);
    }

    private static (string Direction, uint Counter, byte[] Payload, byte[] Packet) Read(JsonElement entry) => (
        entry.GetProperty("direction").GetString()!,
        entry.GetProperty("counter").GetUInt32(),
        Convert.FromHexString(entry.GetProperty("payload").GetString()!),
        Convert.FromHexString(entry.GetProperty("packet").GetString()!));

    private static byte[] Seal(P2pkeVectors vectors, string direction, uint counter, byte[] payload)
    {
        using var aead = CryptoProvider.Default.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
        var key = vectors.Bytes(direction == "i2r" ? "key_initiator_to_responder" : "key_responder_to_initiator");
        var header = new PacketHeader(direction == "i2r" ? Direction.InitiatorToResponder : Direction.ResponderToInitiator, new PacketCounter(counter));
        var packet = new byte[payload.Length + SpecLimits.DatagramOverhead];
        header.WriteTo(packet);
        PacketAead.Seal(aead, key, header.Counter, payload, packet);
        return packet;
    }

    private static Session NewSession(P2pkeVectors vectors, SessionRole role)
    {
        var first = new SecretKey(vectors.Bytes("key_initiator_to_responder"));
        var second = new SecretKey(vectors.Bytes("key_responder_to_initiator"));
        var established = new EstablishedSession(SchemeCatalogue.Default.Find(P2pkeScheme.SchemeName), role, role == SessionRole.Initiator ? first : second, role == SessionRole.Initiator ? second : first)
        {
            RemoteKey = vectors.Responder.PublicKey,
            RemotePeer = vectors.Responder.PeerId,
            Path = Path,
            Begun = default,
        };
        return new(established, 1, SessionLifetimes.Default);
    }
}
