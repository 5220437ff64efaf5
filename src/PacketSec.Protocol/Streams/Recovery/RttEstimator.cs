namespace PacketSec.Protocol.Streams.Recovery;

/// <summary>What is known of a path's round trip. All times are nanoseconds.</summary>
//= rfc9002#section-5
internal sealed class RttEstimator
{
    /// <summary>What is assumed before the first sample, 333 ms.</summary>
    //= rfc9002#section-6.2.2
    public const long Initial = 333_000_000;

    /// <summary>The longest time that a receiver delays an acknowledgement on purpose, 25 ms.</summary>
    public const long MaxAckDelay = 25_000_000;

    /// <summary>The shortest time that a timer is set for, 1 ms.</summary>
    //= rfc9002#section-6.1.2
    public const long Granularity = 1_000_000;

    /// <summary>Gets whether there has been a sample on this path.</summary>
    public bool HasSample { get; private set; }

    public long Latest { get; private set; }

    public long Min { get; private set; }

    public long Smoothed { get; private set; } = Initial;

    public long Variation { get; private set; } = Initial / 2;

    /// <summary>Gets the time after which a probe is sent, before any back-off.</summary>
    //= rfc9002#section-6.2.1
    public long ProbeTimeout => Smoothed + Math.Max(4 * Variation, Granularity) + MaxAckDelay;

    /// <summary>Gets the time without any acknowledgement that makes losses persistent congestion.</summary>
    //= rfc9002#section-7.6.1
    public long PersistentCongestionDuration => 3 * ProbeTimeout;

    /// <summary>Gets how long a packet may be missing after a later one was acknowledged.</summary>
    //= rfc9002#section-6.1.2
    public long LossDelay => Math.Max(Math.Max(Latest, Smoothed) * 9 / 8, Granularity);

    /// <summary>Takes a sample.</summary>
    /// <param name="sample">The time from the sending of the largest packet newly acknowledged.</param>
    /// <param name="ackDelay">How long the peer says that it held the acknowledgement back.</param>
    //= rfc9002#section-5.3
    public void Update(long sample, long ackDelay)
    {
        Latest = sample;
        if (!HasSample)
        {
            HasSample = true;
            Min = sample;
            Smoothed = sample;
            Variation = sample / 2;
            return;
        }

        //= rfc9002#section-5.2
        Min = Math.Min(Min, sample);
        ackDelay = Math.Min(ackDelay, MaxAckDelay);
        var adjusted = sample >= Min + ackDelay ? sample - ackDelay : sample;
        Variation = ((3 * Variation) + Math.Abs(Smoothed - adjusted)) / 4;
        Smoothed = ((7 * Smoothed) + adjusted) / 8;
    }

    /// <summary>Forgets everything: the path is another one.</summary>
    //= rfc9000#section-9.4
    public void Reset()
    {
        HasSample = false;
        Latest = 0;
        Min = 0;
        Smoothed = Initial;
        Variation = Initial / 2;
    }
}
