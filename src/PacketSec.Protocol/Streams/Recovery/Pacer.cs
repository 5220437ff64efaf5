namespace PacketSec.Protocol.Streams.Recovery;

/// <summary>Spreads a window over its round trip: a bucket that fills a little faster than the window is used up.</summary>
//= rfc9002#section-7.7
internal sealed class Pacer
{
    // What a timer that is a little late has to make up for.
    private const long BurstTime = 2_000_000;
    private const int MinBurst = 10;
    private const int MaxBurst = 256;

    private double _bytes;
    private long _filledAt;
    private bool _begun;

    /// <summary>Tells when a packet may be sent.</summary>
    /// <param name="now">The time in nanoseconds.</param>
    /// <param name="size">The packet's size in bytes.</param>
    /// <param name="rate">Where the bytes per nanosecond come from.</param>
    /// <returns>The time, which is not later than now when it may be sent at once.</returns>
    public long NextSend(long now, int size, in PacingRate rate)
    {
        Fill(now, rate);
        return _bytes >= size ? now : now + (long)Math.Ceiling((size - _bytes) / rate.BytesPerNanosecond);
    }

    /// <summary>Takes what a packet sent uses up.</summary>
    public void OnSent(int size) => _bytes -= size;

    /// <summary>Begins anew with a full bucket.</summary>
    public void Reset() => _begun = false;

    private void Fill(long now, in PacingRate rate)
    {
        var burst = Math.Clamp(rate.BytesPerNanosecond * BurstTime, MinBurst * rate.DatagramSize, MaxBurst * rate.DatagramSize);
        _bytes = _begun ? Math.Min(_bytes + ((now - _filledAt) * rate.BytesPerNanosecond), burst) : burst;
        _begun = true;
        _filledAt = now;
    }
}

/// <summary>How fast a pacer lets packets go.</summary>
/// <param name="Window">The congestion window in bytes.</param>
/// <param name="Rtt">The smoothed round trip in nanoseconds.</param>
/// <param name="InSlowStart">Whether the window is to double within the round trip.</param>
/// <param name="DatagramSize">The largest datagram in bytes.</param>
internal readonly record struct PacingRate(long Window, long Rtt, bool InSlowStart, int DatagramSize)
{
    public double BytesPerNanosecond => (InSlowStart ? 2.0 : 1.25) * Window / Math.Max(Rtt, 1);
}
