using PacketSec.Protocol.Streams;
using PacketSec.Protocol.Streams.Frames;
using static PacketSec.Core.Tests.Streams.ConnectionPair;

namespace PacketSec.Core.Tests.Streams;

/// <summary>What a driver asks of a connection beyond packets: room, wider windows, a new session after silence, an end without a word.</summary>
public sealed class ConnectionDriverTests
{
    //= spec/streams.md#incarnation-shown
    [Fact]
    public void Who_is_taken_for_another_shows_its_own_HELLO()
    {
        var pair = new ConnectionPair().Greeted();
        pair.Odd = pair.Create(StreamSide.Odd);
        pair.Use(pair.Odd, 2);
        pair.Use(pair.Even, 2);
        Assert.False(pair.Odd.WantsToSend);
        pair.Even.Ping();
        Assert.Equal(PacketVerdict.OtherIncarnation, pair.Deliver(pair.Odd, pair.Build(pair.Even)!, session: 2));

        Assert.True(pair.Odd.WantsToSend);
        Assert.Equal(PacketVerdict.PeerRestarted, pair.Deliver(pair.Even, Assert.Single(pair.BuildAll(pair.Odd)), session: 2));
    }

    //= spec/streams.md#session-probes
    [Fact]
    public void A_new_session_after_probe_timeouts_is_probed_at_once()
    {
        var pair = new ConnectionPair().Greeted();
        var stream = pair.Even.TryOpen(bidirectional: true)!;
        pair.Even.Write(stream, [1]);
        pair.Build(pair.Even);
        pair.Wake(pair.Even);
        pair.BuildAll(pair.Even);
        pair.Wake(pair.Even);
        pair.BuildAll(pair.Even);
        var backedOff = pair.Even.ProbeTimeout;

        // The session that is in use already is no news.
        pair.Use(pair.Even, 1);
        Assert.Empty(pair.BuildAll(pair.Even));
        Assert.Equal(backedOff, pair.Even.ProbeTimeout);

        pair.Use(pair.Even, 2);
        var probes = pair.BuildAll(pair.Even);
        Assert.Equal(2, probes.Count);
        Assert.Equal(backedOff, 4 * pair.Even.ProbeTimeout);
        Assert.Contains(Types(probes[0]), type => type is >= FrameType.Stream and <= FrameType.StreamLast);
    }

    [Fact]
    public void A_new_session_without_probe_timeouts_is_not_probed()
    {
        var pair = new ConnectionPair().Greeted();
        var stream = pair.Even.TryOpen(bidirectional: true)!;
        pair.Even.Write(stream, [1]);
        pair.Build(pair.Even);
        pair.Use(pair.Even, 2);
        Assert.Empty(pair.BuildAll(pair.Even));
    }

    [Fact]
    public void A_reader_that_needs_more_than_the_window_gets_wider_ones_up_to_the_bound()
    {
        const int First = 64 * 1024;
        var pair = new ConnectionPair(odd: new() { StreamWindow = First, MaxStreamWindow = 3 * First }).Greeted();
        var stream = pair.Even.TryOpen(bidirectional: true)!;
        pair.Even.Write(stream, new byte[4 * First]);
        pair.Exchange();
        var incoming = Events(pair.Odd).First(what => what.Kind == StreamEventKind.StreamOpened).Stream!;
        Assert.Equal(First, incoming.Receive!.Readable);

        Assert.True(pair.Odd.TryExtend(incoming, First));
        pair.Exchange();
        Assert.Equal(2 * First, incoming.Receive.Readable);
        Assert.True(pair.Odd.TryExtend(incoming, 2 * First));
        pair.Exchange();
        Assert.Equal(3 * First, incoming.Receive.Readable);

        // What has come since it looked may be what it needs.
        Assert.True(pair.Odd.TryExtend(incoming, (3 * First) - 1));
        Assert.False(pair.Odd.TryExtend(incoming, 3 * First));

        // What is consumed makes room again, and with more than half of the window free there is nothing to widen.
        pair.Odd.Advance(pair.Now, incoming, 3 * First);
        Assert.True(pair.Odd.TryExtend(incoming, 0));
        Assert.Equal(3 * First, incoming.Receive.Window.Size);
    }

    [Fact]
    public void A_window_with_a_hole_is_not_full()
    {
        const int Window = 64 * 1024;
        var pair = new ConnectionPair(odd: new() { StreamWindow = Window, MaxStreamWindow = Window }).Greeted();
        pair.Deliver(pair.Odd, Packet(90, Bytes(new StreamFrame(0, 0, "begun"u8, false)), Bytes(new StreamFrame(0, Window - 1, "x"u8, false))));
        var incoming = Events(pair.Odd).First(what => what.Kind == StreamEventKind.StreamOpened).Stream!;
        Assert.Equal((5, Window), (incoming.Receive!.Readable, incoming.Receive.Highest));
        Assert.True(pair.Odd.TryExtend(incoming, 5));
        pair.Deliver(pair.Odd, Packet(91, Bytes(new StreamFrame(0, 5, new byte[Window - 6], false))));
        Assert.False(pair.Odd.TryExtend(incoming, Window));
    }

    [Fact]
    public void Lent_room_is_sent_from_where_it_lies_in_the_order_of_the_loans()
    {
        const int Bound = 8 * 1024;
        var pair = new ConnectionPair(new() { SendBuffer = Bound }).Greeted();
        var stream = pair.Even.TryOpen(bidirectional: true)!;
        Assert.True(pair.Even.TryReserve(stream, 0, 5000, out var room));
        Assert.InRange(room.Length, 5000, Bound);
        room.Span[..3000].Fill(1);
        Assert.True(pair.Even.TryReserve(stream, 3000, 4000, out room));
        room.Span[..4000].Fill(2);
        Assert.False(pair.Even.TryReserve(stream, 7000, Bound - 7000 + 1, out _));
        Assert.True(pair.Even.TryReserve(stream, 7000, Bound - 7000, out _));
        Assert.False(pair.Even.WantsToSend);

        pair.Even.Commit(stream, 7000);
        Assert.True(pair.Even.WantsToSend);
        Assert.False(pair.Even.HasRoom(stream));
        pair.Exchange();
        Assert.Contains(Events(pair.Even), what => what.Kind == StreamEventKind.Writable && what.Stream == stream);
        Assert.True(pair.Even.HasRoom(stream));
        var incoming = Events(pair.Odd).First(what => what.Kind == StreamEventKind.StreamOpened).Stream!;
        var read = new byte[8000];
        Assert.Equal(7000, pair.Odd.Read(pair.Now, incoming, read, out _));
        Assert.Equal([.. Enumerable.Repeat((byte)1, 3000), .. Enumerable.Repeat((byte)2, 4000)], read[..7000]);

        // Near the ring's end a piece is shorter than what is free.
        Assert.False(pair.Even.TryReserve(stream, 0, 2000, out _));
        Assert.True(pair.Even.TryReserve(stream, 0, 1, out room));
        Assert.InRange(room.Length, 1, 1999);

        pair.Even.Finish(stream);
        Assert.False(pair.Even.TryReserve(stream, 0, 1, out _));
        pair.Even.Commit(stream, 1);
        pair.Exchange();
        Assert.Equal(0, pair.Odd.Read(pair.Now, incoming, read, out var ended));
        Assert.True(ended);
    }

    //= spec/streams.md#ack-of-nothing
    //= rfc9000#section-13.1
    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    public void An_acknowledgement_of_what_was_never_sent_closes(byte beyond, bool closes)
    {
        var pair = new ConnectionPair().Greeted();
        var largest = (byte)(pair.Even.PacketsSent - 1 + beyond);
        Assert.Equal(closes ? PacketVerdict.Violation : PacketVerdict.Processed, pair.Deliver(pair.Even, Packet(50, [FrameType.Ack, largest, 0, 0, 0])));
        Assert.Equal(closes ? (long)StreamError.ProtocolViolation : 0, pair.Even.CloseCode);
    }

    //= spec/streams.md#keep-alive
    [Fact]
    public void A_connection_that_is_kept_alive_outlives_its_idle_timeout()
    {
        var options = new StreamOptions { IdleTimeout = TimeSpan.FromSeconds(30) };
        var pair = new ConnectionPair(options with { KeepAlive = TimeSpan.FromSeconds(10) }, odd: options).Greeted();
        var silentSince = pair.Now;
        for (var i = 0; i < 10; i++)
        {
            Assert.False(pair.Even.WantsToSend);
            Assert.Equal(StreamTimer.KeepAlive, pair.Wake(pair.Even));
            Assert.True(pair.Even.WantsToSend);
            pair.Exchange();
        }

        Assert.True(pair.Now - silentSince >= TimeSpan.FromSeconds(100));
        Assert.Equal((ConnectionState.Open, ConnectionState.Open), (pair.Even.State, pair.Odd.State));
    }

    [Fact]
    public void An_abandoned_connection_is_over_at_once_and_says_nothing()
    {
        var pair = new ConnectionPair().Greeted();
        var stream = pair.Even.TryOpen(bidirectional: true)!;
        pair.Even.Write(stream, new byte[10]);
        pair.Even.Abandon();

        Assert.Equal((ConnectionState.Over, CloseCause.NoChannel), (pair.Even.State, pair.Even.Cause));
        Assert.Null(pair.Even.NextDeadline);
        Assert.Null(pair.Build(pair.Even));
        Assert.False(pair.Even.WantsToSend);
        Assert.Equal(StreamEventKind.Closed, Assert.Single(Events(pair.Even)).Kind);
        Assert.True(pair.Even.HasRoom(stream));

        // One that is closing already keeps its reason.
        pair.Odd.Close(pair.Now, 5);
        pair.Odd.Abandon();
        Assert.Equal((ConnectionState.Over, CloseCause.Local, 5L), (pair.Odd.State, pair.Odd.Cause, pair.Odd.CloseCode));
        Assert.Null(pair.Odd.NextDeadline);
    }

    [Fact]
    public void Packets_and_bytes_are_counted_once()
    {
        var pair = new ConnectionPair().Greeted();
        var stream = pair.Even.TryOpen(bidirectional: true)!;
        var before = pair.Even.PacketsSent;
        pair.Even.Write(stream, new byte[10_000]);
        var packets = pair.BuildAll(pair.Even);
        Assert.Equal(packets.Count, pair.Even.PacketsSent - before);
        packets.Skip(1).ToList().ForEach(packet => pair.Deliver(pair.Odd, packet));
        pair.Exchange();

        Assert.Equal(1, pair.Even.PacketsLost);
        Assert.Equal((10_000L, 10_000L), (pair.Even.StreamBytesSent, pair.Odd.StreamBytesReceived));
        Assert.Equal(-1, pair.Odd.WaitingDatagram);
        pair.Even.SendDatagram(new byte[7]);
        pair.Exchange();
        Assert.Equal(7, pair.Odd.WaitingDatagram);
    }
}
