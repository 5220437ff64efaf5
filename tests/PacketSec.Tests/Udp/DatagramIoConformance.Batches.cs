using PacketSec.Udp;

namespace PacketSec.Tests.Udp;

/// <content>Batches.</content>
public abstract partial class DatagramIoConformance
{
    // The last two are the most segments and the most bytes of a group, and one more.
    public static TheoryData<string, int[], int> Shapes { get; } = new()
    {
        { "one datagram", [1200], 1 },
        { "equal ones", [1200, 1200, 1200], 1 },
        { "a shorter last", [1200, 1200, 700], 1 },
        { "a longer last", [700, 1200], 2 },
        { "growing", [1, 2, 3, 4], 4 },
        { "shrinking", [4, 3, 2, 1], 2 },
        { "another after a shorter one", [9, 9, 5, 5, 5, 9], 3 },
        { "bytes", [.. Enumerable.Repeat(1, 64)], 1 },
        { "more bytes than segments", [.. Enumerable.Repeat(1, 200)], 4 },
        { "64 segments", [.. Enumerable.Repeat(1000, 64)], 1 },
        { "65 segments", [.. Enumerable.Repeat(1000, 65)], 2 },
        { "65,507 bytes", [.. Enumerable.Repeat(1100, 59), 607], 1 },
        { "65,508 bytes", [.. Enumerable.Repeat(1100, 59), 608], 2 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void What_is_sent_in_a_batch_arrives_as_the_same_datagrams_in_order(string shape, int[] lengths, int groups)
    {
        Assert.NotEmpty(shape);
        foreach ((string listenOn, string dialOn) in new[] { ("127.0.0.1", "127.0.0.1"), ("::", "127.0.0.1"), ("::", "::1") })
        {
            using IDatagramIo listener = Bind(listenOn);
            using IDatagramIo dialler = Bind(dialOn);
            UdpAddress target = Address(dialOn, listener.LocalAddress.Port);
            SendBatch batch = BatchOf(target, lengths);

            dialler.Send(batch);
            Assert.Equal(groups, batch.Count);
            foreach (ref readonly SendGroup group in batch.Groups)
            {
                Assert.Equal(SendStatus.Sent, group.Status);
                Assert.Equal(group.Segments, group.Sent);
            }

            AssertArrive(listener, lengths, dialler.LocalAddress);
        }
    }

    [Fact]
    public void A_batch_to_several_receivers_reaches_each_in_order()
    {
        using IDatagramIo sender = Bind("127.0.0.1");
        IDatagramIo[] receivers = [Bind("127.0.0.1"), Bind("127.0.0.1"), Bind("127.0.0.1")];
        int[][] lengths = [[300, 300, 100, 8, 7], [500, 500, 500, 500, 500], [1, 2, 3, 4, 5]];
        var batch = new SendBatch();
        for (int i = 0; i < 5; i++)
        {
            for (int to = 0; to < receivers.Length; to++)
            {
                Content(i, lengths[to][i]).CopyTo(batch.Free);
                batch.Append(default, receivers[to].LocalAddress, lengths[to][i]);
            }
        }

        sender.Send(batch);
        Assert.Equal(15, batch.Count);
        for (int to = 0; to < receivers.Length; to++)
        {
            AssertArrive(receivers[to], lengths[to], sender.LocalAddress);
            receivers[to].Dispose();
        }
    }

    [Fact]
    public void A_batch_of_all_groups_is_sent()
    {
        using IDatagramIo sender = Bind("127.0.0.1");
        using IDatagramIo receiver = Bind("127.0.0.1");
        int[] lengths = [.. Enumerable.Range(1, SendBatch.MaxGroups)];
        SendBatch batch = BatchOf(receiver.LocalAddress, lengths);

        Assert.True(batch.IsFull);
        sender.Send(batch);
        AssertArrive(receiver, lengths, sender.LocalAddress);
    }

    [Fact]
    public void A_batch_is_sent_again_as_it_is()
    {
        using IDatagramIo sender = Bind("127.0.0.1");
        using IDatagramIo receiver = Bind("127.0.0.1");
        int[] lengths = [10, 10, 20];
        SendBatch batch = BatchOf(receiver.LocalAddress, lengths);

        for (int i = 0; i < 2; i++)
        {
            sender.Send(batch);
            AssertGroups(batch, (2, SendStatus.Sent), (1, SendStatus.Sent));
            AssertArrive(receiver, lengths, sender.LocalAddress);
        }
    }

    [Fact]
    public void An_empty_batch_sends_nothing()
    {
        using IDatagramIo io = Bind("127.0.0.1");

        io.Send(new SendBatch());
        Assert.Equal(0, io.Counters.SendCalls);
    }

    [Fact]
    public void An_empty_datagram_stays_between_its_neighbours()
    {
        using IDatagramIo sender = Bind("127.0.0.1");
        using IDatagramIo receiver = Bind("127.0.0.1");
        SendBatch batch = BatchOf(receiver.LocalAddress, 10, 10);

        sender.Send(batch);
        sender.Send(default, receiver.LocalAddress, []);
        sender.Send(batch);
        Assert.Equal([10, 10, 0, 10, 10], Enumerable.Range(0, 5).Select(_ => Receive(receiver).Bytes.Length));
    }

    [Fact]
    public void A_group_that_fails_does_not_hold_up_those_behind_it()
    {
        using IDatagramIo sender = Bind("127.0.0.1");
        using IDatagramIo receiver = Bind("127.0.0.1");
        string path = sender.PathName;
        int[] equal = [10, 10, 10];
        var batch = new SendBatch();
        Fill(batch, default, receiver.LocalAddress, equal);
        // Another family, a broadcast address without leave, and a port that is none.
        Fill(batch, default, Address("::1", 9), equal);
        Fill(batch, default, Address("255.255.255.255", 9), equal);
        Fill(batch, default, receiver.LocalAddress, equal);
        Fill(batch, default, Address("127.0.0.1", 0), equal);
        Fill(batch, default, Address("127.0.0.1", 0), 11);
        Fill(batch, default, receiver.LocalAddress, equal);
        Fill(batch, default, Address("::1", 9), 1);

        sender.Send(batch);
        AssertGroups(
            batch,
            (3, SendStatus.Sent),
            (0, SendStatus.Unreachable),
            (0, SendStatus.Unreachable),
            (3, SendStatus.Sent),
            (0, SendStatus.Failed),
            (0, SendStatus.Failed),
            (3, SendStatus.Sent),
            (0, SendStatus.Unreachable));
        AssertArrive(receiver, [.. equal], sender.LocalAddress);
        AssertArrive(receiver, [.. equal], sender.LocalAddress);
        AssertArrive(receiver, [.. equal], sender.LocalAddress);
        Assert.Equal(2, sender.Counters.SendFailures);
        Assert.Equal(path, sender.PathName);
    }

    [Fact]
    public void The_largest_datagram_passes_in_a_batch_and_one_byte_more_is_too_large()
    {
        using IDatagramIo sender = Bind("127.0.0.1");
        using IDatagramIo receiver = Bind("127.0.0.1");
        SendBatch batch = BatchOf(receiver.LocalAddress, LargestIPv4Datagram + 1);

        sender.Send(batch);
        AssertGroups(batch, (0, SendStatus.TooLarge));

        batch = BatchOf(receiver.LocalAddress, LargestIPv4Datagram, 1);
        sender.Send(batch);
        AssertGroups(batch, (1, SendStatus.Sent), (1, SendStatus.Sent));
        AssertArrive(receiver, [LargestIPv4Datagram, 1], sender.LocalAddress);
    }

    [Fact]
    public void A_datagram_that_is_too_large_does_not_take_the_shorter_one_behind_it_along()
    {
        using IDatagramIo sender = Bind("::1");
        using IDatagramIo receiver = Bind("::1");
        string path = sender.PathName;
        int tooLarge = LoopbackMtu() - IPv6Headers + 1;
        SendBatch batch = BatchOf(receiver.LocalAddress, tooLarge, SendBatch.MaxGroupBytes - tooLarge);

        sender.Send(batch);
        AssertGroups(batch, (1, SendStatus.TooLarge));
        Assert.Equal(Content(1, SendBatch.MaxGroupBytes - tooLarge), Receive(receiver).Bytes);
        Assert.Equal(path, sender.PathName);
    }

    [Fact]
    public void ICMP_errors_take_no_place_in_a_batch()
    {
        using IDatagramIo io = Bind("127.0.0.1");
        UdpAddress peer = DeadPort();
        // Only to a connected socket does Linux report what ICMP says.
        SocketOf(io).Connect(peer.ToEndPoint());

        SendBatch batch = BatchOf(peer, 10, 10, 20, 30);
        for (int i = 0; i < 3; i++)
        {
            io.Send(batch);
            AssertGroups(batch, (2, SendStatus.Sent), (1, SendStatus.Sent), (1, SendStatus.Sent));
        }

        Assert.InRange(io.Counters.UnauthenticatedErrors, 1, int.MaxValue);
        Assert.Equal(0, io.Counters.SendFailures);
    }

    [Fact]
    public void Threads_that_send_batches_at_once_do_not_mix_their_receivers()
    {
        const int PerThread = 30;
        using IDatagramIo sender = Bind("127.0.0.1");
        IDatagramIo[] receivers = [Bind("127.0.0.1"), Bind("127.0.0.1")];
        int[][] lengths = [[100, 100, 100, 50], [200, 300, 300]];

        Thread[] threads = [.. receivers.Select((to, i) => new Thread(() =>
        {
            SendBatch batch = BatchOf(to.LocalAddress, lengths[i]);
            for (int round = 0; round < PerThread; round++)
            {
                sender.Send(batch);
            }
        }))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => Assert.True(t.Join(SocketsCollection.CeilingMilliseconds)));

        for (int i = 0; i < receivers.Length; i++)
        {
            for (int round = 0; round < PerThread; round++)
            {
                AssertArrive(receivers[i], lengths[i], sender.LocalAddress);
            }

            Assert.Equal(ReceiveStatus.TimedOut, Wait(receivers[i], 0));
            receivers[i].Dispose();
        }
    }

    [Fact]
    public void Disposal_while_another_thread_sends_batches_ends_its_sends()
    {
        IDatagramIo io = Bind("127.0.0.1");
        SendBatch batch = BatchOf(DeadPort(), 10, 10, 20, 30);
        using var sending = new ManualResetEventSlim();
        var sender = new Thread(() =>
        {
            do
            {
                io.Send(batch);
                sending.Set();
            }
            while (batch.Groups[^1].Status != SendStatus.Closed);
        });
        sender.Start();

        Assert.True(sending.Wait(SocketsCollection.CeilingMilliseconds));
        io.Dispose();
        Assert.True(sender.Join(SocketsCollection.CeilingMilliseconds));
        Assert.Equal(0, io.Counters.SendFailures);
    }

    [Fact]
    public void System_calls_are_counted()
    {
        using IDatagramIo io = Bind("127.0.0.1");

        io.Send(default, io.LocalAddress, "x"u8);
        Assert.Equal(1, io.Counters.SendCalls);
        Receive(io);
        Assert.InRange(io.Counters.ReceiveCalls, 1, 2);
        long waits = io.Counters.WaitCalls;
        io.Wake();
        Assert.Equal(waits + 1, io.Counters.WaitCalls);
        Assert.Equal(ReceiveStatus.Woken, Wait(io, SocketsCollection.CeilingMilliseconds));
        Assert.Equal(1, io.Counters.SendCalls);
    }

    [Fact]
    public void Nothing_is_allocated_for_a_batch()
    {
        const int Datagrams = 100_000;
        const int PerBatch = 50;
        using IDatagramIo listener = Bind("127.0.0.1");
        using IDatagramIo dialler = Bind("127.0.0.1");
        SendBatch batch = BatchOf(listener.LocalAddress, [.. Enumerable.Repeat(1200, PerBatch)]);
        ReceiveBatch received = listener.CreateReceiveBatch();
        AssertNothingAllocated(
            () =>
            {
                int arrived = 0;
                for (int sent = PerBatch; sent <= Datagrams; sent += PerBatch)
                {
                    dialler.Send(batch);
                    while (arrived < sent && listener.Receive(received, SocketsCollection.CeilingMilliseconds) == ReceiveStatus.Received)
                    {
                        arrived += Count(received);
                    }
                }

                return arrived;
            },
            Datagrams);

        static int Count(ReceiveBatch received)
        {
            int count = 0;
            for (int i = 0; i < received.Count; i++)
            {
                count += (received[i].Length + received[i].SegmentSize - 1) / received[i].SegmentSize;
            }

            return count;
        }
    }

    /// <summary>Bytes that tell a datagram's place and length.</summary>
    internal static byte[] Content(int index, int length)
    {
        var content = new byte[length];
        new Random((index * 100_003) + length).NextBytes(content);
        return content;
    }

    internal static SendBatch BatchOf(in UdpAddress remote, params int[] lengths)
    {
        var batch = new SendBatch();
        Fill(batch, default, remote, lengths);
        return batch;
    }

    internal static void Fill(SendBatch batch, in UdpAddress local, in UdpAddress remote, params int[] lengths)
    {
        for (int i = 0; i < lengths.Length; i++)
        {
            Content(i, lengths[i]).CopyTo(batch.Free);
            batch.Append(local, remote, lengths[i]);
        }
    }

    internal static void AssertGroups(SendBatch batch, params (int Sent, SendStatus Status)[] expected) =>
        Assert.Equal(expected, batch.Groups.ToArray().Select(g => (g.Sent, g.Status)));

    internal void AssertArrive(IDatagramIo at, int[] lengths, UdpAddress from)
    {
        for (int i = 0; i < lengths.Length; i++)
        {
            Arrived arrived = Receive(at);
            Assert.Equal(Content(i, lengths[i]), arrived.Bytes);
            Assert.Equal(from, arrived.Remote);
        }
    }
}
