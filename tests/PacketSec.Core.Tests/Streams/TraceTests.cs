using PacketSec.Protocol.Streams;
using PacketSec.Protocol.Streams.Frames;
using PacketSec.Protocol.Streams.Tracing;

namespace PacketSec.Core.Tests.Streams;

public sealed class TraceTests
{
    private readonly Recorder _trace = new();
    private readonly ConnectionPair _pair;

    public TraceTests() => _pair = new ConnectionPair(new() { Trace = _trace }, new()).Greeted();

    [Fact]
    public void Every_packet_is_told_with_its_number_size_and_kinds_of_frames()
    {
        _trace.Events.Clear();
        var stream = _pair.Even.TryOpen(true)!;
        _pair.Even.Write(stream, new byte[100]);
        var packet = _pair.Build(_pair.Even, out var built)!;
        var sent = Assert.Single(_trace.Events, happening => happening.Kind == TraceEventKind.PacketSent);
        Assert.Equal(built.Number, sent.Number);
        Assert.Equal(packet.Length + PacketSec.Protocol.SpecLimits.DatagramOverhead, sent.Length);
        Assert.Equal(FrameKinds.Stream, sent.Frames & FrameKinds.Stream);
        Assert.Equal(_pair.Now.Nanoseconds, sent.Time);

        _pair.Deliver(_pair.Odd, packet);
        _pair.Exchange();
        var received = _trace.Events.Last(happening => happening.Kind == TraceEventKind.PacketReceived);
        Assert.Equal(FrameKinds.Ack, received.Frames & FrameKinds.Ack);
        Assert.DoesNotContain(_trace.Events, happening => happening.Kind == TraceEventKind.PacketDropped);
    }

    [Fact]
    public void Losses_windows_and_round_trips_are_told_when_they_change()
    {
        _trace.Events.Clear();
        var stream = _pair.Even.TryOpen(true)!;
        _pair.Even.Write(stream, new byte[100_000]);
        var packets = _pair.BuildAll(_pair.Even);
        Assert.True(packets.Count > 4);
        var before = _pair.Even.CongestionWindow;
        _pair.Pass(10 * ConnectionPair.Ms);
        packets.Skip(1).ToList().ForEach(packet => _pair.Deliver(_pair.Odd, packet));
        _pair.BuildAll(_pair.Odd).ForEach(packet => _pair.Deliver(_pair.Even, packet));

        var lost = Assert.Single(_trace.Events, happening => happening.Kind == TraceEventKind.PacketLost);
        Assert.Equal(_trace.Events.First(happening => happening.Kind == TraceEventKind.PacketSent).Number, lost.Number);
        var metrics = _trace.Events.Last(happening => happening.Kind == TraceEventKind.Metrics).Metrics;
        Assert.Equal((_pair.Even.CongestionWindow, _pair.Even.BytesInFlight), (metrics.Window, metrics.InFlight));
        Assert.True(metrics.Window < before);
        Assert.Equal(_pair.Even.Rtt.Smoothed, metrics.Smoothed);
        Assert.False(_trace.Events.Last(happening => happening.Kind == TraceEventKind.CongestionState).InSlowStart);
        var times = _trace.Events.Select(happening => happening.Time).ToList();
        Assert.Equal(times.Order(), times);
    }

    [Fact]
    public void A_repeated_packet_and_the_end_are_told()
    {
        _pair.Odd.Ping();
        var packet = _pair.Build(_pair.Odd)!;
        _pair.Deliver(_pair.Even, packet);
        _pair.Deliver(_pair.Even, packet);
        Assert.Equal(PacketVerdict.Duplicate, Assert.Single(_trace.Events, happening => happening.Kind == TraceEventKind.PacketDropped).Verdict);

        _pair.Even.Close(_pair.Now, 7);
        var closed = _trace.Events[^1];
        Assert.Equal((TraceEventKind.Closed, CloseCause.Local, 7, true), (closed.Kind, closed.Cause, closed.Number, closed.ByApplication));
    }

    [Theory]
    [InlineData("", FrameKinds.None, true)]
    [InlineData("00000100", FrameKinds.Padding | FrameKinds.Ping, true)]
    [InlineData("100501", FrameKinds.MaxData | FrameKinds.Ping, true)]
    [InlineData("01ff", FrameKinds.Ping, false)]
    [InlineData("10", FrameKinds.None, false)]
    public void A_walk_over_frames_names_their_kinds_up_to_the_first_that_is_badly_formed(string frames, object kinds, bool isWellFormed)
    {
        Assert.Equal(isWellFormed, FrameWalk.TryRead(new(Convert.FromHexString(frames)), out var found));
        Assert.Equal((FrameKinds)kinds, found);
    }

    private sealed class Recorder : IConnectionTrace
    {
        public List<TraceEvent> Events { get; } = [];

        public void Add(in TraceEvent happening) => Events.Add(happening);
    }
}
