using System.Diagnostics;
using PacketSec.Diagnostics;
using PacketSec.Internal;
using PacketSec.Protocol;

namespace PacketSec;

/// <content>From the threads that receive to the application.</content>
public sealed partial class PacketSecChannel
{
    private static readonly long StallTicks = Stopwatch.Frequency / 1000;

    internal bool IsOf(EndpointDriver endpoint) => _endpoint == endpoint;

    internal static void CheckResults(int datagrams, int results)
    {
        if (results != 0 && results < datagrams)
        {
            throw new ArgumentException($"There is room for {results} results of {datagrams} datagrams: give one for each, or none at all.", nameof(results));
        }
    }

    internal static ArgumentException Empty(string name)
        => new("A datagram has at least one byte: empty ones are the protocol's own and are never delivered.", name);

    /// <summary>Reserves a place in the queue that datagrams can be opened into; false when they go to a handler or may not all fit.</summary>
    internal bool TryReserve(int datagrams, int bytes, out Span<byte> room)
    {
        room = default;
        return Volatile.Read(ref _handler) is null && _queue.TryReserve(datagrams, bytes, out room);
    }

    /// <summary>Ends a reservation. No gate is held.</summary>
    internal DropReason Commit(ReadOnlySpan<int> lengths)
    {
        var reason = _queue.Commit(lengths);
        Volatile.Write(ref _mayWait, true);
        Attach();
        return reason;
    }

    /// <summary>Gives a datagram to the application, later where a handler takes it. Called by the endpoint's thread.</summary>
    internal DropReason Queue(ReadOnlySpan<byte> payload)
    {
        var reason = _queue.Add(payload);
        Volatile.Write(ref _mayWait, true);
        Attach();
        return reason;
    }

    /// <summary>Gives datagrams to the application. Called by a thread that receives; no gate is held.</summary>
    /// <param name="payloads">The datagrams, one behind the other.</param>
    /// <param name="lengths">Their lengths.</param>
    /// <param name="reason">Why some were dropped.</param>
    /// <returns>How many were dropped.</returns>
    internal int Deliver(ReadOnlySpan<byte> payloads, ReadOnlySpan<int> lengths, out DropReason reason)
    {
        reason = DropReason.None;
        if (Volatile.Read(ref _handler) is { } handler && Interlocked.CompareExchange(ref _handling, 1, 0) == 0)
        {
            if (Volatile.Read(ref _mayWait))
            {
                HandleWaiting(handler);
            }

            reason = Handle(handler, payloads, lengths);
            EndHandling();
            return reason == DropReason.None ? 0 : lengths.Length;
        }

        // Nobody handles, or a call of the handler runs on another thread, which goes on with the queue.
        Volatile.Write(ref _mayWait, true);
        var dropped = 0;
        foreach (var length in lengths)
        {
            if (_queue.Add(payloads[..length]) is var refused && refused != DropReason.None)
            {
                reason = refused;
                dropped++;
            }

            payloads = payloads[length..];
        }

        DeliverWaiting();
        return dropped;
    }

    /// <summary>Gives the handler what waits in the queue, unless another thread is about to. Called by a thread that receives.</summary>
    internal void DeliverWaiting()
    {
        if (Volatile.Read(ref _handler) is { } handler && Volatile.Read(ref _mayWait) && Interlocked.CompareExchange(ref _handling, 1, 0) == 0)
        {
            HandleWaiting(handler);
            EndHandling();
        }
    }

    /// <summary>Has a thread that receives give the handler what waits, if there is a handler.</summary>
    private void Attach()
    {
        if (Volatile.Read(ref _handler) is not null && Volatile.Read(ref _mayWait))
        {
            var shard = Peer.Shard;
            shard.Attached.Enqueue(this);
            shard.Io.Wake();
        }
    }

    private void EndHandling()
    {
        Interlocked.Exchange(ref _handling, 0);

        // What another thread queued while the handler ran comes next, after what this one has received for other channels.
        Attach();
    }

    private void HandleWaiting(DatagramHandler handler)
    {
        Span<int> length = stackalloc int[1];

        // What comes from here on is seen again.
        Interlocked.Exchange(ref _mayWait, false);
        for (var i = _queue.Count; i > 0 && _queue.TryTake(out var datagram); i--)
        {
            length[0] = datagram.Length;
            Handle(handler, datagram, length);
        }

        if (_queue.Count > 0)
        {
            Volatile.Write(ref _mayWait, true);
        }
    }

    private DropReason Handle(DatagramHandler handler, ReadOnlySpan<byte> payloads, ReadOnlySpan<int> lengths)
    {
        if (IsDisposed)
        {
            return DropReason.ChannelClosed;
        }

        var started = Stopwatch.GetTimestamp();
        foreach (var length in lengths)
        {
            try
            {
                handler(payloads[..length]);
            }
            catch (Exception error)
            {
                // The application's fault must not end the endpoint, which serves its other channels, too.
                if (Interlocked.Increment(ref _handlerFailures) == 1)
                {
                    _endpoint.Log.HandlerFailed(error, RemotePeerId);
                }
            }

            payloads = payloads[length..];
        }

        if (Stopwatch.GetTimestamp() - started > StallTicks && Interlocked.Increment(ref _handlerStalls) == 1)
        {
            _endpoint.Log.HandlerStalled(RemotePeerId);
        }

        return DropReason.None;
    }
}
