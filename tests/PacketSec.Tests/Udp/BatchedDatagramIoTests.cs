using System.Net;
using PacketSec.Udp;

namespace PacketSec.Tests.Udp;

[Collection(SocketsCollection.Name)]
public sealed class LinuxDatagramIoTests : LinuxDatagramIoConformance
{
    internal override UdpPath Path => UdpPath.Linux;

    [Fact]
    public void One_datagram_per_call_is_what_its_name_says()
    {
        using IDatagramIo a = Bind("127.0.0.1");
        using IDatagramIo b = Bind("127.0.0.1");
        int[] lengths = [100, 100, 100];

        a.Send(BatchOf(b.LocalAddress, lengths));
        Assert.Equal(lengths.Length, a.Counters.SendCalls);
        AssertArrive(b, lengths, a.LocalAddress);
        Assert.InRange(b.Counters.ReceiveCalls, lengths.Length, 2 * lengths.Length);
        Assert.Equal("linux (one datagram per call)", a.PathName);
    }
}

[Collection(SocketsCollection.Name)]
public sealed class BatchedDatagramIoTests : LinuxDatagramIoConformance
{
    private const int EAGAIN = 11;
    private const int EINVAL = 22;
    private const int EIO = 5;
    private const int EMSGSIZE = 90;
    private const int EOPNOTSUPP = 95;
    private const int EHOSTUNREACH = 113;

    internal override UdpPath Path => UdpPath.Batched;

    [Fact]
    public void Linux_takes_all_that_serves_by_itself()
    {
        using IDatagramIo io = UdpTransport.Bind(new() { LocalEndPoint = new(IPAddress.IPv6Any, 0) });

        Assert.Equal("linux (UDP_SEGMENT, UDP_GRO, recvmmsg)", io.PathName);
        Assert.Equal(UdpFeatures.All, ((SocketDatagramIo)io).Features);
        Assert.True(io.ChoosesSource);
        Assert.DoesNotContain(io.Warnings, w => w.Kind == UdpWarningKind.NoSourceChoice);
    }

    [Fact]
    public void A_thousand_datagrams_take_few_system_calls()
    {
        const int Datagrams = 1000;
        const int PerBatch = 50;
        using IDatagramIo sender = Bind("127.0.0.1");
        using IDatagramIo receiver = Bind("127.0.0.1");
        int[] lengths = [.. Enumerable.Repeat(1200, PerBatch)];
        SendBatch batch = BatchOf(receiver.LocalAddress, lengths);

        for (int i = 0; i < Datagrams / PerBatch; i++)
        {
            sender.Send(batch);
            AssertArrive(receiver, lengths, sender.LocalAddress);
        }

        Assert.InRange(sender.Counters.SendCalls, 1, Datagrams / 10);
        DatagramIoCounters received = receiver.Counters;
        Assert.InRange(received.ReceiveCalls + received.WaitCalls, 1, Datagrams / 10);
    }

    [Theory]
    [InlineData((int)UdpFeatures.SegmentedSend, "linux (UDP_SEGMENT)")]
    [InlineData((int)UdpFeatures.CoalescedReceive, "linux (UDP_GRO)")]
    [InlineData((int)UdpFeatures.ManyPerCall, "linux (recvmmsg)")]
    [InlineData((int)(UdpFeatures.SegmentedSend | UdpFeatures.CoalescedReceive), "linux (UDP_SEGMENT, UDP_GRO)")]
    [InlineData((int)(UdpFeatures.SegmentedSend | UdpFeatures.ManyPerCall), "linux (UDP_SEGMENT, recvmmsg)")]
    [InlineData((int)(UdpFeatures.CoalescedReceive | UdpFeatures.ManyPerCall), "linux (UDP_GRO, recvmmsg)")]
    public void A_kernel_that_lacks_some_of_the_calls_delivers_the_same(int features, string pathName)
    {
        using IDatagramIo lacking = Bind((UdpFeatures)features);
        using IDatagramIo full = Bind("127.0.0.1");
        int[] lengths = [.. Enumerable.Repeat(300, 70), 200, 1000, 1, 1, 1, .. Enumerable.Repeat(2, 65)];

        Assert.Equal(pathName, lacking.PathName);
        foreach ((IDatagramIo from, IDatagramIo to) in new[] { (lacking, full), (full, lacking), (lacking, lacking) })
        {
            from.Send(BatchOf(to.LocalAddress, lengths));
            AssertArrive(to, lengths, from.LocalAddress);
        }
    }

    [Fact]
    public void Without_any_of_the_calls_the_batched_path_is_refused_and_the_automatic_one_takes_datagrams_one_by_one()
    {
        Assert.Throws<PlatformNotSupportedException>(() => Bind(UdpFeatures.None));

        using IDatagramIo io = UdpTransport.Bind(new()
        {
            LocalEndPoint = new(IPAddress.Loopback, 0),
            AllowedFeatures = UdpFeatures.None,
        });
        Assert.Equal("linux (one datagram per call)", io.PathName);
    }

    [Theory]
    [InlineData(EIO)]
    [InlineData(EINVAL)]
    [InlineData(EMSGSIZE)]
    [InlineData(EOPNOTSUPP)]
    public void A_system_that_refuses_segments_gets_datagrams_from_then_on(int errno)
    {
        int refused = 0;
        using IDatagramIo sender = Bind(UdpFeatures.All, (length, segmentSize) =>
        {
            refused += length > segmentSize ? 1 : 0;
            return length > segmentSize ? errno : 0;
        });
        using IDatagramIo other = Bind("127.0.0.1");
        using IDatagramIo receiver = Bind("127.0.0.1");
        int[] lengths = [500, 500, 500, 20, 700, 700];
        SendBatch batch = BatchOf(receiver.LocalAddress, lengths);

        for (int i = 0; i < 3; i++)
        {
            sender.Send(batch);
            AssertGroups(batch, (4, SendStatus.Sent), (2, SendStatus.Sent));
            AssertArrive(receiver, lengths, sender.LocalAddress);
        }

        // The batch that found out had two groups of segments.
        Assert.Equal(2, refused);
        Assert.Equal("linux (UDP_GRO, recvmmsg)", sender.PathName);
        Assert.Equal("linux (UDP_SEGMENT, UDP_GRO, recvmmsg)", other.PathName);
    }

    [Fact]
    public void Datagrams_larger_than_the_interface_takes_do_not_switch_segments_off()
    {
        const int Mtu = 1000;
        using IDatagramIo sender = Bind(UdpFeatures.All, (_, segmentSize) => segmentSize > Mtu ? EMSGSIZE : 0);
        using IDatagramIo receiver = Bind("127.0.0.1");
        SendBatch batch = BatchOf(receiver.LocalAddress, Mtu + 1, Mtu + 1, Mtu + 2, Mtu, Mtu);

        sender.Send(batch);
        AssertGroups(batch, (0, SendStatus.TooLarge), (1, SendStatus.TooLarge), (1, SendStatus.Sent));
        Assert.Equal(Content(3, Mtu), Receive(receiver).Bytes);
        Assert.Equal(Content(4, Mtu), Receive(receiver).Bytes);
        Assert.Equal(UdpFeatures.All, ((SocketDatagramIo)sender).Features);

        batch = BatchOf(receiver.LocalAddress, Mtu, Mtu);
        sender.Send(batch);
        AssertGroups(batch, (2, SendStatus.Sent));
        AssertArrive(receiver, [Mtu, Mtu], sender.LocalAddress);
    }

    [Fact]
    public void An_error_that_single_datagrams_have_too_does_not_switch_segments_off()
    {
        using IDatagramIo sender = Bind(
            UdpFeatures.All, (length, segmentSize) => length > segmentSize ? EIO : segmentSize == 10 ? EHOSTUNREACH : 0);
        SendBatch batch = BatchOf(sender.LocalAddress, 10, 10, 10);

        sender.Send(batch);
        AssertGroups(batch, (0, SendStatus.Unreachable));
        Assert.Equal(UdpFeatures.All, ((SocketDatagramIo)sender).Features);
    }

    [Theory]
    [InlineData((int)UdpFeatures.All)]
    [InlineData((int)UdpFeatures.ManyPerCall)]
    public void Full_buffers_end_a_batch(int features)
    {
        int calls = 0;
        using IDatagramIo sender = Bind((UdpFeatures)features, (_, segmentSize) =>
        {
            calls++;
            return segmentSize == 30 ? EAGAIN : 0;
        });
        using IDatagramIo receiver = Bind("127.0.0.1");
        SendBatch batch = BatchOf(receiver.LocalAddress, 10, 20, 30, 30, 40, 40);

        sender.Send(batch);
        AssertGroups(
            batch, (1, SendStatus.Sent), (1, SendStatus.Sent), (0, SendStatus.WouldBlock), (0, SendStatus.WouldBlock));
        Assert.Equal(3, calls);
        AssertArrive(receiver, [10, 20], sender.LocalAddress);
        Assert.Equal(ReceiveStatus.TimedOut, receiver.Receive(receiver.CreateReceiveBatch(), 0));
    }

    [Fact]
    public void Full_buffers_within_a_group_leave_its_first_datagrams_sent()
    {
        int calls = 0;
        using IDatagramIo sender = Bind(UdpFeatures.ManyPerCall, (_, _) => ++calls == 3 ? EAGAIN : 0);
        using IDatagramIo receiver = Bind("127.0.0.1");
        SendBatch batch = BatchOf(receiver.LocalAddress, 10, 10, 10, 10, 20);

        sender.Send(batch);
        AssertGroups(batch, (2, SendStatus.WouldBlock), (0, SendStatus.WouldBlock));
        AssertArrive(receiver, [10, 10], sender.LocalAddress);
    }

    [Fact]
    public void Full_buffers_while_segments_are_given_up_leave_the_first_datagrams_sent()
    {
        int singles = 0;
        using IDatagramIo sender = Bind(
            UdpFeatures.All, (length, segmentSize) => length > segmentSize ? EIO : ++singles == 3 ? EAGAIN : 0);
        using IDatagramIo receiver = Bind("127.0.0.1");
        SendBatch batch = BatchOf(receiver.LocalAddress, 10, 10, 10, 10, 20);

        sender.Send(batch);
        AssertGroups(batch, (2, SendStatus.WouldBlock), (0, SendStatus.WouldBlock));
        AssertArrive(receiver, [10, 10], sender.LocalAddress);
        Assert.Equal("linux (UDP_GRO, recvmmsg)", sender.PathName);
    }

    [Fact]
    public void Fewer_pieces_are_taken_at_once_while_they_are_of_several_datagrams()
    {
        const int Pieces = 20;
        using IDatagramIo sender = Bind("127.0.0.1");
        using IDatagramIo receiver = Bind("127.0.0.1");
        SendBatch batch = BatchOf(receiver.LocalAddress, [.. Enumerable.Range(1, Pieces)]);
        ReceiveBatch received = receiver.CreateReceiveBatch();
        sender.Send(BatchOf(receiver.LocalAddress, 100, 100));
        Assert.Equal(ReceiveStatus.Received, receiver.Receive(received, SocketsCollection.CeilingMilliseconds));
        Assert.Equal((1, 100), (received.Count, received[0].SegmentSize));

        sender.Send(batch);
        Assert.Equal(ReceiveStatus.Received, receiver.Receive(received, SocketsCollection.CeilingMilliseconds));
        Assert.InRange(received.Count, 1, 8);
        for (int arrived = received.Count; arrived < Pieces; arrived += received.Count)
        {
            Assert.Equal(ReceiveStatus.Received, receiver.Receive(received, SocketsCollection.CeilingMilliseconds));
        }
    }

    [Fact]
    public void A_piece_of_several_datagrams_is_one_piece_of_the_batch()
    {
        using IDatagramIo sender = Bind("127.0.0.1");
        using IDatagramIo receiver = Bind("0.0.0.0");
        UdpAddress target = Address("127.0.0.2", receiver.LocalAddress.Port);
        ReceiveBatch received = receiver.CreateReceiveBatch();

        sender.Send(BatchOf(target, 100, 100, 50, 120));
        Assert.Equal(ReceiveStatus.Received, receiver.Receive(received, SocketsCollection.CeilingMilliseconds));
        Assert.Equal([.. Content(0, 100), .. Content(1, 100), .. Content(2, 50)], received.BytesOf(received[0]));
        var pieces = new List<(int Length, int SegmentSize, UdpAddress Local)>();
        do
        {
            for (int i = 0; i < received.Count; i++)
            {
                pieces.Add((received[i].Length, received[i].SegmentSize, received[i].Local));
            }
        }
        while (pieces.Count < 2 && receiver.Receive(received, SocketsCollection.CeilingMilliseconds) == ReceiveStatus.Received);
        Assert.Equal([(250, 100, target), (120, 120, target)], pieces);
    }

    private static IDatagramIo Bind(UdpFeatures features, Func<int, int, int>? sendFault = null) => UdpTransport.Bind(new()
    {
        LocalEndPoint = new(IPAddress.Loopback, 0),
        Path = UdpPath.Batched,
        AllowedFeatures = features,
        SendFault = sendFault,
    });
}
