using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Text;
using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;

namespace PacketSec.Tests.Api;

[Collection(SocketsCollection.Name)]
public class ObservationTests
{
    [Fact]
    public async Task A_channel_tells_its_story_from_its_opening_to_its_end()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();

        await accepted.DisposeAsync();

        var told = await ReadAllAsync(dialled);
        var agreement = Assert.IsType<PacketSecChannelEvent.SessionConfirmed>(told[0]).Agreement;
        Assert.Equal(("p2pke-1", NegotiationCase.Standard), (agreement!.Scheme, agreement.Case));
        PacketSecChannelEvent[] expected =
        [
            new PacketSecChannelEvent.SessionConfirmed(1, SessionRole.Initiator, pair.Listener.LocalEndPoint) { Agreement = agreement },
            new PacketSecChannelEvent.SessionEnded(1),
            new PacketSecChannelEvent.Closed(PacketSecError.PeerClosed),
        ];
        Assert.Equal(expected, told);
        expected =
        [
            new PacketSecChannelEvent.SessionConfirmed(1, SessionRole.Responder, pair.Dialler.LocalEndPoint) { Agreement = agreement },
            new PacketSecChannelEvent.SessionEnded(1),
            new PacketSecChannelEvent.Closed(null),
        ];
        Assert.Equal(expected, await ReadAllAsync(accepted));
    }

    //= spec/sessions.md#drop-reasons
    [Fact]
    public async Task Every_datagram_stands_in_the_statistics()
    {
        using var stranger = new SilentHost();
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        for (byte i = 1; i <= 10; i++)
        {
            dialled.TrySend(new byte[i]);
            await accepted.ReceiveOneAsync();
        }

        stranger.SendTo(new byte[] { 0, 0, 0, 99, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 }, pair.Listener.LocalEndPoint);
        stranger.SendTo(new byte[] { 1 }, pair.Listener.LocalEndPoint);
        await Until.TrueAsync(() => pair.Listener.GetStatistics().Drops.Count == 2);

        var sent = dialled.GetStatistics();
        Assert.Equal((10, 55, 1), (sent.DatagramsSent, sent.BytesSent, sent.Sessions));
        var received = accepted.GetStatistics();
        Assert.Equal((10, 55, 1), (received.DatagramsReceived, received.BytesReceived, received.Sessions));
        Assert.Empty(received.Drops);
        var endpoint = pair.Listener.GetStatistics();
        Assert.Equal((1, 1, 1, 0), (endpoint.Channels, endpoint.HandshakesBegun, endpoint.HandshakesFinished, endpoint.HalfOpenHandshakes));
        Assert.Equal((0, 0), (endpoint.ProposalsServed, endpoint.RetriesSent));
        Assert.Equal((10, 55), (endpoint.DatagramsReceived, endpoint.BytesReceived));
        Assert.Equal(1, endpoint.Drops[DropReason.UnknownAddress]);
        Assert.Equal(1, endpoint.Drops[DropReason.TooShort]);
        Assert.True(endpoint.UdpDatagramsReceived >= 14, "Two handshake messages, ten datagrams and two of a stranger came.");
    }

    [Fact]
    public async Task The_meter_sums_endpoints_and_keeps_the_counts_of_past_ones()
    {
        var before = ReadMeter();
        await using (var pair = EndpointPair.Bind())
        {
            var (dialled, accepted) = await pair.OpenAsync();
            dialled.TrySend([1, 2, 3]);
            await accepted.ReceiveOneAsync();
            Check();
        }

        Check();

        void Check()
        {
            var after = ReadMeter();
            Assert.Equal(1, after["packetsec.datagrams.sent"] - before["packetsec.datagrams.sent"]);
            Assert.Equal(3, after["packetsec.bytes.sent"] - before["packetsec.bytes.sent"]);
            Assert.Equal(1, after["packetsec.datagrams.received"] - before["packetsec.datagrams.received"]);
            Assert.Equal(3, after["packetsec.bytes.received"] - before["packetsec.bytes.received"]);
            Assert.Equal(2, after["packetsec.sessions"] - before["packetsec.sessions"]);
            Assert.Equal(1, after["packetsec.handshakes.begun"] - before["packetsec.handshakes.begun"]);
            Assert.Equal(1, after["packetsec.handshakes.finished"] - before["packetsec.handshakes.finished"]);
        }
    }

    [Fact]
    public async Task No_log_message_has_a_payload_or_a_key()
    {
        using var logs = new LogRecorder();
        using var stranger = new SilentHost();
        var secret = Encoding.ASCII.GetBytes("attack at dawn");
        using var identity = PacketSecIdentity.Generate();
        var seed = identity.Key.Seed.ToArray();
        await using (var pair = EndpointPair.Bind(
            o => o with { LoggerFactory = logs, Identity = identity }, o => o with { LoggerFactory = logs }))
        {
            var (dialled, accepted) = await pair.OpenAsync();
            dialled.TrySend(secret);
            Assert.Equal(secret, await accepted.ReceiveOneAsync());
            accepted.OnDatagram(_ => throw new InvalidOperationException());
            dialled.TrySend(secret);
            stranger.SendTo(secret, pair.Listener.LocalEndPoint);
            await Until.TrueAsync(() => logs.Entries.Any(entry => entry.Id == 3) && logs.Entries.Any(entry => entry.Id == 11));
            await pair.Dialler.DisposeAsync();
            await pair.Listener.DisposeAsync();
        }

        var text = string.Join('\n', logs.Entries.Select(entry => entry.Text));
        foreach (var bytes in new[] { secret, seed })
        {
            Assert.DoesNotContain(Encoding.Latin1.GetString(bytes), text, StringComparison.Ordinal);
            Assert.DoesNotContain(Convert.ToHexString(bytes), text, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(Convert.ToBase64String(bytes).TrimEnd('='), text, StringComparison.Ordinal);
        }

        CryptographicOperations.ZeroMemory(seed);

        // What the machine gives is logged too (2), and that throwing took its time (14), or not.
        Assert.Equal([1, 3, 4, 8, 11, 13], logs.Entries.Select(entry => entry.Id).Where(id => id is not (2 or 14)).Distinct().Order());
    }

    [Fact]
    public async Task A_flood_of_one_kind_is_logged_once_in_a_second()
    {
        var time = new ManualTimeProvider();
        using var logs = new LogRecorder();
        using var stranger = new SilentHost();
        await using var pair = EndpointPair.Bind(listener: o => o with { LoggerFactory = logs, TimeProvider = time });

        await FloodAsync(100);
        Assert.Single(logs.Entries, entry => entry.Id == 3);
        time.Advance(TimeSpan.FromSeconds(1));
        await FloodAsync(200);
        Assert.Equal(2, logs.Entries.Count(entry => entry.Id == 3));

        Task FloodAsync(int total)
        {
            for (var i = 0; i < 100; i++)
            {
                stranger.SendTo(new byte[] { 1 }, pair.Listener.LocalEndPoint);
            }

            return Until.TrueAsync(() => pair.Listener.GetStatistics().Drops.GetValueOrDefault(DropReason.TooShort) == total);
        }
    }

    [Fact]
    public async Task A_receive_buffer_that_the_system_caps_is_told_once_with_the_remedy()
    {
        using var logs = new LogRecorder();
        await using var pair = EndpointPair.Bind(listener: o => o with { LoggerFactory = logs, SocketReceiveBufferBytes = 1 << 30 });

        var warning = Assert.Single(logs.Entries, entry => entry.Id == 2 && entry.Text.Contains("receive buffer", StringComparison.Ordinal));
        Assert.Contains(OperatingSystem.IsLinux() ? "sysctl -w net.core.rmem_max" : "limit", warning.Text, StringComparison.Ordinal);
    }

    private static async Task<List<PacketSecChannelEvent>> ReadAllAsync(PacketSecChannel channel)
    {
        using var ceiling = EndpointPair.Ceiling();
        var all = new List<PacketSecChannelEvent>();
        await foreach (var channelEvent in channel.ReadEventsAsync(ceiling.Token))
        {
            all.Add(channelEvent);
        }

        return all;
    }

    private static Dictionary<string, long> ReadMeter()
    {
        var values = new Dictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == "PacketSec")
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => values[instrument.Name] = values.GetValueOrDefault(instrument.Name) + value);
        listener.Start();
        listener.RecordObservableInstruments();
        return values;
    }
}
