using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using PacketSec.Diagnostics;
using PacketSec.Protocol;
using PacketSec.Protocol.Routing;
using PacketSec.Protocol.Wire;
using PacketSec.Udp;

namespace PacketSec.Internal;

/// <content>The endpoint's thread: what shards hand over, deadlines and messages.</content>
internal sealed partial class EndpointDriver
{
    // Closing messages take 200 ms and a pause of 100 ms after the last; the rest is for what the timers' 64 ms add. An endpoint closes within 500 ms.
    private static readonly TimeSpan ClosingBound = TimeSpan.FromMilliseconds(450);

    // A thread that receives ends at once, unless a handler of the application holds it up; it wipes its keys at its end.
    private static readonly TimeSpan ReceiversBound = TimeSpan.FromMilliseconds(40);

    private readonly Thread _thread;
    private readonly TimerWheel _wheel;
    private readonly HandshakeWorkers _workers;
    private readonly PacketAead _aead;
    private readonly ControlBatch _control;
    private readonly Outbox _peerOutbox;
    private readonly Outbox _endpointOutbox;
    private readonly ClockTimer? _clockTimer;
    private readonly EndpointEntry _endpointEntry = new();
    private readonly List<TimerWheel.Entry> _due = [];
    private readonly long[] _nextDropLog = new long[Enum.GetValues<DropReason>().Length];
    private readonly byte[] _plaintext = GC.AllocateUninitializedArray<byte>(UdpTransport.ReceiveBufferSize, pinned: true);

    private long? _closingUntil;

    private void Run()
    {
        try
        {
            var now = Clock.Now;
            while (!IsFinished())
            {
                _wakeEvent.WaitOne(WaitMilliseconds(now));
                Interlocked.Exchange(ref _wakeRequested, 0);
                now = Clock.Now;
                foreach (var shard in _shards)
                {
                    HandleHanded(now, shard);
                }

                while (_mailbox.TryDequeue(out var message))
                {
                    HandleMessage(Clock.Now, message);
                    CarryNegotiations(Clock.Now);
                }

                if (Volatile.Read(ref _withNews) is not null)
                {
                    HandleNews(now);
                    CarryNegotiations(now);
                }

                if (_wheel.NextDue <= now)
                {
                    HandleTimers(now);
                    CarryNegotiations(now);
                }

                _control.Flush();
            }
        }
        catch (Exception error)
        {
            // The state cannot be trusted any more. The endpoint ends with a word in the log; the process and its other endpoints need not.
            Volatile.Write(ref _failure, error);
            Log.EndpointFailed(error);
        }
        finally
        {
            Stop();
        }
    }

    private bool IsFinished()
        => Volatile.Read(ref _aborted) || (_closingUntil is { } until && (_peers.IsEmpty || BootClock.GetNanoseconds() >= until));

    private int WaitMilliseconds(Instant now)
    {
        var due = _wheel.NextDue;
        var left = due is { } at ? Math.Max(at.Nanoseconds - now.Nanoseconds, 0) : long.MaxValue;
        if (_closingUntil is { } until)
        {
            // The bound on closing is real time; a custom clock may stand still.
            left = Math.Min(left, until - BootClock.GetNanoseconds());
            return (int)Math.Clamp(left / 1_000_000, 0, 50) + 1;
        }

        return _clockTimer is { } timer ? timer.WaitMilliseconds(due)
            : due is null ? Timeout.Infinite
            : (int)Math.Clamp(left / 1_000_000, 0, 60_000) + 1;
    }

    /// <summary>Takes what a shard handed over, as much as there is now: more may come meanwhile, without end.</summary>
    private void HandleHanded(Instant now, Shard shard)
    {
        for (var i = shard.Handed.Count; i > 0 && shard.Handed.TryPeek(out var path, out var datagram); i--)
        {
            HandleDatagram(now, shard, path, datagram);
            CarryNegotiations(now);
            shard.Handed.Remove();
            Interlocked.Increment(ref _handedHandled);
        }
    }

    private void HandleDatagram(Instant now, Shard shard, in PathAddress path, ReadOnlySpan<byte> datagram)
    {
        var routed = _machine.TryRoute(path.Remote, out var route);
        PeerDriver? last = null;
        var reason = DropReason.None;
        for (var i = 0; i < route.Count; i++)
        {
            if (!_peers.TryGetValue(route[i], out var peer))
            {
                continue;
            }

            Received received;
            Instant? deadline;
            long session;
            lock (peer.Gate)
            {
                received = peer.Machine.HandleDatagram(now, _aead, path, datagram, _plaintext);
                session = peer.Machine.OpenedOn;
                _peerOutbox.Collect(now, peer.Machine, _aead);
                deadline = peer.Machine.NextDeadline;
            }

            // Of one that does not claim the datagram, too: what another thread left in its machine has been collected.
            Settle(now, peer, deadline);
            if (received.Kind == ReceivedKind.Unclaimed)
            {
                last = peer;
                reason = received.DropReason;
                continue;
            }

            if (received.Kind == ReceivedKind.Payload)
            {
                peer.Shard = shard;
                Deliver(now, peer, path, received.Payload, session);
            }
            else if (received.Kind == ReceivedKind.Dropped)
            {
                LogDrop(now, path, received.DropReason);
            }

            return;
        }

        if (last is null || !routed || MayBeStrangers(route, datagram))
        {
            HandleStranger(now, path, datagram);
        }
        else
        {
            last.CountDrops(reason, 1);
            LogDrop(now, path, reason);
        }
    }

    /// <summary>
    /// Tells whether the endpoint machine may know what no peer claimed: frames of negotiations, and the way of initiators, so first messages and
    /// finishes, and data where a handshake is half-open, with letters or without. It would count anything else for a reason that says less than the peer's.
    /// </summary>
    public static bool MayBeStrangers(in Route route, ReadOnlySpan<byte> datagram)
        => (PacketHeader.TryRead(datagram, out var header) && header.Direction == Direction.InitiatorToResponder
            && (route.HasHalfOpen || header.Counter.Value < SpecLimits.FirstDataCounter)) || PsecFrame.IsFrame(datagram)
            || Letters.LeadsFirst(datagram) || (Letters.TryReadTransport(datagram, out header) && header.Counter.Value < SpecLimits.FirstDataCounter);

    private void HandleStranger(Instant now, in PathAddress path, ReadOnlySpan<byte> datagram)
    {
        Received received;
        lock (_gate)
        {
            received = _machine.HandleDatagram(now, path, datagram);
            if (!received.NothingPending)
            {
                _endpointOutbox.Collect(_machine);
            }
        }

        if (!received.NothingPending)
        {
            SettleEndpoint(now);
        }

        if (received.Kind == ReceivedKind.Dropped)
        {
            LogDrop(now, path, received.DropReason);
        }
    }

    private void Deliver(Instant now, PeerDriver peer, in PathAddress path, ReadOnlySpan<byte> payload, long session)
    {
        var reason = peer.Channel.Queue(payload, session);
        if (reason != DropReason.None)
        {
            peer.CountDrops(reason, 1);
            LogDrop(now, path, reason);
        }
    }

    private void LogDrop(Instant now, in PathAddress path, DropReason reason)
    {
        if (now.Nanoseconds >= _nextDropLog[(int)reason] && Log.IsEnabled(LogLevel.Debug))
        {
            _nextDropLog[(int)reason] = (now + TimeSpan.FromSeconds(1)).Nanoseconds;
            Log.Dropped(path.Remote, reason);
        }
    }

    private void HandleNews(Instant now)
    {
        for (var peer = Interlocked.Exchange(ref _withNews, null); peer is not null;)
        {
            var next = peer.NextWithNews;
            peer.NextWithNews = null;

            // From here on the peer can be put into a new list.
            Interlocked.Exchange(ref peer.HasNews, 0);
            Drain(now, peer);
            peer = next;
        }
    }

    private void HandleTimers(Instant now)
    {
        _due.Clear();
        _wheel.Advance(now, _due);
        for (var i = 0; i < _due.Count; i++)
        {
            LookAhead(i);
            if (_due[i] is PeerDriver peer)
            {
                HandleTimer(now, peer);
            }
            else
            {
                lock (_gate)
                {
                    _machine.HandleTimeout(now);
                    _endpointOutbox.Collect(_machine);
                }

                SettleEndpoint(now);
            }
        }
    }

    private void HandleTimer(Instant now, PeerDriver peer)
    {
        var receipt = _control.RoomFor(peer.Shard.Io, SpecLimits.DatagramOverhead);
        var timedOut = false;
        Instant? deadline;
        lock (peer.Gate)
        {
            // Entries come up early when their deadline has moved away, and what they come up for is mostly a receipt.
            deadline = peer.Machine.NextDeadline;
            if (deadline <= now && peer.Machine.TrySealReceipt(now, _aead, receipt, out var transmit))
            {
                _control.Append(transmit.Path, transmit.Length, peer);

                // The next one is not due before this. Where data go on coming, it will be: their shard need not tell then, and wakes nobody.
                var next = now + SpecLimits.AcknowledgeAfter;
                deadline = peer.Machine.NextDeadline is { } other && other < next ? other : next;
            }

            if (deadline <= now)
            {
                timedOut = true;
                peer.Machine.HandleTimeout(now);
                _peerOutbox.Collect(now, peer.Machine, _aead);
                deadline = peer.Machine.NextDeadline;
            }
        }

        if (timedOut)
        {
            Settle(now, peer, deadline);
        }
        else
        {
            Schedule(peer, deadline);
        }
    }

    /// <summary>
    /// Takes one step for each of the next peers that are due, as shards do for datagrams: with thousands of peers nothing of them is near but what
    /// the wheel has just looked at.
    /// </summary>
    private void LookAhead(int current)
    {
        DueAt(current + 3)?.FetchParts();
        if (DueAt(current + 2) is { } next)
        {
            next.Machine.FetchState();
            next.Machine.FetchTimers();
        }

        DueAt(current + 1)?.Machine.FetchSendKey();
    }

    private PeerDriver? DueAt(int index) => index < _due.Count ? _due[index] as PeerDriver : null;

    /// <summary>Puts a datagram to those that leave together at the end of the round.</summary>
    private void Transmit(Shard shard, in PathAddress path, ReadOnlySpan<byte> datagram, PeerDriver? owner)
    {
        datagram.CopyTo(_control.RoomFor(shard.Io, datagram.Length));
        _control.Append(path, datagram.Length, owner);
    }

    private void HandleMessage(Instant now, DriverMessage message)
    {
        switch (message)
        {
            case DriverMessage.WorkDone done:
                Complete(now, done.Job);
                break;
            case DriverMessage.Connect connect:
                Connect(now, connect.Dial);
                break;
            case DriverMessage.CancelConnect cancel:
                CancelConnect(now, cancel.Dial);
                break;
            case DriverMessage.Decide decide:
                Decide(now, decide.Id, decide.Allow);
                break;
            case DriverMessage.DecideTicket decide:
                DecideTicket(now, decide.Id, decide.Outcome);
                break;
            case DriverMessage.DialOver over:
                over.Dial.Ticket?.Dispose();
                break;
            case DriverMessage.CloseChannel close:
                CloseChannel(now, close.Peer);
                break;
            case DriverMessage.CloseEndpoint:
                BeginClosing(now);
                break;
            case DriverMessage.Fail fail:
                throw new InvalidOperationException("Handshake work failed for a reason that no peer can cause.", fail.Error);
            default:
                throw new InvalidOperationException($"Nobody handles {message.GetType().Name}.");
        }
    }

    private void BeginClosing(Instant now)
    {
        if (_closingUntil is not null)
        {
            return;
        }

        _closingUntil = BootClock.GetNanoseconds() + (long)ClosingBound.TotalNanoseconds;
        _ = _closing.CancelAsync();
        _accepted.Writer.TryComplete();
        lock (_gate)
        {
            _machine.Close();
            _endpointOutbox.Collect(_machine);
        }

        SettleEndpoint(now);
        foreach (var (_, peer) in _peers)
        {
            var error = EndOf(peer);
            FailDials(peer, PacketSecError.EndpointClosed);
            if (peer.IsRetired && !peer.Channel.IsDisposed)
            {
                // Closed by its peer, whose late datagrams nobody can receive any more.
                Forget(peer, error);
                continue;
            }

            peer.Channel.OnClosed(error);
            ClosePeer(now, peer);
        }
    }

    private static PacketSecError? EndOf(PeerDriver peer) => peer.Channel.IsDisposed ? null : PacketSecError.EndpointClosed;

    /// <summary>The last thing the thread does: everything pending ends, everything secret is wiped.</summary>
    private void Stop()
    {
        _ = _closing.CancelAsync();
        _accepted.Writer.TryComplete();
        Array.ForEach(_sockets, io => io.Dispose());
        foreach (var (_, peer) in _peers)
        {
            FailDials(peer, PacketSecError.EndpointClosed);
            Forget(peer, EndOf(peer));
        }

        _workers.Dispose();
        lock (_gate)
        {
            _machine.Dispose();
        }

        PacketSecMeter.Remove(this);
        Streams.Dispose();
        SendContexts.Dispose();
        _aead.Dispose();
        _clockTimer?.Dispose();
        var receiversEnd = BootClock.GetNanoseconds() + (long)ReceiversBound.TotalNanoseconds;
        foreach (var shard in _shards)
        {
            shard.Join(TimeSpan.FromTicks(Math.Max(receiversEnd - BootClock.GetNanoseconds(), 0) / TimeSpan.NanosecondsPerTick));
        }

        CryptographicOperations.ZeroMemory(_plaintext);
        if (!Volatile.Read(ref _aborted))
        {
            Log.EndpointClosed(Options.Identity.PeerId, LocalEndPoint);
        }

        _stopped.TrySetResult();
        SettleMailbox();
    }

    /// <summary>The endpoint machine's place in the wheel.</summary>
    private sealed class EndpointEntry : TimerWheel.Entry;
}
