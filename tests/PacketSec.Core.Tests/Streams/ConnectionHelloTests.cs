using PacketSec.Protocol.Streams;
using PacketSec.Protocol.Streams.Frames;
using static PacketSec.Core.Tests.Streams.ConnectionPair;

namespace PacketSec.Core.Tests.Streams;

public sealed class ConnectionHelloTests
{
    private static readonly Incarnation Stranger = new(77);

    //= spec/streams.md#hello-until-acknowledged
    [Fact]
    public void Every_packet_begins_with_a_HELLO_until_one_of_its_session_is_acknowledged()
    {
        var pair = new ConnectionPair(maxDatagram: 1200);
        pair.Even.Ping();
        var first = pair.Build(pair.Even)!;
        pair.Even.Ping();
        var second = pair.Build(pair.Even)!;
        Assert.Equal([FrameType.Hello, FrameType.Ping], Types(first));
        Assert.Equal([FrameType.Hello, FrameType.Ping], Types(second));
        Assert.Null(pair.Build(pair.Even));

        pair.Deliver(pair.Odd, first);
        pair.Deliver(pair.Odd, second);
        var answer = pair.Build(pair.Odd)!;
        Assert.Equal([FrameType.Hello, FrameType.Ack], Types(answer));
        pair.Deliver(pair.Even, answer);
        pair.Even.Ping();
        Assert.Equal([FrameType.Ack, FrameType.Ping], Types(pair.Build(pair.Even)!));

        pair.Use(pair.Even, 2, maxDatagram: 1200);
        pair.Even.Ping();
        Assert.Equal([FrameType.Hello, FrameType.Ping], Types(pair.Build(pair.Even)!));
        pair.Use(pair.Even, 1, maxDatagram: 1200);
        pair.Even.Ping();
        Assert.Equal([FrameType.Ping], Types(pair.Build(pair.Even)!));
    }

    //= spec/streams.md#hello-first
    [Fact]
    public void A_packet_on_a_session_without_HELLO_is_neither_processed_nor_acknowledged()
    {
        var pair = new ConnectionPair().Greeted();
        Assert.Equal(PacketVerdict.NoHello, pair.Deliver(pair.Odd, Packet(50, [FrameType.Ping]), session: 2));
        Assert.Null(pair.Build(pair.Odd));
        Assert.Equal(PacketVerdict.Processed, pair.Deliver(pair.Odd, Packet(50, [FrameType.Ping]), session: 1));
    }

    //= spec/streams.md#hello-first
    [Fact]
    public void A_HELLO_behind_another_frame_closes_the_connection()
    {
        var pair = new ConnectionPair().Greeted();
        var packet = Packet(50, [FrameType.Ping], Hello(pair.Even.OwnIncarnation, pair.Odd.OwnIncarnation));
        Assert.Equal(PacketVerdict.Violation, pair.Deliver(pair.Odd, packet));
        Assert.Equal((CloseCause.Violation, (long)StreamError.ProtocolViolation), (pair.Odd.Cause, pair.Odd.CloseCode));
    }

    //= spec/streams.md#hello-other-version
    [Fact]
    public void Another_version_is_an_error_of_its_own()
    {
        var pair = new ConnectionPair();
        Assert.Equal(PacketVerdict.Violation, pair.Deliver(pair.Odd, Packet(0, [FrameType.Hello, 2, 1, 9, FrameType.Ping])));
        Assert.Equal((CloseCause.PeerOfAnotherVersion, 0x11L), (pair.Odd.Cause, pair.Odd.CloseCode));
        Assert.Equal([FrameType.Hello, FrameType.ConnectionClose], Types(pair.Build(pair.Odd)!));
        Assert.Equal(StreamEventKind.Closed, Assert.Single(Events(pair.Odd)).Kind);
    }

    //= spec/streams.md#before-hello
    [Fact]
    public void Before_the_peers_HELLO_one_stream_64_KiB_and_datagrams_of_1100_bytes_are_permitted()
    {
        var pair = new ConnectionPair();
        Assert.Equal(1100, pair.Even.MaxDatagramPayload);
        Assert.Null(pair.Even.TryOpen(bidirectional: false));
        var stream = pair.Even.TryOpen(bidirectional: true)!;
        Assert.Null(pair.Even.TryOpen(bidirectional: true));
        Assert.Equal(100_000, pair.Even.Write(stream, new byte[100_000]));
        Assert.Equal(64 * 1024, stream.Send!.Limit);
        Assert.Equal(DatagramResult.TooLarge, pair.Even.SendDatagram(new byte[1101]));

        pair.Exchange();
        Assert.Equal(100_000, stream.Send.SentTo);
        Assert.NotNull(pair.Even.TryOpen(bidirectional: true));
        Assert.NotNull(pair.Even.TryOpen(bidirectional: false));
    }

    //= spec/streams.md#before-hello
    [Fact]
    public void The_minimum_is_what_fits_into_the_window_to_the_byte()
    {
        var pair = new ConnectionPair();
        var stream = pair.Even.TryOpen(bidirectional: true)!;
        pair.Even.Write(stream, new byte[100_000]);
        Assert.Equal(64 * 1024, stream.Send!.Limit);
        pair.Deliver(pair.Even, Packet(0, Hello(Stranger, Incarnation.None), [FrameType.Ping]));
        Assert.Equal((64 * 1024, 1100), (stream.Send.Limit, pair.Even.MaxDatagramPayload));
        pair.Exchange();
        Assert.InRange(stream.Send.SentTo, 0, 64 * 1024);
    }

    [Theory]
    [InlineData(65_535, 65_536, 1, 1100)]
    [InlineData(65_536, 65_535, 1, 1100)]
    [InlineData(65_536, 65_536, 0, 1100)]
    [InlineData(65_536, 65_536, 1, 1099)]
    [InlineData(1 << 30, 65_536, 1, 1100)]
    [InlineData(65_536, 65_536, 16_384, 1100)]
    public void Options_that_no_peer_could_rely_on_or_no_HELLO_could_say_are_the_callers_mistake(int stream, int connection, int streams, int datagram)
        => Assert.Throws<ArgumentOutOfRangeException>(() => new StreamOptions
        {
            StreamWindow = stream,
            MaxStreamWindow = int.MaxValue / 2,
            ConnectionWindow = connection,
            MaxStreamsBidirectional = streams,
            MaxDatagramSize = datagram,
        }.ToParameters());

    [Fact]
    public void The_longest_HELLO_leaves_room_for_a_datagram_of_1100_bytes()
    {
        var parameters = new StreamOptions
        {
            IdleTimeout = TimeSpan.FromMilliseconds((1 << 30) - 1),
            StreamWindow = (1 << 30) - 1,
            MaxStreamWindow = 1 << 30,
            ConnectionWindow = (1 << 30) - 1,
            MaxConnectionWindow = 1 << 30,
            MaxStreamsBidirectional = 16_383,
            MaxStreamsUnidirectional = 16_383,
        }.ToParameters();
        Assert.Equal(HelloFrame.MaxLength, Bytes(new HelloFrame(1, Stranger, Stranger, parameters)).Length);
    }

    //= spec/streams.md#peer-without-streams
    [Theory]
    [InlineData("")]
    [InlineData("40")]
    [InlineData("48656c6c6f2c20776f726c64")]
    [InlineData("003f0120")]
    public void A_peer_that_sends_plain_datagrams_ends_the_connection_with_a_reason(string datagram)
    {
        var pair = new ConnectionPair();
        pair.Even.Ping();
        pair.Build(pair.Even);
        Assert.Equal(PacketVerdict.NoHello, pair.Deliver(pair.Even, Convert.FromHexString(datagram)));
        Assert.Equal((CloseCause.PeerWithoutStreams, ConnectionState.Over), (pair.Even.Cause, pair.Even.State));
        Assert.Null(pair.Build(pair.Even));
        Assert.Null(pair.Even.NextDeadline);
    }

    //= spec/streams.md#peer-without-streams
    [Fact]
    public void Sixteen_packets_without_HELLO_may_be_late_ones_and_the_seventeenth_may_not()
    {
        var pair = new ConnectionPair();
        pair.Pass(3000 * Ms);
        for (var number = 0; number < 100; number++)
        {
            pair.Deliver(pair.Even, Packet(number, [FrameType.Ping]));
        }

        pair.Pass(Ms);
        for (var number = 0; number < 16; number++)
        {
            Assert.Equal(PacketVerdict.NoHello, pair.Deliver(pair.Even, Packet(number, [FrameType.Ping])));
        }

        Assert.Equal(CloseCause.None, pair.Even.Cause);
        pair.Deliver(pair.Even, Packet(16, [FrameType.Ping]));
        Assert.Equal(CloseCause.PeerWithoutStreams, pair.Even.Cause);
    }

    //= spec/streams.md#incarnation-believed
    [Fact]
    public void A_packet_for_another_incarnation_of_this_side_is_dropped()
    {
        var pair = new ConnectionPair();
        Assert.Equal(PacketVerdict.OtherIncarnation, pair.Deliver(pair.Odd, Packet(0, Hello(Stranger, new(5)), [FrameType.Ping])));
        Assert.Equal(ConnectionState.Opening, pair.Odd.State);
        Assert.Equal([FrameType.Hello, FrameType.Ping], Types(Assert.Single(pair.BuildAll(pair.Odd))));
        Assert.Equal(PacketVerdict.Processed, pair.Deliver(pair.Odd, Packet(0, Hello(Stranger, pair.Odd.OwnIncarnation), [FrameType.Ping])));
    }

    //= spec/streams.md#incarnation-same
    //= spec/streams.md#rekey-invisible
    //= spec/streams.md#packet-numbers
    [Fact]
    public void The_connection_goes_on_over_a_further_session_with_the_next_packet_number()
    {
        var pair = new ConnectionPair().Greeted();
        var stream = pair.Even.TryOpen(bidirectional: true)!;
        pair.Even.Write(stream, "before"u8);
        pair.Exchange();
        pair.Even.Ping();
        var before = Number(pair.Build(pair.Even)!);
        var (window, rtt, mtu) = (pair.Even.CongestionWindow, pair.Even.Rtt.Smoothed, pair.Even.PathMtu);
        Assert.Equal(MaxDatagram, mtu);

        pair.Use(pair.Even, 2, Address(1, port: 5000));
        pair.Use(pair.Odd, 2, Address(1, port: 5000));
        Assert.Equal((window, rtt, mtu), (pair.Even.CongestionWindow, pair.Even.Rtt.Smoothed, pair.Even.PathMtu));
        pair.Even.Write(stream, " and after"u8);
        var packet = pair.Build(pair.Even)!;
        Assert.Equal((before + 1, FrameType.Hello), (Number(packet), Types(packet)[0]));
        Assert.Equal(PacketVerdict.Processed, pair.Deliver(pair.Odd, packet, session: 2));
        pair.Exchange();
        var received = Events(pair.Odd).Single(what => what.Kind == StreamEventKind.StreamOpened).Stream!;
        Assert.Equal("before and after"u8.ToArray(), pair.ReadAll(pair.Odd, received, out _));
    }

    //= spec/streams.md#new-path
    [Fact]
    public void Another_address_is_a_path_of_which_nothing_is_known()
    {
        var pair = new ConnectionPair().Greeted();
        Assert.True(pair.Even.Rtt.HasSample);
        pair.Use(pair.Even, 2, Address(9));
        Assert.Equal((12_000L, false, 1200), (pair.Even.CongestionWindow, pair.Even.Rtt.HasSample, pair.Even.PathMtu));
    }

    //= spec/streams.md#incarnation-changed
    [Fact]
    public void A_peer_that_has_begun_anew_ends_the_connection_and_begins_another()
    {
        var pair = new ConnectionPair().Greeted();
        var stream = pair.Even.TryOpen(bidirectional: true)!;
        pair.Even.Write(stream, new byte[5000]);
        pair.Build(pair.Even);

        pair.Odd = pair.Create(StreamSide.Odd);
        pair.Use(pair.Odd, 2);
        pair.Odd.Ping();
        var hello = pair.Build(pair.Odd)!;
        Assert.Equal(PacketVerdict.PeerRestarted, pair.Deliver(pair.Even, hello, session: 2));
        Assert.Equal((CloseCause.PeerRestarted, ConnectionState.Over), (pair.Even.Cause, pair.Even.State));
        Assert.Equal(0, pair.Even.Write(stream, new byte[1]));
        Assert.Null(pair.Build(pair.Even));

        pair.Even = pair.Create(StreamSide.Even);
        pair.Use(pair.Even, 2);
        Assert.Equal(PacketVerdict.Processed, pair.Deliver(pair.Even, hello, session: 2));
        pair.Even.Ping();
        var first = pair.Build(pair.Even)!;
        Assert.Equal(0, Number(first));
        pair.Deliver(pair.Odd, first, session: 2);
        pair.Exchange(session: 2);
        Assert.Equal((ConnectionState.Open, ConnectionState.Open), (pair.Even.State, pair.Odd.State));
    }

    //= spec/streams.md#incarnation-changed
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Another_incarnation_on_an_older_or_the_same_session_is_a_late_packet(long session)
    {
        var pair = new ConnectionPair().Greeted();
        pair.Deliver(pair.Odd, Packet(80, Hello(pair.Even.OwnIncarnation, pair.Odd.OwnIncarnation)), session: 3);
        Assert.Equal(PacketVerdict.OtherIncarnation, pair.Deliver(pair.Odd, Packet(90, Hello(Stranger, Incarnation.None), [FrameType.Ping]), session));
        Assert.Equal(ConnectionState.Open, pair.Odd.State);
    }

    [Fact]
    public void Sessions_beyond_those_remembered_drive_out_the_oldest()
    {
        var book = new SessionBook();
        for (var session = 1; session <= 17; session++)
        {
            book.NoteHello(session);
            book.NoteAcknowledged(session);
        }

        Assert.False(book.HelloSeen(1) || book.Acknowledged(1) || book.HelloSeen(18));
        Assert.True(book.HelloSeen(2) && book.Acknowledged(17));
    }
}
