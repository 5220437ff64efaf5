using PacketSec.Protocol;
using PacketSec.Protocol.Streams;
using PacketSec.Udp;

namespace PacketSec.Internal;

/// <content>The way out: packets are built for the session that seals them, as many as leave with one system call.</content>
internal sealed partial class ConnectionDriver
{
    // How much a thread sends that has other work too; the thread of the streams goes on with the rest.
    private const int BatchesOnReceive = 4;
    private const int BatchesOnWrite = 8;
    private const int BatchesOnTime = 32;

    private int _pumping;
    private StreamCarrier _carrier;
    private bool _hasCarrier;
    private UdpAddress _local;
    private UdpAddress _remote;
    private NetworkAddress _measuring;
    private NetworkAddress? _measured;
    private int _interfacePayload = InterfaceMtu.LeastPayload;

    private enum Built
    {
        /// <summary>Nothing more may be sent now.</summary>
        All,

        /// <summary>The batch is full.</summary>
        Batch,

        /// <summary>It is not known yet how much the interface to the peer's new address takes.</summary>
        NeedsInterface,
    }

    /// <summary>Sends what may be sent, unless another thread is about to. No gate is held.</summary>
    /// <param name="most">How many batches at most; the rest is left to the thread of the streams.</param>
    private void Pump(int most)
    {
        if (Interlocked.Increment(ref _pumping) > 1)
        {
            return;
        }

        int seen;
        do
        {
            seen = Volatile.Read(ref _pumping);
            while (SendBatch())
            {
                if (--most == 0)
                {
                    Interlocked.Exchange(ref _pumping, 0);
                    _endpoint.Streams.Request(this);
                    return;
                }
            }
        }
        while (Interlocked.Add(ref _pumping, -seen) > 0);
    }

    /// <summary>Builds, seals and sends one batch.</summary>
    /// <returns>Whether there may be more.</returns>
    private bool SendBatch()
    {
        var context = _endpoint.SendContexts.Rent();
        try
        {
            context.Batch.Clear();
            var notify = false;
            Built built;
            Instant? deadline;
            lock (Gate)
            {
                built = Build(Now, context, ref notify);
                Dispatch();
                deadline = _machine.NextDeadline;
            }

            if (notify)
            {
                _endpoint.Notify(_channel.Peer);
            }

            if (context.Batch.Count > 0)
            {
                Transmit(context.Batch);
            }

            if (built == Built.NeedsInterface)
            {
                Measure();
                return true;
            }

            if (IsTooLateFor(deadline))
            {
                _endpoint.Streams.Request(this);
            }

            return built == Built.Batch;
        }
        finally
        {
            _endpoint.SendContexts.Return(context);
        }
    }

    private Built Build(Instant now, SendContext context, ref bool notify)
    {
        var peer = _channel.Peer;
        lock (peer.Gate)
        {
            if (peer.IsOver)
            {
                return Built.All;
            }

            var built = BuildUnderGate(now, context, peer.Machine, ref notify);
            notify |= peer.IsTooLateFor(peer.Machine.NextDeadline);
            return built;
        }
    }

    private Built BuildUnderGate(Instant now, SendContext context, PeerMachine peer, ref bool notify)
    {
        var batch = context.Batch;
        while (!batch.IsFull)
        {
            if (peer.SelectCarrier(now, _machine.PathMtu) is not { } session)
            {
                //= spec/streams.md#blocked-pto
                _machine.Block();
                _hasCarrier = false;
                if (_machine.WantsToSend)
                {
                    peer.WantSession(now);
                    notify = true;
                }

                return Built.All;
            }

            var path = session.Path;
            if (!_hasCarrier || _carrier.Session != session.Number || _carrier.Remote != path.Remote)
            {
                if (_measured != path.Remote)
                {
                    _measuring = path.Remote;
                    return Built.NeedsInterface;
                }

                _carrier = new(session.Number, path.Remote, _interfacePayload);
                _machine.SetCarrier(now, _carrier);
                _hasCarrier = true;
                (_local, _remote) = (path.Local.ToUdpAddress(), path.Remote.ToUdpAddress());
            }

            // Letters of a scheme come on top of what the stream layer counts.
            var extra = peer.DatagramOverhead - SpecLimits.DatagramOverhead;
            var free = batch.Free.Length - extra;
            var size = free >= _carrier.MaxDatagram ? _carrier.MaxDatagram : _machine.PathMtu;
            if (free < size)
            {
                return Built.Batch;
            }

            if (!_machine.TryBuildPacket(now, context.Plain.AsSpan(0, size - SpecLimits.DatagramOverhead), out var packet))
            {
                return Built.All;
            }

            var length = peer.SealOn(now, context.Aead, session, context.Plain.AsSpan(0, packet.Length), batch.Free);
            batch.Append(_local, _remote, length);
        }

        return Built.Batch;
    }

    private void Transmit(SendBatch batch)
    {
        _channel.Peer.Shard.Io.Send(batch);
        foreach (ref readonly var group in batch.Groups)
        {
            if (group.Sent < group.Segments)
            {
                // To the stream layer it is lost, as it would be in any other queue on its way.
                _endpoint.CountSendFailures(group.Segments - group.Sent);
            }
        }

        batch.Clear();
    }

    // Only the thread that pumps comes here.
    private void Measure()
    {
        var payload = Math.Min(InterfaceMtu.FindPayload(_measuring.ToEndPoint()), _options.MaxUdpPayload);
        lock (Gate)
        {
            _measured = _measuring;
            _interfacePayload = payload;
        }
    }
}
