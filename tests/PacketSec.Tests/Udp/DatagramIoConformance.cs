using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using PacketSec.Udp;

namespace PacketSec.Tests.Udp;

/// <summary>What every implementation of <see cref="IDatagramIo"/> does; one derived class per implementation.</summary>
public abstract class DatagramIoConformance
{
    private const int LargestIPv4Datagram = 65_507;

    private readonly byte[] _buffer = GC.AllocateArray<byte>(UdpTransport.ReceiveBufferSize, pinned: true);

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
        ReceivedDatagram question = Receive(listener);
        Assert.Equal("question"u8, _buffer.AsSpan(0, question.Length));
        Assert.Equal(dialler.LocalAddress, question.Remote);
        bool knowsLocal = listener.ChoosesSource || !listener.LocalAddress.IsUnspecified;
        Assert.Equal(knowsLocal ? target : listener.LocalAddress, question.Local);

        Assert.Equal(SendStatus.Sent, listener.Send(question.Local, question.Remote, "answer"u8));
        ReceivedDatagram answer = Receive(dialler);
        Assert.Equal("answer"u8, _buffer.AsSpan(0, answer.Length));
        Assert.Equal(target, answer.Remote);
        Assert.Equal(dialler.LocalAddress, answer.Local);
    }

    [Fact]
    public void An_empty_datagram_is_a_datagram()
    {
        using IDatagramIo a = Bind("127.0.0.1");
        using IDatagramIo b = Bind("127.0.0.1");

        Assert.Equal(SendStatus.Sent, a.Send(default, b.LocalAddress, []));
        Assert.Equal(0, Receive(b).Length);
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
        Assert.Equal(LargestIPv4Datagram, Receive(b).Length);
        Assert.Equal(datagram.AsSpan(0, LargestIPv4Datagram), _buffer.AsSpan(0, LargestIPv4Datagram));
    }

    [Theory]
    [InlineData("::1")]
    [InlineData("::")]
    public void IPv6_datagrams_are_not_fragmented(string bindTo)
    {
        const int Headers = 48;
        int mtu = NetworkInterface.GetAllNetworkInterfaces()
            .Single(i => i.NetworkInterfaceType == NetworkInterfaceType.Loopback).GetIPProperties().GetIPv6Properties().Mtu;
        using IDatagramIo a = Bind(bindTo);
        using IDatagramIo b = Bind("::1");
        var datagram = new byte[mtu - Headers + 1];

        Assert.Equal(SendStatus.TooLarge, a.Send(default, b.LocalAddress, datagram));
        Assert.Equal(SendStatus.Sent, a.Send(default, b.LocalAddress, datagram.AsSpan(1)));
        Assert.Equal(mtu - Headers, Receive(b).Length);
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
        Span<byte> small = _buffer.AsSpan(0, 100);

        a.Send(default, b.LocalAddress, new byte[101]);
        a.Send(default, b.LocalAddress, new byte[99]);
        Assert.Equal(ReceiveStatus.Error, b.Receive(small, SocketsCollection.CeilingMilliseconds, out _));
        Assert.Equal(ReceiveStatus.Datagram, b.Receive(small, SocketsCollection.CeilingMilliseconds, out ReceivedDatagram next));
        Assert.Equal(99, next.Length);
        Assert.Equal(1, b.Counters.Truncated);
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
        Assert.Equal(ReceiveStatus.Error, io.Receive(_buffer, SocketsCollection.CeilingMilliseconds, out _));
        Assert.Equal(SendStatus.Sent, io.Send(default, peer, "x"u8));
        Assert.Equal(SendStatus.Sent, io.Send(default, peer, "x"u8));
        Assert.Equal(2, io.Counters.UnauthenticatedErrors);
        Assert.Equal(0, io.Counters.SendFailures);

        // The second of those sends met the error of the first; its own is still pending.
        Assert.Equal(ReceiveStatus.Error, io.Receive(_buffer, SocketsCollection.CeilingMilliseconds, out _));
        using IDatagramIo late = Bind("127.0.0.1", peer.Port);
        Assert.Equal(SendStatus.Sent, late.Send(default, io.LocalAddress, "alive"u8));
        Assert.Equal("alive"u8, _buffer.AsSpan(0, Receive(io).Length));
    }

    [Fact]
    public void A_wait_without_time_ends_at_once() => WithIo(io =>
        Assert.Equal(ReceiveStatus.TimedOut, io.Receive(_buffer, 0, out _)));

    [Fact]
    public void A_wait_ends_when_its_time_is_over() => WithIo(io =>
        Assert.Equal(ReceiveStatus.TimedOut, io.Receive(_buffer, 20, out _)));

    [Fact]
    public void A_datagram_that_waits_is_received_without_waiting()
    {
        using IDatagramIo io = Bind("127.0.0.1");

        io.Send(default, io.LocalAddress, "x"u8);
        Assert.Equal(ReceiveStatus.Datagram, io.Receive(_buffer, 0, out _));
    }

    [Fact]
    public void A_wake_up_before_the_wait_ends_it() => WithIo(io =>
    {
        io.Wake();
        io.Wake();
        Assert.Equal(ReceiveStatus.Woken, io.Receive(_buffer, SocketsCollection.CeilingMilliseconds, out _));
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
        Assert.Equal(ReceiveStatus.Woken, io.Receive(_buffer, SocketsCollection.CeilingMilliseconds, out _));
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
        Assert.Equal(ReceiveStatus.Closed, io.Receive(_buffer, out _));
        Assert.Equal(ReceiveStatus.Closed, io.Receive(_buffer, 0, out _));
        Assert.Equal(SendStatus.Closed, io.Send(default, io.LocalAddress, "x"u8));
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("::", "127.0.0.1")]
    [InlineData("::", "::1")]
    public void Nothing_is_allocated_per_datagram(string listenOn, string dialOn)
    {
        const int Counted = 10_000;
        const int Rounds = 4;
        using IDatagramIo listener = Bind(listenOn);
        using IDatagramIo dialler = Bind(dialOn);
        UdpAddress target = Address(dialOn, listener.LocalAddress.Port);
        var datagram = new byte[1200];

        // The first datagrams warm up; later the runtime allocates some 50 bytes whenever it replaces the framework's compiled code,
        // which happens a few times in the life of a process. So one round of several must be clean.
        long least = long.MaxValue;
        for (int round = 0; round < Rounds && least > 0; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            int arrived = Exchange(Counted);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.Equal(Counted, arrived);
        }

        Assert.Equal(0, least);

        int Exchange(int count)
        {
            int answers = 0;
            for (int i = 0; i < count; i++)
            {
                dialler.Send(default, target, datagram);
                if (listener.Receive(_buffer, SocketsCollection.CeilingMilliseconds, out ReceivedDatagram question)
                        == ReceiveStatus.Datagram
                    && listener.Send(question.Local, question.Remote, _buffer.AsSpan(0, question.Length)) == SendStatus.Sent
                    && dialler.Receive(_buffer, SocketsCollection.CeilingMilliseconds, out _) == ReceiveStatus.Datagram)
                {
                    answers++;
                }
            }

            return answers;
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
                Receive(to);
                Assert.Equal(to.LocalAddress.Port, BitConverter.ToUInt16(_buffer));
            }

            Assert.Equal(ReceiveStatus.TimedOut, to.Receive(_buffer, 0, out _));
        }
    }

    internal IDatagramIo Bind(string address, int port = 0) =>
        UdpTransport.Bind(new() { LocalEndPoint = new(IPAddress.Parse(address), port), Path = Path });

    internal ReceivedDatagram Receive(IDatagramIo io)
    {
        ReceiveStatus status;
        ReceivedDatagram info;
        do
        {
            // A wait may end early by itself, for instance by the rest of a wake-up.
            status = io.Receive(_buffer, SocketsCollection.CeilingMilliseconds, out info);
        }
        while (status == ReceiveStatus.Woken);
        Assert.Equal(ReceiveStatus.Datagram, status);
        return info;
    }

    internal static UdpAddress Address(string address, int port) => UdpAddress.FromEndPoint(new(IPAddress.Parse(address), port));

    private static Socket SocketOf(IDatagramIo io) => ((SocketDatagramIo)io).Socket;

    private UdpAddress DeadPort()
    {
        using IDatagramIo gone = Bind("127.0.0.1");
        return gone.LocalAddress;
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
                var buffer = new byte[UdpTransport.ReceiveBufferSize];
                _started.Set();
                _result = io.Receive(buffer, out _);
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
