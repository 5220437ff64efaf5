using System.Runtime.ExceptionServices;
using PacketSec.Udp;

namespace PacketSec.Tests.Api;

/// <summary>What the datagram path may not do, on either path: allocate, call the system for each datagram, wait for another peer, or throw.</summary>
[Collection(SocketsCollection.Name)]
public class DatagramPathTests
{
    private const int WarmUp = 10_000;
    private const int Counted = 100_000;
    private const int Batch = 50;

    // What is on its way at once: a part of the smallest receive buffer that systems give.
    private const int Window = 100;

    //= spec/performance.md#no-allocation
    [Theory]
    [InlineData(DatagramPath.Automatic)]
    [InlineData(DatagramPath.Portable)]
    public async Task Datagrams_by_batch_and_handler_allocate_nothing(DatagramPath path)
    {
        await using var pair = EndpointPair.Bind(o => o with { DatagramPath = path }, o => o with { DatagramPath = path });
        var (dialled, accepted) = await pair.OpenAsync();
        var flow = new Flow(dialled, accepted);

        flow.Run(WarmUp);
        var (sent, received) = flow.Run(Counted);

        // The first wait for a lock makes its event; a single byte for each hundred datagrams would be more.
        Assert.InRange(sent, 0, 999);
        Assert.InRange(received, 0, 999);
    }

    //= spec/performance.md#no-allocation
    [Fact]
    public async Task Lent_datagrams_allocate_nothing()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        var payloads = Enumerable.Repeat((ReadOnlyMemory<byte>)new byte[1200], Batch).ToArray();
        var allocated = 0L;
        for (var round = 0; round < (WarmUp + Counted) / Batch; round++)
        {
            Assert.Equal(Batch, dialled.TrySend(payloads));
            Assert.True(SpinWait.SpinUntil(() => accepted.GetStatistics().DatagramsReceived >= (round + 1) * Batch, SocketsCollection.CeilingMilliseconds));
            var before = GC.GetAllocatedBytesForCurrentThread();
            var count = 0;
            while (accepted.TryRead(out var datagram))
            {
                count += datagram.Length == 1200 ? 1 : 0;
            }

            allocated += round < WarmUp / Batch ? 0 : GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Equal(Batch, count);
        }

        Assert.Equal(0, allocated);
    }

    //= spec/performance.md#system-calls
    [LinuxFact]
    public async Task Batches_take_one_system_call_for_ten_datagrams_at_most()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        var flow = new Flow(dialled, accepted);
        flow.Run(WarmUp);
        var sending = pair.Dialler.IoCounters;
        var receiving = pair.Listener.IoCounters;

        flow.Run(Counted);

        Assert.InRange(pair.Dialler.IoCounters.SendCalls - sending.SendCalls, Counted / 64, Counted / 10);
        var received = pair.Listener.IoCounters;
        Assert.InRange(
            received.ReceiveCalls + received.WaitCalls - receiving.ReceiveCalls - receiving.WaitCalls, Counted / 1024, Counted / 10);
    }

    //= spec/performance.md#gate
    [Theory]
    [InlineData(DatagramPath.Automatic)]
    [InlineData(DatagramPath.Portable)]
    public async Task A_peer_whose_gate_is_held_does_not_hold_up_another(DatagramPath path)
    {
        using var third = PacketSecIdentity.Generate();
        await using var pair = EndpointPair.Bind(listener: o => o with { DatagramPath = path });
        await using var other = PacketSecEndpoint.Bind(new() { Identity = third, LocalEndPoint = new(System.Net.IPAddress.Loopback, 0) });
        var (dialled, accepted) = await pair.OpenAsync();
        var connecting = other.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId);
        var acceptedOther = await pair.Listener.AcceptAsync();
        var dialledOther = await connecting;
        var flow = new Flow(dialledOther, acceptedOther);
        using var held = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        var holder = new Thread(() =>
        {
            lock (accepted.Peer.Gate)
            {
                held.Set();
                release.Wait(SocketsCollection.CeilingMilliseconds);
            }
        });
        holder.Start();
        held.Wait(SocketsCollection.CeilingMilliseconds);

        // Its own datagrams come all the while, and wait.
        dialled.TrySend([1]);
        flow.Run(5_000, between: () => dialled.TrySend([2]));
        flow.Run(5_000);

        Assert.Equal(0, accepted.GetStatistics().DatagramsReceived);
        release.Set();
        holder.Join();
        Assert.Equal([1], await accepted.ReceiveOneAsync());
        Assert.Equal([2], await accepted.ReceiveOneAsync());
    }

    [Fact]
    public async Task Two_flows_do_not_contend()
    {
        await using var first = EndpointPair.Bind();
        await using var second = EndpointPair.Bind();
        var (dialled, accepted) = await first.OpenAsync();
        var (dialledToo, acceptedToo) = await second.OpenAsync();
        var flows = new[] { new Flow(dialled, accepted), new Flow(dialledToo, acceptedToo) };
        Array.ForEach(flows, flow => flow.Run(WarmUp));
        var before = Monitor.LockContentionCount;

        var threads = flows.Select(flow => new Thread(() => flow.Run(Counted))).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        Assert.InRange(Monitor.LockContentionCount - before, 0, 10);
    }

    //= spec/performance.md#no-exception
    [Fact]
    public async Task Forged_packets_throw_nothing()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        using var forger = new SilentHost();
        var thrown = 0;
        void Count(object? sender, FirstChanceExceptionEventArgs e) => Interlocked.Increment(ref thrown);
        var start = pair.Listener.UdpDatagramsReceived;

        // From the peer's own socket, so that they reach its machine; and from a stranger.
        var io = dialled.Peer.Shard.Io;
        var random = new Random(3);
        var forged = new byte[1200];
        var local = UdpAddress.FromEndPoint(pair.Dialler.LocalEndPoint);
        var remote = UdpAddress.FromEndPoint(pair.Listener.LocalEndPoint);
        AppDomain.CurrentDomain.FirstChanceException += Count;
        try
        {
            for (var i = 0; i < 2_000; i++)
            {
                random.NextBytes(forged);
                var length = random.Next(0, forged.Length);
                io.Send(local, remote, forged.AsSpan(0, length));
                forger.SendTo(forged.AsSpan(0, length), pair.Listener.LocalEndPoint);
                while (pair.Listener.UdpDatagramsReceived < start + (2 * i) - Window)
                {
                    Thread.Yield();
                }
            }

            await Until.TrueAsync(() => pair.Listener.UdpDatagramsReceived >= start + 4_000);
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= Count;
        }

        Assert.Equal(0, thrown);
        Assert.Equal(0, accepted.GetStatistics().DatagramsReceived);
    }

    /// <summary>Datagrams from one channel to another, not more on their way than the receive buffer holds.</summary>
    private sealed class Flow
    {
        private readonly PacketSecChannel _from;
        private readonly ReadOnlyMemory<byte>[] _payloads = [.. Enumerable.Repeat((ReadOnlyMemory<byte>)new byte[1200], Batch)];
        private long _received;
        private long _target;
        private long _allocatedAtFirst;
        private long _allocatedAtLast;

        public Flow(PacketSecChannel from, PacketSecChannel to)
        {
            _from = from;
            to.OnDatagram(_ => Count());
        }

        /// <summary>Sends datagrams until as many have arrived; returns the bytes that the sending and the receiving thread allocated.</summary>
        public (long Sending, long Receiving) Run(int count, Action? between = null)
        {
            var start = Volatile.Read(ref _received);
            _allocatedAtFirst = -1;
            Volatile.Write(ref _target, start + count);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var end = Environment.TickCount64 + SocketsCollection.CeilingMilliseconds;
            for (var sent = 0; sent < count; sent += Batch)
            {
                if (_from.TrySend(_payloads) != Batch)
                {
                    throw new InvalidOperationException("A datagram was refused.");
                }

                between?.Invoke();
                between = null;
                while (Volatile.Read(ref _received) - start < sent + Batch - Window)
                {
                    ThrowAfter(end);
                }
            }

            while (Volatile.Read(ref _received) - start < count)
            {
                ThrowAfter(end);
            }

            return (GC.GetAllocatedBytesForCurrentThread() - before, _allocatedAtLast - _allocatedAtFirst);
        }

        private static void ThrowAfter(long end)
        {
            Thread.Yield();
            if (Environment.TickCount64 > end)
            {
                throw new TimeoutException("Datagrams did not arrive.");
            }
        }

        private void Count()
        {
            if (_allocatedAtFirst < 0)
            {
                _allocatedAtFirst = GC.GetAllocatedBytesForCurrentThread();
            }
            else if (_received == Volatile.Read(ref _target) - 1)
            {
                _allocatedAtLast = GC.GetAllocatedBytesForCurrentThread();
            }

            Volatile.Write(ref _received, _received + 1);
        }
    }
}
