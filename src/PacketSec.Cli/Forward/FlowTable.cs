using System.Buffers;
using System.Collections.Concurrent;
using PacketSec.Libp2p.Datagrams;

namespace PacketSec.Cli.Forward;

/// <summary>Takes a datagram that came for a flow.</summary>
internal delegate void DatagramTaker(ReadOnlySpan<byte> payload);

/// <summary>One flow: the number of its control stream, where its datagrams go on this side, and when the last one passed.</summary>
internal sealed class Flow(PacketSecStream control, DatagramTaker deliver, TimeProvider time)
{
    private long _lastAt = time.GetTimestamp();

    public PacketSecStream Control => control;

    public DatagramTaker Deliver => deliver;

    public TimeSpan Silence => time.GetElapsedTime(Interlocked.Read(ref _lastAt));

    public void Touch() => Interlocked.Exchange(ref _lastAt, time.GetTimestamp());
}

/// <summary>The flows of datagrams over one connection.</summary>
internal sealed class FlowTable(PacketSecConnection connection, ForwardPolicy policy, ForwardTally tally)
{
    /// <summary>The largest UDP payload, and more.</summary>
    public const int BufferSize = 65_536;

    private readonly ConcurrentDictionary<long, Flow> _flows = new();
    private int _count;

    /// <summary>Takes one of the places for flows.</summary>
    //= spec/forward.md#forward-flow-count
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _count) <= policy.MostFlows)
        {
            tally.CountFlow();
            return true;
        }

        Leave();
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _count);

    /// <summary>Lets datagrams of a stream's number come to a flow.</summary>
    public Flow Add(PacketSecStream control, DatagramTaker deliver)
    {
        var flow = new Flow(control, deliver, policy.Time);
        _flows[control.Id] = flow;
        return flow;
    }

    public void Remove(Flow flow) => _flows.TryRemove(flow.Control.Id, out _);

    /// <summary>Sends a datagram of a flow to the other side.</summary>
    //= spec/forward.md#forward-flow-size
    public void Send(Flow flow, ReadOnlySpan<byte> payload)
    {
        var overhead = FlowDatagram.Overhead(flow.Control.Id);
        var buffer = ArrayPool<byte>.Shared.Rent(overhead + payload.Length);
        try
        {
            var datagram = buffer.AsSpan(0, overhead + payload.Length);
            FlowDatagram.Write(datagram, flow.Control.Id, payload);
            if (!connection.TrySendDatagram(datagram))
            {
                tally.CountDropped();
            }

            flow.Touch();
        }
        catch (PacketSecConnectionException)
        {
            // Too large now, or the connection has ended.
            tally.CountDropped();
        }
        catch (ObjectDisposedException)
        {
            tally.CountDropped();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Hands datagrams out until the connection ends.</summary>
    public async Task RunAsync()
    {
        var buffer = new byte[BufferSize];
        try
        {
            while (true)
            {
                var length = await connection.ReceiveDatagramAsync(buffer);
                if (FlowDatagram.TryRead(buffer.AsSpan(0, length), out var number, out var payload) && _flows.TryGetValue(number, out var flow))
                {
                    flow.Touch();
                    flow.Deliver(payload);
                }
                else
                {
                    tally.CountDropped();
                }
            }
        }
        catch (Exception error) when (error is PacketSecConnectionException or ObjectDisposedException)
        {
            // The connection has ended, which others tell.
        }
    }

    /// <summary>Waits until a flow is over: its control stream has ended or failed, it was silent for too long, or the token ends it.</summary>
    public async Task UntilOverAsync(Flow flow, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] ends = [flow.Control.ReadAsync(new byte[1], stop.Token).AsTask(), UntilIdleAsync(flow, stop.Token)];
        await Task.WhenAny(ends);
        await stop.CancelAsync();
        await Task.WhenAll(ends).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    //= spec/forward.md#forward-flow-idle
    private async Task UntilIdleAsync(Flow flow, CancellationToken cancellationToken)
    {
        while (policy.FlowIdle - flow.Silence is var left && left > TimeSpan.Zero)
        {
            await Task.Delay(left, policy.Time, cancellationToken);
        }
    }
}
