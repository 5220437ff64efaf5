using System.Net;
using System.Text;
using System.Text.Json;
using PacketSec.Cli;
using PacketSec.Internal;
using PacketSec.Tests.Api;
using PacketSec.Udp;

namespace PacketSec.Tests.Cli;

/// <summary>The option <c>--pcap</c>, and the tap that it stands on.</summary>
[Collection(SocketsCollection.Name)]
public sealed class CaptureTests : IDisposable
{
    private const int Ceiling = SocketsCollection.CeilingMilliseconds;
    private const string Secret = "a line that nobody on the path may read";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact(Timeout = Ceiling)]
    public async Task The_captures_of_both_ends_show_the_same_datagrams_and_never_what_is_in_them()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], "--echo", "--pcap", _folder["there"]);
        await using (listener)
        {
            await using var dial = RunningCli.StartWithInput(new StringReader(Secret + "\n"), "dial", address, "--pcap", _folder["here"]);
            Assert.Equal(ExitCodes.Success, await dial.ExitAsync());
            Assert.Equal([Secret], dial.Output.Lines);
            await listener.Output.WaitForJsonAsync("closed");
            Assert.Equal(ExitCodes.Success, await listener.StopAsync());
        }

        // The listener may end before it has taken every copy of the closing message.
        var (here, there) = (await InspectAsync("here", but: "closing"), await InspectAsync("there", but: "closing"));
        Assert.Equal(["proposal", "accept", "resp_hello", "init_done"], here.Select(TypeOf).Distinct().Take(4));
        Assert.Equal(here.Select(Describe).Order(StringComparer.Ordinal), there.Select(Describe).Order(StringComparer.Ordinal));
        Assert.Equal(2, here.Count(line => TypeOf(line) == "data" && line.GetProperty("payload_size").GetInt32() > 0));
        foreach (var file in new[] { "here", "there" })
        {
            Assert.DoesNotContain(Secret, Encoding.Latin1.GetString(File.ReadAllBytes(_folder[file])), StringComparison.Ordinal);
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_socket_bound_to_all_addresses_is_shown_with_the_address_in_use_from_the_first_datagram_on()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], "--echo");
        await using (listener)
        {
            Assert.Equal(ExitCodes.Success, (await CliRun.InvokeAsync("ping", address, "--count", "2", "--interval", "0.01", "--pcap", _folder["here"])).ExitCode);
        }

        var lines = await InspectAsync("here");
        var other = address.Split('@')[1];
        var ends = lines.SelectMany(line => new[] { line.GetProperty("from").GetString()!, line.GetProperty("to").GetString()! }).Distinct().ToList();
        var own = Assert.Single(ends, end => end != other);
        Assert.StartsWith("127.0.0.1:", own, StringComparison.Ordinal);
        Assert.Equal((own, other), (lines[0].GetProperty("from").GetString(), lines[0].GetProperty("to").GetString()));
    }

    [Fact(Timeout = Ceiling)]
    public async Task The_demo_shows_each_way_to_agree()
    {
        var (run, capture) = await WholeDemo.Value;
        Assert.Equal(ExitCodes.Success, run.ExitCode);
        await File.WriteAllBytesAsync(_folder["demo"], capture);
        var lines = await InspectAsync("demo");
        var proposals = lines.Where(line => TypeOf(line) == "proposal").ToList();

        // One that was accepted; and two that crossed, each on both sides of the relay.
        var digests = proposals.GroupBy(line => line.GetProperty("digest").GetString()).ToList();
        Assert.True(digests.Count >= 3);
        Assert.Contains(lines, line => TypeOf(line) == "accept");
        Assert.DoesNotContain(lines, line => TypeOf(line) == "malformed");
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_capture_replaces_an_older_one_and_nothing_else()
    {
        var (listener, address) = await RunningCli.ListenAsync(_folder["listener"], "--echo");
        await using (listener)
        {
            for (var i = 0; i < 2; i++)
            {
                Assert.Equal(ExitCodes.Success, (await CliRun.InvokeAsync("ping", address, "--count", "1", "--pcap", _folder["here"])).ExitCode);
            }

            Assert.Single(await InspectAsync("here"), line => TypeOf(line) == "accept");
            var key = File.ReadAllBytes(_folder["listener"]);
            (await CliRun.InvokeAsync("ping", address, "--pcap", _folder["listener"])).AssertFails(ExitCodes.File, "is no capture", "--pcap");
            (await CliRun.InvokeAsync("demo", "--pcap", _folder["listener"])).AssertFails(ExitCodes.File, "is no capture", "--pcap");
            Assert.Equal(key, File.ReadAllBytes(_folder["listener"]));
            File.WriteAllBytes(_folder["short"], [0x0a, 0x0d, 0x0d]);
            (await CliRun.InvokeAsync("listen", "--pcap", _folder["short"])).AssertFails(ExitCodes.File, "is no capture");
            (await CliRun.InvokeAsync("dial", address, "--pcap", Path.Combine(_folder["none"], "x"))).AssertFails(ExitCodes.File, "cannot be written", "--pcap");
            (await CliRun.InvokeAsync("dial", address, "--pcap", "")).AssertFails(ExitCodes.File, "cannot be written", "--pcap");
        }
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_tap_sees_every_datagram_of_an_endpoint_sealed()
    {
        var tap = new Recorder();
        await using var pair = EndpointPair.Bind(dialler: options => options with { Tap = tap });
        var (dialled, accepted) = await pair.OpenAsync();
        dialled.TrySend(Encoding.UTF8.GetBytes(Secret));
        await accepted.ReceiveOneAsync();
        accepted.TrySend([1]);
        await dialled.ReceiveOneAsync();
        await pair.Dialler.DisposeAsync();

        var seen = tap.Seen;
        await Until.TrueAsync(() => pair.Listener.UdpDatagramsReceived == seen.Count(datagram => datagram.Direction == TapDirection.Sent));
        Assert.Equal(pair.Dialler.UdpDatagramsReceived, seen.Count(datagram => datagram.Direction == TapDirection.Received));
        Assert.All(seen, datagram => Assert.Equal((pair.Dialler.LocalEndPoint, pair.Listener.LocalEndPoint), (datagram.Local, datagram.Remote)));
        Assert.All(seen, datagram => Assert.DoesNotContain(Secret, Encoding.Latin1.GetString(datagram.Bytes), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("0.0.0.0", 0, "10.0.0.1:4001")]
    [InlineData("10.0.0.9", 0, "10.0.0.9:4001")]
    public void A_tap_sees_what_was_sent_and_not_what_could_not_be(string local, int port, string shown)
    {
        var tap = new Recorder();
        using var io = Assert.Single(TappedDatagramIo.Around([new FakeIo()], tap, new ManualTimeProvider()));
        var from = UdpAddress.FromEndPoint(new(IPAddress.Parse(local), port));
        var to = UdpAddress.FromEndPoint(new(IPAddress.Parse("192.0.2.1"), 7));
        Assert.Equal(SendStatus.WouldBlock, io.Send(from, to, [0]));
        Assert.Empty(tap.Seen);
        Assert.Equal(SendStatus.Sent, io.Send(from, to, [1, 2]));
        var seen = Assert.Single(tap.Seen);
        Assert.Equal((TapDirection.Sent, shown, "192.0.2.1:7"), (seen.Direction, seen.Local.ToString(), seen.Remote.ToString()));
        Assert.Equal(new ManualTimeProvider().GetUtcNow(), seen.Time);
        Assert.Equal([1, 2], seen.Bytes);

        var sending = new SendBatch();
        foreach (var datagram in (byte[][])[[1, 2], [3, 4], [5], [0, 6]])
        {
            datagram.CopyTo(sending.Free);
            sending.Append(from, to, datagram.Length);
        }

        io.Send(sending);
        Assert.Equal([[1, 2], [3, 4], [5]], tap.Seen.Skip(1).Select(datagram => datagram.Bytes));
        Assert.All(tap.Seen, datagram => Assert.Equal((TapDirection.Sent, shown), (datagram.Direction, datagram.Local.ToString())));

        var received = io.CreateReceiveBatch();
        Assert.Equal(ReceiveStatus.TimedOut, io.Receive(received, 0));
        Assert.Equal(4, tap.Seen.Count);
        Assert.Equal(ReceiveStatus.Received, io.Receive(received, -1));
        Assert.Equal([[9, 9, 9], [8, 8], [8]], tap.Seen.Skip(4).Select(datagram => datagram.Bytes));
        Assert.Equal((TapDirection.Received, "10.0.0.2:4001", "192.0.2.1:7"), (tap.Seen[4].Direction, tap.Seen[4].Local.ToString(), tap.Seen[4].Remote.ToString()));
    }

    private static string TypeOf(JsonElement line) => line.GetProperty("type").GetString()!;

    private static string Describe(JsonElement line)
        => $"{TypeOf(line)} {line.GetProperty("from").GetString()} {line.GetProperty("to").GetString()} {line.GetProperty("length").GetInt32()}";

    private async Task<IReadOnlyList<JsonElement>> InspectAsync(string file, string? but = null)
    {
        var run = await CliRun.InvokeAsync("inspect", _folder[file], "--json");
        Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
        return [.. run.JsonLines().Where(line => line.TryGetProperty("from", out _) && TypeOf(line) != but)];
    }

    private sealed record Datagram(TapDirection Direction, DateTimeOffset Time, IPEndPoint Local, IPEndPoint Remote, byte[] Bytes);

    private sealed class Recorder : IDatagramTap
    {
        private readonly Lock _gate = new();
        private readonly List<Datagram> _seen = [];

        public IReadOnlyList<Datagram> Seen
        {
            get
            {
                lock (_gate)
                {
                    return [.. _seen];
                }
            }
        }

        public void OnDatagram(TapDirection direction, DateTimeOffset time, IPEndPoint local, IPEndPoint remote, ReadOnlySpan<byte> datagram)
        {
            lock (_gate)
            {
                _seen.Add(new(direction, time, local, remote, datagram.ToArray()));
            }
        }
    }

    /// <summary>A socket that takes datagrams which do not begin with a zero, and has one of three bytes, then one of two and one of one, for who waits.</summary>
    private sealed class FakeIo : IDatagramIo
    {
        private static readonly UdpAddress Remote = UdpAddress.FromEndPoint(new(IPAddress.Parse("192.0.2.1"), 7));

        public UdpAddress LocalAddress { get; } = UdpAddress.FromEndPoint(new(IPAddress.Parse("10.0.0.1"), 4001));

        public string PathName => "fake";

        public bool ChoosesSource => true;

        public IReadOnlyList<UdpWarning> Warnings => [];

        public DatagramIoCounters Counters => default;

        public SendStatus Send(in UdpAddress local, in UdpAddress remote, ReadOnlySpan<byte> datagram)
            => datagram[0] == 0 ? SendStatus.WouldBlock : SendStatus.Sent;

        public void Send(SendBatch batch)
        {
            foreach (ref var group in batch.Groups)
            {
                var sent = batch.BytesOf(group)[0] != 0;
                (group.Sent, group.Status) = sent ? (group.Segments, SendStatus.Sent) : (0, SendStatus.WouldBlock);
            }
        }

        public ReceiveBatch CreateReceiveBatch() => new(2, 8);

        public ReceiveStatus Receive(ReceiveBatch batch, int timeoutMilliseconds)
        {
            batch.Clear();
            if (timeoutMilliseconds == 0)
            {
                return ReceiveStatus.TimedOut;
            }

            var local = UdpAddress.FromEndPoint(new(IPAddress.Parse("10.0.0.2"), 4001));
            batch.Memory.AsSpan(batch.OffsetOf(0), 3).Fill(9);
            batch.Memory.AsSpan(batch.OffsetOf(1), 3).Fill(8);
            batch.Add(new(batch.OffsetOf(0), 3, 3, Remote, local));
            batch.Add(new(batch.OffsetOf(1), 3, 2, Remote, local));
            return ReceiveStatus.Received;
        }

        public void Wake()
        {
        }

        public void Dispose()
        {
        }
    }
}
