namespace PacketSec.Protocol.Streams;

/// <summary>
/// How far the peer may send, on a stream or on all together, and a size that doubles up to a bound while the application reads faster than the
/// window lets the peer send.
/// </summary>
//= rfc9000#section-4.2
internal sealed class ReceiveWindow(long size, long maxSize)
{
    /// <summary>A window of which half is used up within this many round trips is too small.</summary>
    private const int RoundTrips = 2;

    private long _movedAt = long.MinValue;

    /// <summary>Gets how far beyond what is read the peer may send.</summary>
    public long Size { get; private set; } = size;

    /// <summary>Gets the offset that the peer may send to.</summary>
    public long Limit { get; private set; } = size;

    /// <summary>Moves the limit when half of the window is used up.</summary>
    /// <param name="now">The time in nanoseconds.</param>
    /// <param name="readTo">What the application has read.</param>
    /// <param name="rtt">The smoothed round trip in nanoseconds.</param>
    /// <returns>Whether the peer is to be told of another limit.</returns>
    //= spec/streams.md#window-tuning
    public bool TryMove(long now, long readTo, long rtt)
    {
        if (Limit - readTo > Size / 2)
        {
            return false;
        }

        if (_movedAt != long.MinValue && now - _movedAt < RoundTrips * rtt)
        {
            Size = Math.Min(2 * Size, Math.Max(maxSize, Size));
        }

        _movedAt = now;
        Limit = readTo + Size;
        return true;
    }

    /// <summary>Doubles the window at once, for a reader that cannot go on with what the window holds.</summary>
    /// <param name="readTo">What the application has read.</param>
    /// <returns>Whether the peer is to be told of another limit.</returns>
    public bool TryGrow(long readTo)
    {
        Size = Math.Max(Size, Math.Min(2 * Size, maxSize));
        if (readTo + Size <= Limit)
        {
            return false;
        }

        Limit = readTo + Size;
        return true;
    }

    /// <summary>Lets a window be at least a size from its next move on, without telling the peer before.</summary>
    public void GrowTo(long least) => Size = Math.Max(Size, Math.Min(least, maxSize));
}
