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
        return Volatile.Read(ref _sink) is null && _queue.TryReserve(datagrams, bytes, out room);
    }

    /// <summary>Ends a reservation. No gate is held.</summary>
    internal DropReason Commit(ReadOnlySpan<int> lengths, ReadOnlySpan<long> sessions)
    {
        var reason = _queue.Commit(lengths, sessions);
        Volatile.Write(ref _mayWait, true);
        Attach();
        return reason;
    }

    /// <summary>Gives a datagram to the application, later where a handler takes it. Called by the endpoint's thread.</summary>
    internal DropReason Queue(ReadOnlySpan<byte> payload, long session)
    {
        var reason = _queue.Add(payload, session);
        Volatile.Write(ref _mayWait, true);
        Attach();
        return reason;
    }

    /// <summary>Gives datagrams to the application. Called by a thread that receives; no gate is held.</summary>
    /// <param name="payloads">The datagrams, one behind the other.</param>
    /// <param name="lengths">Their lengths.</param>
    /// <param name="sessions">The session that each came on.</param>
    /// <param name="reason">Why some were dropped.</param>
    /// <returns>How many were dropped.</returns>
    internal int Deliver(ReadOnlySpan<byte> payloads, ReadOnlySpan<int> lengths, ReadOnlySpan<long> sessions, out DropReason reason)
    {
        reason = DropReason.None;
        if (Volatile.Read(ref _sink) is { } sink && Interlocked.CompareExchange(ref _handling, 1, 0) == 0)
        {
            if (Volatile.Read(ref _mayWait))
            {
                HandleWaiting(sink);
            }

            reason = Handle(sink, payloads, lengths, sessions);
            EndHandling();
            return reason == DropReason.None ? 0 : lengths.Length;
        }

        // Nobody handles, or a call of the handler runs on another thread, which goes on with the queue.
        Volatile.Write(ref _mayWait, true);
        var dropped = 0;
        for (var i = 0; i < lengths.Length; i++)
        {
            var length = lengths[i];
            if (_queue.Add(payloads[..length], sessions[i]) is var refused && refused != DropReason.None)
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
        if (Volatile.Read(ref _sink) is { } sink && Volatile.Read(ref _mayWait) && Interlocked.CompareExchange(ref _handling, 1, 0) == 0)
        {
            HandleWaiting(sink);
            EndHandling();
        }
    }

    /// <summary>Gets a value indicating whether <see cref="EndBatch"/> is to be called when all that came at once is delivered.</summary>
    internal bool WantsBatchEnd => Volatile.Read(ref _sink) is { WantsBatchEnd: true };

    /// <summary>All that came at once is delivered. Called by the thread that delivered it; no gate is held.</summary>
    internal void EndBatch() => Volatile.Read(ref _sink)?.EndBatch();

    /// <summary>Sessions, or the address, have changed. Called by the endpoint's thread; no gate is held.</summary>
    internal void OnPathChanged() => Volatile.Read(ref _sink)?.OnPathChanged();

    /// <summary>Gives the channel's datagrams to streams from now on, those first that wait already.</summary>
    /// <exception cref="InvalidOperationException">The datagrams go to a call or a handler of the application.</exception>
    internal void Attach(IPacketSink sink)
    {
        _queue.TakeForHandler();

        Volatile.Write(ref _sink, sink);
        Attach();
    }

    /// <summary>Gives the channel's datagrams to the connection that follows the one that has them now.</summary>
    internal void Succeed(ConnectionDriver successor) => Volatile.Write(ref _sink, successor);

    /// <summary>Begins the connection of the channel, or hands out the one that the peer has begun since.</summary>
    internal ConnectionDriver OpenConnection(PacketSecConnectionOptions options)
    {
        lock (_connectionGate)
        {
            if (Volatile.Read(ref _sink) is ConnectionDriver existing)
            {
                return existing.TryClaim()
                    ? existing
                    : throw new InvalidOperationException("The channel has a connection already: a channel carries one, with as many streams as are wanted.");
            }

            var connection = new ConnectionDriver(this, options);
            connection.TryClaim();
            Attach(connection);
            if (_closed.Task.IsCompleted)
            {
                connection.OnChannelClosed(_closed.Task.Result);
            }

            return connection;
        }
    }

    /// <summary>Has a thread that receives give the handler what waits, if there is a handler.</summary>
    private void Attach()
    {
        if (Volatile.Read(ref _sink) is not null && Volatile.Read(ref _mayWait))
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

    private void HandleWaiting(IPacketSink sink)
    {
        Span<int> length = stackalloc int[1];
        Span<long> session = stackalloc long[1];

        // What comes from here on is seen again.
        Interlocked.Exchange(ref _mayWait, false);
        for (var i = _queue.Count; i > 0 && _queue.TryTake(out var datagram, out session[0]); i--)
        {
            length[0] = datagram.Length;
            if (Handle(sink, datagram, length, session) is var reason && reason != DropReason.None)
            {
                Peer.CountDrops(reason, 1);
            }
        }

        if (_queue.Count > 0)
        {
            Volatile.Write(ref _mayWait, true);
        }
    }

    private DropReason Handle(IPacketSink sink, ReadOnlySpan<byte> payloads, ReadOnlySpan<int> lengths, ReadOnlySpan<long> sessions)
    {
        if (IsDisposed)
        {
            return DropReason.ChannelClosed;
        }

        var started = Stopwatch.GetTimestamp();
        var reason = sink.Receive(payloads, lengths, sessions);
        if (Stopwatch.GetTimestamp() - started > StallTicks && Interlocked.Increment(ref _handlerStalls) == 1)
        {
            _endpoint.Log.HandlerStalled(RemotePeerId);
        }

        return reason;
    }

    /// <summary>Gives datagrams to the application's handler.</summary>
    private sealed class HandlerSink(PacketSecChannel channel, DatagramHandler handler) : IPacketSink
    {
        public bool WantsBatchEnd => false;

        public DropReason Receive(ReadOnlySpan<byte> payloads, ReadOnlySpan<int> lengths, ReadOnlySpan<long> sessions)
        {
            foreach (var length in lengths)
            {
                try
                {
                    handler(payloads[..length]);
                }
                catch (Exception error)
                {
                    // The application's fault must not end the endpoint, which serves its other channels, too.
                    if (Interlocked.Increment(ref channel._handlerFailures) == 1)
                    {
                        channel._endpoint.Log.HandlerFailed(error, channel.RemotePeerId);
                    }
                }

                payloads = payloads[length..];
            }

            return DropReason.None;
        }

        public void EndBatch()
        {
            // A handler is called for each datagram and has nothing to add.
        }

        public void OnPathChanged()
        {
            // It sends through the channel, which knows.
        }

        public void OnChannelClosed(PacketSecError? error)
        {
            // The channel itself tells.
        }
    }
}
