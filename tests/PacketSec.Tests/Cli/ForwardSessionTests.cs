using System.Net;
using System.Net.Sockets;
using PacketSec.Cli;
using PacketSec.Cli.Forward;
using PacketSec.Cli.Net;
using PacketSec.Tests.Api;
using PacketSec.Tests.Streams;

namespace PacketSec.Tests.Cli;

/// <summary>Bounds of forwarding, and what breaks its protocol.</summary>
[Collection(SocketsCollection.Name)]
public sealed class ForwardSessionTests
{
    private const int Ceiling = SocketsCollection.CeilingMilliseconds;

    [Fact]
    public void The_bounds_are_those_of_the_specification()
    {
        var policy = new ForwardPolicy();
        Assert.Equal((1024, 1024, 60.0), (policy.MostConnections, policy.MostFlows, policy.FlowIdle.TotalSeconds));
    }

    //= spec/forward.md#forward-request
    [Theory(Timeout = Ceiling)]
    [InlineData("70736563667764 01 00 00")]
    [InlineData("70736563667764 01 07 00")]
    [InlineData("70736563667764 02 06 00")]
    [InlineData("70736563667765 01 06 00")]
    [InlineData("70736563667764 01 06 01 00")]
    [InlineData("70736563667764 01 01 02 0050")]
    [InlineData("70736563667764 01 01 03 0000 61")]
    [InlineData("70736563667764 01 01 03 0050 2f")]
    [InlineData("70736563667764 01 05 07 00000000000000")]
    [InlineData("70736563667764 01 05 08 8000000000000000")]
    public async Task A_request_that_is_none_ends_the_connection(string request)
    {
        await using var sides = await Sides.OpenAsync(new(), new());
        await using var stream = await sides.Pair.Dialled.OpenStreamAsync();
        await stream.WriteAsync(Convert.FromHexString(request.Replace(" ", "", StringComparison.Ordinal)));
        var end = await sides.Pair.Dialled.Closed.WithinCeiling();
        Assert.Equal((PacketSecConnectionError.ClosedByPeer, 1), (end.Error, end.Code));
    }

    [Theory]
    [InlineData(ForwardKind.ConnectTcp, "a", 1)]
    [InlineData(ForwardKind.ConnectUdp, "2001:db8::1", 65_535)]
    [InlineData(ForwardKind.ListenTcp, "127.0.0.1", 0)]
    [InlineData(ForwardKind.ListenUdp, "::1", 53)]
    public async Task A_request_is_read_as_it_was_written(object kind, string host, int port)
    {
        var request = new ForwardRequest((ForwardKind)kind, host, port);
        Assert.Equal(request, await ForwardRequest.ReadAsync(new MemoryStream(request.ToBytes()), default));
    }

    //= spec/forward.md#forward-request
    [Theory(Timeout = Ceiling)]
    [InlineData("010000")]
    [InlineData("000001")]
    [InlineData("100001")]
    public async Task An_answer_that_is_none_ends_the_connection(string answer)
    {
        await using var pair = await ConnectionPair.OpenAsync(ForwardSession.Options, ForwardSession.Options);
        using var session = new ForwardSession(pair.Dialled, new(), new(), Sides.Silent());
        var running = session.RunAsync();
        var watching = session.WatchAsync(default);
        await using var stream = await pair.Accepted.AcceptStreamAsync();
        await stream.WriteAsync(Convert.FromHexString(answer));
        await Assert.ThrowsAsync<PacketSecConnectionException>(() => watching.WithinCeiling());
        Assert.Equal(1, (await pair.Accepted.Closed.WithinCeiling()).Code);
        await running.WithinCeiling();
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_peer_that_answers_nothing_is_taken_for_one_that_does_not_forward()
    {
        var time = new ManualTimeProvider();
        await using var pair = await ConnectionPair.OpenAsync(ForwardSession.Options, ForwardSession.Options);
        using var session = new ForwardSession(pair.Dialled, new() { Time = time }, new(), Sides.Silent());
        var running = session.RunAsync();
        var watching = session.WatchAsync(default);
        await AdvanceUntilAsync(time, watching);
        Assert.False(await watching);
        await pair.Dialled.DisposeAsync();
        await running.WithinCeiling();
    }

    //= spec/forward.md#forward-accepted
    [Fact(Timeout = Ceiling)]
    public async Task A_number_that_is_of_no_port_leads_nowhere()
    {
        await using var sides = await Sides.OpenAsync(new(), new());
        await using var stream = await sides.Pair.Dialled.OpenStreamAsync();
        var answer = await sides.Near.AskAsync(stream, new(ForwardKind.Accepted, Control: stream.Id), default);
        Assert.Equal(ForwardCode.NotPermitted, answer.Code);
    }

    //= spec/forward.md#forward-request-time
    [Fact(Timeout = Ceiling)]
    public async Task A_request_that_does_not_come_ends_its_stream()
    {
        var time = new ManualTimeProvider();
        await using var sides = await Sides.OpenAsync(new(), new() { Time = time });
        await using var stream = await sides.Pair.Dialled.OpenStreamAsync();
        await stream.WriteAsync("psecfwd"u8.ToArray());
        var reading = stream.ReadAsync(new byte[1]).AsTask();
        await AdvanceUntilAsync(time, reading);
        Assert.Equal(PacketSecConnectionError.StreamReset, (await Assert.ThrowsAsync<PacketSecConnectionException>(() => reading)).Error);
    }

    //= spec/forward.md#forward-listen-end
    [Fact(Timeout = Ceiling)]
    public async Task A_port_is_closed_with_its_control_stream()
    {
        await using var sides = await Sides.OpenAsync(new(), new() { ListenPorts = [0] });
        var stream = await sides.Pair.Dialled.OpenStreamAsync();
        var answer = await sides.Near.AskAsync(stream, new(ForwardKind.ListenTcp, "127.0.0.1", 0), default);
        using (var reaching = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            await reaching.ConnectAsync(IPAddress.Loopback, answer.Port);
        }

        await stream.DisposeAsync();
        await Until.TrueAsync(() =>
        {
            using var late = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                late.Connect(IPAddress.Loopback, answer.Port);
                return false;
            }
            catch (SocketException error)
            {
                return error.SocketErrorCode == SocketError.ConnectionRefused;
            }
        });
    }

    //= spec/forward.md#forward-tcp-count
    [Theory(Timeout = Ceiling)]
    [InlineData(2, 1024)]
    [InlineData(1024, 2)]
    public async Task Connections_beyond_the_bound_of_either_side_are_reset_until_another_ends(int near, int far)
    {
        using var target = ForwardTargets.Listen();
        await using var sides = await Sides.OpenAsync(new() { MostConnections = near }, Permitting(target) with { MostConnections = far });
        var port = sides.OpenPort(target, isUdp: false);
        using var first = await ConnectAsync(port);
        var served = await target.TakeAsync();
        using var second = await ConnectAsync(port);
        using var other = await target.TakeAsync();
        await port.AssertResetsAsync();

        first.Shutdown(SocketShutdown.Both);
        served.Dispose();
        while (true)
        {
            try
            {
                using var late = await ConnectAsync(port);
                await late.SendAllAsync(new byte[] { 1 });
                late.Shutdown(SocketShutdown.Send);
                using var taken = await target.TakeAsync(late);
                Assert.Equal([1], await taken.ReadAllAsync());
                return;
            }
            catch (SocketException)
            {
                // The place has not been given back yet.
            }
        }
    }

    //= spec/forward.md#forward-flow-answered
    [Fact(Timeout = Ceiling)]
    public async Task Sixteen_datagrams_wait_for_the_answer_and_none_is_sent_before()
    {
        using var target = ForwardTargets.BindUdp();
        await using var pair = await ConnectionPair.OpenAsync(ForwardSession.Options, ForwardSession.Options);
        var tally = new ForwardTally();
        using var session = new ForwardSession(pair.Dialled, new(), tally, Sides.Silent());
        var running = session.RunAsync();
        await using var entrance = Entrance.Open(IPAddress.Loopback, 0, isUdp: true, new(), tally);
        using var stop = new CancellationTokenSource();
        var taking = entrance.RunAsync(() => session, new(ForwardKind.ConnectUdp, "127.0.0.1", 9), stop.Token);
        for (byte i = 0; i < 17; i++)
        {
            await target.SendToAsync(new[] { i }, entrance.LocalEndPoint);
        }

        await using var stream = await pair.Accepted.AcceptStreamAsync();
        await Until.TrueAsync(() => tally.Dropped == 1);
        var buffer = new byte[100];
        var receiving = pair.Accepted.ReceiveDatagramAsync(buffer).AsTask();
        Assert.False(receiving.IsCompleted);
        await stream.WriteAsync(new ForwardAnswer(ForwardCode.Done).ToBytes());
        for (byte i = 0; i < 16; i++)
        {
            var length = await receiving.WithinCeiling();
            Assert.Equal(i, buffer[length - 1]);
            receiving = i < 15 ? pair.Accepted.ReceiveDatagramAsync(buffer).AsTask() : receiving;
        }

        await stop.CancelAsync();
        await pair.Dialled.DisposeAsync();
        await running.WithinCeiling();
        await taking.WithinCeiling();
    }

    //= spec/forward.md#forward-flow-count
    [Theory(Timeout = Ceiling)]
    [InlineData(2, 1024)]
    [InlineData(1024, 2)]
    public async Task Datagrams_of_one_source_too_many_are_dropped_at_either_side(int near, int far)
    {
        using var target = ForwardTargets.BindUdp();
        await using var sides = await Sides.OpenAsync(new() { MostFlows = near }, Permitting(target) with { MostFlows = far });
        var port = sides.OpenPort(target, isUdp: true);
        using var one = ForwardTargets.BindUdp();
        using var two = ForwardTargets.BindUdp();
        using var three = ForwardTargets.BindUdp();
        foreach (var (source, number) in new[] { (one, (byte)1), (two, (byte)2) })
        {
            await source.SendToAsync(new[] { number }, port);
            Assert.Equal([number], await target.ReadSomeAsync());
        }

        await three.SendToAsync(new byte[] { 3 }, port);
        await Until.TrueAsync(() => near == 2 ? sides.NearTally.Dropped == 1 : sides.Error.Lines.Any(line => line.Contains("flows already", StringComparison.Ordinal)));
        await one.SendToAsync(new byte[] { 4 }, port);
        Assert.Equal([4], await target.ReadSomeAsync());
    }

    //= spec/forward.md#forward-flow-idle
    [Theory(Timeout = Ceiling)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_flow_that_is_silent_ends_and_its_source_gets_another(bool nearEnds)
    {
        var time = new ManualTimeProvider();
        using var target = ForwardTargets.BindUdp();
        var near = new ForwardPolicy { MostFlows = 1 };
        var far = Permitting(target);
        await using var sides = await Sides.OpenAsync(nearEnds ? near with { Time = time } : near, nearEnds ? far : far with { Time = time });
        var port = sides.OpenPort(target, isUdp: true);
        using var one = ForwardTargets.BindUdp();
        using var two = ForwardTargets.BindUdp();
        var first = await PassAsync(one, target, port, 1);

        // A datagram begins the silence anew: 59 s and 59 s are not 60.
        time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(first, await PassAsync(one, target, port, 2));
        time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(first, await PassAsync(one, target, port, 3));
        await two.SendToAsync(new byte[] { 9 }, port);
        await Until.TrueAsync(() => sides.NearTally.Dropped == 1);

        time.Advance(TimeSpan.FromSeconds(60));
        var taken = target.ReceiveFromAsync(new byte[10], SocketFlags.None, new IPEndPoint(IPAddress.Any, 0)).WithinCeiling();
        while (!taken.IsCompleted)
        {
            await two.SendToAsync(new byte[] { 4 }, port);
            await Task.WhenAny(taken, Task.Delay(20));
        }

        Assert.NotEqual(first, (await taken).RemoteEndPoint);
    }

    private static ForwardPolicy Permitting(Socket target)
    {
        var at = (IPEndPoint)target.LocalEndPoint!;
        return new() { Targets = [new HostPort("127.0.0.1", at.Address, at.Port)] };
    }

    private static async Task<Socket> ConnectAsync(IPEndPoint port)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(port);
        return socket;
    }

    private static async Task<EndPoint> PassAsync(Socket source, Socket target, IPEndPoint port, byte number)
    {
        await source.SendToAsync(new[] { number }, port);
        var buffer = new byte[10];
        var received = await target.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0)).WithinCeiling();
        Assert.Equal(number, buffer[0]);
        return received.RemoteEndPoint;
    }

    private static async Task AdvanceUntilAsync(ManualTimeProvider time, Task task)
    {
        using var ceiling = EndpointPair.Ceiling();
        while (!task.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(task, Task.Delay(20, ceiling.Token));
            ceiling.Token.ThrowIfCancellationRequested();
        }
    }

    /// <summary>A session at each end of a connection.</summary>
    private sealed class Sides : IAsyncDisposable
    {
        private readonly ForwardSession _far;
        private readonly ForwardPolicy _policy;
        private readonly List<Entrance> _entrances = [];
        private readonly List<Task> _running = [];
        private readonly CancellationTokenSource _stop = new();

        private Sides(ConnectionPair pair, ForwardPolicy near, ForwardPolicy far)
        {
            Pair = pair;
            _policy = near;
            Near = new(pair.Dialled, near, NearTally, Silent());
            _far = new(pair.Accepted, far, new(), new(new(TextReader.Null, TextWriter.Null, Error), json: false));
            _running.AddRange([Near.RunAsync(), _far.RunAsync()]);
        }

        public ConnectionPair Pair { get; }

        public ForwardSession Near { get; }

        public ForwardTally NearTally { get; } = new();

        /// <summary>Gets what the far side says.</summary>
        public LineLog Error { get; } = new();

        public static async Task<Sides> OpenAsync(ForwardPolicy near, ForwardPolicy far)
            => new(await ConnectionPair.OpenAsync(ForwardSession.Options, ForwardSession.Options), near, far);

        public static Reporter Silent() => new(new(TextReader.Null, TextWriter.Null, TextWriter.Null), json: false);

        /// <summary>Opens a port of the near side that leads to a target.</summary>
        public IPEndPoint OpenPort(Socket target, bool isUdp)
        {
            var at = (IPEndPoint)target.LocalEndPoint!;
            var rule = new ForwardRule(IPAddress.Loopback, 0, $"{at.Address}", at.Port) { IsUdp = isUdp };
            var entrance = Entrance.Open(rule.Bind, rule.Port, isUdp, _policy, NearTally);
            _entrances.Add(entrance);
            _running.Add(entrance.RunAsync(() => Near, rule.ToConnect(), _stop.Token));
            return entrance.LocalEndPoint;
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await Pair.DisposeAsync();
            await Task.WhenAll(_running).WithinCeiling();
            foreach (var entrance in _entrances)
            {
                await entrance.DisposeAsync();
            }

            Near.Dispose();
            _far.Dispose();
            _stop.Dispose();
        }
    }
}
