using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using PacketSec.Udp;

namespace PacketSec.Tests.Udp;

/// <summary>What every implementation of <see cref="IDatagramIo"/> does; one derived class per implementation.</summary>
public abstract partial class DatagramIoConformance
{
    private const int LargestIPv4Datagram = 65_507;
    private const int IPv6Headers = 48;

    private readonly Dictionary<IDatagramIo, Inbox> _inboxes = [];

    internal abstract UdpPath Path { get; }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("::1", "::1")]
    [InlineData("::", "127.0.0.1")]
    [InlineData("::", "::1")]
    [InlineData("0.0.0.0", "127.0.0.1")]
    public void A_datagram_and_its_answer_arrive(string listenOn, string dialOn)
    {
        using IDatagramIo listener = Bind(listenOn);
        using IDatagramIo dialler = Bind(dialOn);
        UdpAddress target = Address(dialOn, listener.LocalAddress.Port);

        Assert.Equal(SendStatus.Sent, dialler.Send(default, target, "question"u8));
        Arrived question = Receive(listener);
        Assert.Equal("question"u8, question.Bytes);
        Assert.Equal(dialler.LocalAddress, question.Remote);
        bool knowsLocal = listener.ChoosesSource || !listener.LocalAddress.IsUnspecified;
        Assert.Equal(knowsLocal ? target : listener.LocalAddress, question.Local);

        Assert.Equal(SendStatus.Sent, listener.Send(question.Local, question.Remote, "answer"u8));
        Arrived answer = Receive(dialler);
        Assert.Equal("answer"u8, answer.Bytes);
        Assert.Equal(target, answer.Remote);
        Assert.Equal(dialler.LocalAddress, answer.Local);
    }

    [Fact]
    public void An_empty_datagram_is_a_datagram()
    {
        using IDatagramIo a = Bind("127.0.0.1");
        using IDatagramIo b = Bind("127.0.0.1");

        Assert.Equal(SendStatus.Sent, a.Send(default, b.LocalAddress, []));
        Assert.Empty(Receive(b).Bytes);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::")]
    public void The_largest_datagram_passes_and_one_byte_more_is_too_large(string bindTo)
    {
        using IDatagramIo a = Bind(bindTo);
        using IDatagramIo b = Bind("127.0.0.1");
        var datagram = new byte[LargestIPv4Datagram + 1];
        new Random(7).NextBytes(datagram);

        Assert.Equal(SendStatus.TooLarge, a.Send(default, b.LocalAddress, datagram));
        Assert.Equal(SendStatus.Sent, a.Send(default, b.LocalAddress, datagram.AsSpan(0, LargestIPv4Datagram)));
        Assert.Equal(datagram[..LargestIPv4Datagram], Receive(b).Bytes);
    }

    [Theory]
    [InlineData("::1")]
    [InlineData("::")]
    public void IPv6_datagrams_are_not_fragmented(string bindTo)
    {
        int mtu = LoopbackMtu();
        using IDatagramIo a = Bind(bindTo);
        using IDatagramIo b = Bind("::1");
        var datagram = new byte[mtu - IPv6Headers + 1];

        Assert.Equal(SendStatus.TooLarge, a.Send(default, b.LocalAddress, datagram));
        Assert.Equal(SendStatus.Sent, a.Send(default, b.LocalAddress, datagram.AsSpan(1)));
        Assert.Equal(mtu - IPv6Headers, Receive(b).Bytes.Length);
    }

    [Theory]
    [InlineData("0.0.0.0", SocketTuning.IPLevel, SocketTuning.LinuxMtuDiscover)]
    [InlineData("::", SocketTuning.IPLevel, SocketTuning.LinuxMtuDiscover)]
    [InlineData("::", SocketTuning.IPv6Level, SocketTuning.LinuxIPv6MtuDiscover)]
    [InlineData("::1", SocketTuning.IPv6Level, SocketTuning.LinuxIPv6MtuDiscover)]
    public void The_dont_fragment_bit_is_set_for_each_family(string bindTo, int level, int option)
    {
        using IDatagramIo io = Bind(bindTo);
        var value = new byte[sizeof(int)];

        SocketOf(io).GetRawSocketOption(level, option, value);
        Assert.Equal(SocketTuning.PathMtuProbe, BitConverter.ToInt32(value));
        Assert.DoesNotContain(io.Warnings, w => w.Kind == UdpWarningKind.Fragmentation);
    }

    [Fact]
    public void A_datagram_larger_than_the_buffer_is_counted_and_the_next_one_arrives()
    {
        using IDatagramIo a = Bind("127.0.0.1");
        using IDatagramIo b = Bind("127.0.0.1");
        var small = new ReceiveBatch(2, 100);

        a.Send(default, b.LocalAddress, new byte[101]);
        Assert.Equal(ReceiveStatus.Error, b.Receive(small, SocketsCollection.CeilingMilliseconds));
        Assert.Equal(0, small.Count);

        a.Send(default, b.LocalAddress, new byte[101]);
        a.Send(default, b.LocalAddress, new byte[99]);
        while (b.Receive(small, SocketsCollection.CeilingMilliseconds) == ReceiveStatus.Error)
        {
        }

        Assert.Equal(1, small.Count);
        Assert.Equal(99, small[0].Length);
        Assert.Equal(2, b.Counters.Truncated);
    }

    [Fact]
    public void An_IPv4_socket_cannot_reach_IPv6()
    {
        using IDatagramIo io = Bind("127.0.0.1");

        Assert.Equal(SendStatus.Unreachable, io.Send(default, Address("::1", 9), "x"u8));
    }

    [Fact]
    public void A_send_that_makes_no_sense_fails_without_an_exception()
    {
        using IDatagramIo io = Bind("127.0.0.1");

        Assert.Equal(SendStatus.Failed, io.Send(default, Address("127.0.0.1", 0), "x"u8));
        Assert.Equal(1, io.Counters.SendFailures);
    }

    [Fact]
    public void A_closed_port_at_the_other_end_does_not_disturb_the_socket()
    {
        using IDatagramIo io = Bind("127.0.0.1");
        using IDatagramIo other = Bind("127.0.0.1");
        UdpAddress dead = DeadPort();

        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(SendStatus.Sent, io.Send(default, dead, "x"u8));
            other.Send(default, io.LocalAddress, "y"u8);
            Receive(io);
        }
    }

    [Fact]
    public void An_ICMP_error_that_reaches_the_socket_is_counted_and_nothing_else()
    {
        using IDatagramIo io = Bind("127.0.0.1");
        UdpAddress peer = DeadPort();
        // Only to a connected socket does Linux report what ICMP says.
        SocketOf(io).Connect(peer.ToEndPoint());

        Assert.Equal(SendStatus.Sent, io.Send(default, peer, "x"u8));
        Assert.Equal(ReceiveStatus.Error, Wait(io, SocketsCollection.CeilingMilliseconds));
        Assert.Equal(SendStatus.Sent, io.Send(default, peer, "x"u8));
        Assert.Equal(SendStatus.Sent, io.Send(default, peer, "x"u8));
        Assert.Equal(2, io.Counters.UnauthenticatedErrors);
        Assert.Equal(0, io.Counters.SendFailures);

        // The second of those sends met the error of the first; its own is still pending.
        Assert.Equal(ReceiveStatus.Error, Wait(io, SocketsCollection.CeilingMilliseconds));
        using IDatagramIo late = Bind("127.0.0.1", peer.Port);
        Assert.Equal(SendStatus.Sent, late.Send(default, io.LocalAddress, "alive"u8));
        Assert.Equal("alive"u8, Receive(io).Bytes);
    }

    [Fact]
    public void A_wait_without_time_ends_at_once() => WithIo(io =>
        Assert.Equal(ReceiveStatus.TimedOut, Wait(io, 0)));

    [Fact]
    public void A_wait_ends_when_its_time_is_over() => WithIo(io =>
        Assert.Equal(ReceiveStatus.TimedOut, Wait(io, 20)));

    [Fact]
    public void A_datagram_that_waits_is_received_without_waiting()
    {
        using IDatagramIo io = Bind("127.0.0.1");

        io.Send(default, io.LocalAddress, "x"u8);
        Assert.Equal(ReceiveStatus.Received, Wait(io, 0));
    }

    [Fact]
    public void A_wake_up_before_the_wait_ends_it() => WithIo(io =>
    {
        io.Wake();
        io.Wake();
        Assert.Equal(ReceiveStatus.Woken, Wait(io, SocketsCollection.CeilingMilliseconds));
    });

    [Fact]
    public void A_wake_up_is_seen_under_load()
    {
        using IDatagramIo io = Bind("127.0.0.1");

        for (int i = 0; i < 3; i++)
        {
            io.Send(default, io.LocalAddress, "x"u8);
        }

        io.Wake();
        Assert.Equal(ReceiveStatus.Woken, Wait(io, SocketsCollection.CeilingMilliseconds));
        for (int i = 0; i < 3; i++)
        {
            Receive(io);
        }
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    public void A_wake_up_ends_a_wait_without_limit_and_the_socket_serves_on(string bindTo)
    {
        using IDatagramIo io = Bind(bindTo);
        using var receiver = new BlockedReceiver(io);

        io.Wake();
        Assert.Equal(ReceiveStatus.Woken, receiver.Result());

        io.Send(default, Address(bindTo.Contains(':', StringComparison.Ordinal) ? "::1" : "127.0.0.1", io.LocalAddress.Port), "x"u8);
        Receive(io);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::")]
    public void Disposal_ends_a_wait_without_limit(string bindTo)
    {
        IDatagramIo io = Bind(bindTo);
        using var receiver = new BlockedReceiver(io);

        io.Dispose();
        Assert.Equal(ReceiveStatus.Closed, receiver.Result());
    }

    [Fact]
    public void Disposal_while_another_thread_sends_ends_its_sends()
    {
        IDatagramIo io = Bind("127.0.0.1");
        UdpAddress target = DeadPort();
        using var sending = new ManualResetEventSlim();
        var sender = new Thread(() =>
        {
            while (io.Send(default, target, "x"u8) != SendStatus.Closed)
            {
                sending.Set();
            }
        });
        sender.Start();

        Assert.True(sending.Wait(SocketsCollection.CeilingMilliseconds));
        io.Dispose();
        Assert.True(sender.Join(SocketsCollection.CeilingMilliseconds));
        Assert.Equal(0, io.Counters.SendFailures);
    }

    [Fact]
    public void A_disposed_socket_says_so_in_every_call()
    {
        IDatagramIo io = Bind("127.0.0.1");

        io.Dispose();
        io.Dispose();
        io.Wake();
        Assert.Equal(ReceiveStatus.Closed, Wait(io, Timeout.Infinite));
        Assert.Equal(ReceiveStatus.Closed, Wait(io, 0));
        Assert.Equal(SendStatus.Closed, io.Send(default, io.LocalAddress, "x"u8));
        SendBatch batch = BatchOf(io.LocalAddress, 10, 10, 20);
        io.Send(batch);
        AssertGroups(batch, (0, SendStatus.Closed), (0, SendStatus.Closed));
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("::", "127.0.0.1")]
    [InlineData("::", "::1")]
    public void Nothing_is_allocated_per_datagram(string listenOn, string dialOn)
    {
        const int Counted = 10_000;
        using IDatagramIo listener = Bind(listenOn);
        using IDatagramIo dialler = Bind(dialOn);
        UdpAddress target = Address(dialOn, listener.LocalAddress.Port);
        ReceiveBatch questions = listener.CreateReceiveBatch();
        ReceiveBatch answers = dialler.CreateReceiveBatch();
        var datagram = new byte[1200];
        AssertNothingAllocated(() => Exchange(Counted), Counted);

        int Exchange(int count)
        {
            int answered = 0;
            for (int i = 0; i < count; i++)
            {
                dialler.Send(default, target, datagram);
                if (listener.Receive(questions, SocketsCollection.CeilingMilliseconds) == ReceiveStatus.Received
                    && listener.Send(questions[0].Local, questions[0].Remote, questions.BytesOf(questions[0])) == SendStatus.Sent
                    && dialler.Receive(answers, SocketsCollection.CeilingMilliseconds) == ReceiveStatus.Received)
                {
                    answered++;
                }
            }

            return answered;
        }
    }

    [Fact]
    public void Threads_that_send_at_once_do_not_mix_their_receivers()
    {
        const int PerThread = 500;
        using IDatagramIo sender = Bind("127.0.0.1");
        using IDatagramIo a = Bind("127.0.0.1");
        using IDatagramIo b = Bind("127.0.0.1");

        var threads = new[] { a, b }.Select(to => new Thread(() =>
        {
            for (int i = 0; i < PerThread; i++)
            {
                sender.Send(default, to.LocalAddress, BitConverter.GetBytes(to.LocalAddress.Port));
            }
        })).ToArray();
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => Assert.True(t.Join(SocketsCollection.CeilingMilliseconds)));

        foreach (IDatagramIo to in new[] { a, b })
        {
            for (int i = 0; i < PerThread; i++)
            {
                Assert.Equal(to.LocalAddress.Port, BitConverter.ToUInt16(Receive(to).Bytes));
            }

            Assert.Equal(ReceiveStatus.TimedOut, Wait(to, 0));
        }
    }

    internal IDatagramIo Bind(string address, int port = 0) =>
        UdpTransport.Bind(new() { LocalEndPoint = new(IPAddress.Parse(address), port), Path = Path });

    internal Arrived Receive(IDatagramIo io) => InboxOf(io).Receive();

    internal static UdpAddress Address(string address, int port) => UdpAddress.FromEndPoint(new(IPAddress.Parse(address), port));

    private static int LoopbackMtu() => NetworkInterface.GetAllNetworkInterfaces()
        .Single(i => i.NetworkInterfaceType == NetworkInterfaceType.Loopback).GetIPProperties().GetIPv6Properties().Mtu;

    private ReceiveStatus Wait(IDatagramIo io, int timeoutMilliseconds) => InboxOf(io).Wait(timeoutMilliseconds);

    private Inbox InboxOf(IDatagramIo io)
    {
        if (!_inboxes.TryGetValue(io, out Inbox? inbox))
        {
            _inboxes.Add(io, inbox = new(io));
        }

        return inbox;
    }

    private static Socket SocketOf(IDatagramIo io) => ((SocketDatagramIo)io).Socket;

    private UdpAddress DeadPort()
    {
        using IDatagramIo gone = Bind("127.0.0.1");
        return gone.LocalAddress;
    }

    // The first datagrams warm up; later the runtime allocates some 50 bytes whenever it replaces the framework's compiled code,
    // which happens a few times in the life of a process. So one round of several must be clean.
    internal static void AssertNothingAllocated(Func<int> round, int expected)
    {
        const int Rounds = 4;
        long least = long.MaxValue;
        for (int i = 0; i < Rounds && least > 0; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            int done = round();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.Equal(expected, done);
        }

        Assert.Equal(0, least);
    }

    private void WithIo(Action<IDatagramIo> test)
    {
        using IDatagramIo io = Bind("127.0.0.1");
        test(io);
    }

    /// <summary>A thread in a receive without limit; made, it is in the call or about to be.</summary>
    private sealed class BlockedReceiver : IDisposable
    {
        private readonly ManualResetEventSlim _started = new();
        private readonly Thread _thread;
        private ReceiveStatus _result;

        public BlockedReceiver(IDatagramIo io)
        {
            _thread = new(() =>
            {
                ReceiveBatch batch = io.CreateReceiveBatch();
                _started.Set();
                _result = io.Receive(batch, Timeout.Infinite);
            })
            { IsBackground = true };
            _thread.Start();
            Assert.True(_started.Wait(SocketsCollection.CeilingMilliseconds));
            // That it has reached the system call cannot be observed; this makes it likely, and the test holds either way.
            Thread.Sleep(20);
        }

        public ReceiveStatus Result()
        {
            Assert.True(_thread.Join(SocketsCollection.CeilingMilliseconds), "The wait did not end.");
            return _result;
        }

        public void Dispose() => _started.Dispose();
    }
}
