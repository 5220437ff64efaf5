using PacketSec.Protocol.Streams.Frames;

namespace PacketSec.Protocol.Streams.Recovery;

/// <summary>A packet whose fate is known, for its owner to act on.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Packet">The packet.</param>
internal readonly record struct SettledPacket(long Number, SentPacket Packet);

/// <summary>
/// Finds out what became of the packets sent, when to probe, and how much may be in flight. What it finds is taken from it by
/// <see cref="TryTakeSettled"/>. All times are nanoseconds.
/// </summary>
//= rfc9002#appendix-A
internal sealed class LossRecovery(ICongestionController controller, int datagramSize)
{
    /// <summary>No time.</summary>
    public const long Never = long.MaxValue;

    /// <summary>How far an acknowledged packet may be ahead of one that is missing.</summary>
    //= rfc9002#section-6.1.1
    private const int PacketThreshold = 3;

    private const int MaxBackOff = 20;

    private readonly Queue<SettledPacket> _settled = new(64);
    private readonly PersistentCongestion _persistent = new();
    private readonly Pacer _pacer = new();
    private long _lossTime = Never;
    private long _lastElicitingSentAt = Never;
    private long _largestAcknowledged = -1;
    private int _elicitingOutstanding;

    public ICongestionController Controller { get; } = controller;

    public RttEstimator Rtt { get; } = new();

    public SentPackets Sent { get; } = new();

    /// <summary>Gets the number of the path in use.</summary>
    public int Path { get; private set; }

    /// <summary>Gets the size of the largest datagram of the path in bytes.</summary>
    public int DatagramSize { get; private set; } = datagramSize;

    /// <summary>Gets the bytes in flight on the path in use.</summary>
    public long BytesInFlight { get; private set; }

    /// <summary>Gets how many packets were lost, without probes of the path's MTU.</summary>
    public long Lost { get; private set; }

    /// <summary>Gets how many probe timeouts have followed each other.</summary>
    public int ProbeTimeouts { get; private set; }

    /// <summary>Gets whether packets that ask for an acknowledgement have an open fate.</summary>
    public bool HasElicitingOutstanding => _elicitingOutstanding > 0;

    /// <summary>Gets or sets whether the window, and not a lack of data, has bounded what was sent last.</summary>
    public bool IsWindowLimited { get; set; }

    /// <summary>Gets whether packets can be sent at all; while they cannot, no probe timeout runs.</summary>
    //= spec/streams.md#blocked-pto
    public bool IsBlocked { get; private set; } = true;

    /// <summary>Gets the back-off of the probe timeout that runs.</summary>
    public long CurrentProbeTimeout => Rtt.ProbeTimeout << Math.Min(ProbeTimeouts, MaxBackOff);

    /// <summary>Gets when <see cref="OnTimeout"/> is to be called.</summary>
    //= rfc9002#section-6.2.1
    public long Deadline => _lossTime != Never ? _lossTime
        : !HasElicitingOutstanding || IsBlocked || Sent.IsFull ? Never
        : _lastElicitingSentAt + CurrentProbeTimeout;

    /// <summary>Tells when a packet of a size may be sent; <see cref="Never"/> when the window has no room for it.</summary>
    public long NextSend(long now, int size)
    {
        if (BytesInFlight + size > Controller.Window || Sent.IsNearlyFull)
        {
            return Never;
        }

        return Rtt.HasSample ? _pacer.NextSend(now, size, new(Controller.Window, Rtt.Smoothed, Controller.InSlowStart, DatagramSize)) : now;
    }

    /// <summary>Takes a packet that is sent now.</summary>
    /// <returns>Its number.</returns>
    //= rfc9002#appendix-A.5
    public long OnSent(long now, SentPacket packet)
    {
        packet.SentAt = now;
        packet.Path = Path;
        packet.State = packet.AckEliciting ? SentState.Outstanding : SentState.Unwatched;
        if (packet.AckEliciting)
        {
            if (BytesInFlight == 0)
            {
                Controller.OnSendingAgain(now);
            }

            _elicitingOutstanding++;
            _lastElicitingSentAt = now;
            BytesInFlight += packet.Size;
            _pacer.OnSent(packet.Size);
        }

        var number = Sent.Add(packet);
        Sent.Trim();
        return number;
    }

    /// <summary>Takes an acknowledgement.</summary>
    /// <returns>False when it acknowledges what was never sent.</returns>
    //= rfc9002#appendix-A.7
    public bool OnAck(long now, scoped in AckFrame frame)
    {
        //= rfc9000#section-13.1
        if (frame.Largest >= Sent.Next)
        {
            return false;
        }

        var before = _settled.Count;
        var largestIsNew = frame.Largest >= Sent.First && Sent[frame.Largest].State == SentState.Outstanding;
        var largest = largestIsNew ? Sent[frame.Largest] : default;
        var windowLimited = IsWindowLimited;
        foreach (var range in frame)
        {
            if (range.Last < Sent.First)
            {
                break;
            }

            for (var number = range.Last; number >= Math.Max(range.First, Sent.First); number--)
            {
                ref var packet = ref Sent[number];
                if (packet.State == SentState.Outstanding)
                {
                    packet.State = SentState.Acknowledged;
                    Settle(number, packet);
                }
            }
        }

        _largestAcknowledged = Math.Max(_largestAcknowledged, frame.Largest);
        if (_settled.Count == before)
        {
            return true;
        }

        //= rfc9002#section-5.1
        if (largestIsNew && largest.Path == Path)
        {
            Rtt.Update(now - largest.SentAt, frame.Delay > RttEstimator.MaxAckDelay / 8000 ? RttEstimator.MaxAckDelay : frame.Delay * 8000);
            _persistent.OnRttSample(now);
        }

        var acknowledged = _settled.Count - before;
        DetectLost(now);
        Grow(now, before, acknowledged, windowLimited);

        //= rfc9002#section-6.2.1
        ProbeTimeouts = 0;
        return true;
    }

    /// <summary>Acts on <see cref="Deadline"/>, when it has come.</summary>
    /// <returns>Whether the peer is to be probed.</returns>
    //= rfc9002#appendix-A.9
    public bool OnTimeout(long now)
    {
        if (now < Deadline)
        {
            return false;
        }

        if (_lossTime != Never)
        {
            DetectLost(now);
            return false;
        }

        ProbeTimeouts++;
        return true;
    }

    /// <summary>Takes the next packet whose fate is known.</summary>
    public bool TryTakeSettled(out SettledPacket settled) => _settled.TryDequeue(out settled);

    /// <summary>Nothing can be sent for a time.</summary>
    public void Block() => IsBlocked = true;

    /// <summary>Packets can be sent again; a probe timeout that was running begins anew.</summary>
    public void Unblock(long now)
    {
        if (IsBlocked)
        {
            IsBlocked = false;
            _lastElicitingSentAt = HasElicitingOutstanding ? now : _lastElicitingSentAt;
        }
    }

    /// <summary>The peer may be within reach again: the back-off of the probe timeout begins anew.</summary>
    public void EndBackOff(long now)
    {
        ProbeTimeouts = 0;
        _lastElicitingSentAt = HasElicitingOutstanding ? now : _lastElicitingSentAt;
    }

    /// <summary>Learns of another size of datagrams on the same path.</summary>
    public void SetDatagramSize(int size)
    {
        DatagramSize = size;
        Controller.SetDatagramSize(size);
    }

    /// <summary>Forgets what it knows of the path: packets go another one. What is in flight on the old one is still waited for.</summary>
    //= rfc9000#section-9.4
    public void OnNewPath(long now, int size)
    {
        Path++;
        DatagramSize = size;
        BytesInFlight = 0;
        ProbeTimeouts = 0;
        Rtt.Reset();
        Controller.Reset(size);
        _pacer.Reset();
        _persistent.Reset();
        _lossTime = Never;
        _lastElicitingSentAt = HasElicitingOutstanding ? now : _lastElicitingSentAt;
    }

    // The packets acknowledged stand at the known place of the queue, before those that turned out lost.
    private void Grow(long now, int skip, int count, bool windowLimited)
    {
        foreach (var settled in _settled)
        {
            if (skip > 0)
            {
                skip--;
                continue;
            }

            if (count-- == 0)
            {
                return;
            }

            if (settled.Packet.Path == Path)
            {
                Controller.OnAcknowledged(new(
                    now, settled.Packet.SentAt, settled.Number, Sent.Next, settled.Packet.Size, Rtt.Smoothed, Rtt.Latest, windowLimited));
            }
        }
    }

    //= rfc9002#appendix-A.10
    private void DetectLost(long now)
    {
        _lossTime = Never;
        var lastLostSentAt = long.MinValue;
        var persistent = false;
        var lossDelay = Rtt.LossDelay;
        for (var number = Sent.First; number <= _largestAcknowledged && number < Sent.Next; number++)
        {
            ref var packet = ref Sent[number];
            if (packet.State != SentState.Outstanding)
            {
                if (packet.State == SentState.Acknowledged)
                {
                    _persistent.OnAcknowledged(number);
                }

                continue;
            }

            if (_largestAcknowledged - number < PacketThreshold && packet.SentAt > now - lossDelay)
            {
                _lossTime = Math.Min(_lossTime, packet.SentAt + lossDelay);
                continue;
            }

            packet.State = SentState.Lost;
            Settle(number, packet);
            Lost += packet.MtuProbe ? 0 : 1;
            //= rfc9000#section-14.4
            if (!packet.MtuProbe && packet.Path == Path)
            {
                lastLostSentAt = Math.Max(lastLostSentAt, packet.SentAt);
                persistent |= _persistent.OnLost(number, packet.SentAt, Rtt.PersistentCongestionDuration);
            }
        }

        Sent.Trim();
        if (lastLostSentAt != long.MinValue)
        {
            Controller.OnLost(now, lastLostSentAt);
        }

        if (persistent)
        {
            Controller.OnPersistentCongestion();
        }
    }

    private void Settle(long number, in SentPacket packet)
    {
        _elicitingOutstanding--;
        BytesInFlight -= packet.Path == Path ? packet.Size : 0;
        _settled.Enqueue(new(number, packet));
    }
}
