namespace PacketSec.Protocol;

/// <summary>
/// A point on the driver's monotonic clock. It has nothing to do with the calendar; see <see cref="WallClock"/> for that.
/// </summary>
/// <param name="Nanoseconds">Nanoseconds since an origin that the driver chooses; a clock that runs on while the machine is suspended.</param>
public readonly record struct Instant(long Nanoseconds) : IComparable<Instant>
{
    /// <inheritdoc/>
    public int CompareTo(Instant other) => Nanoseconds.CompareTo(other.Nanoseconds);

    /// <summary>Returns whether the left instant is earlier.</summary>
    public static bool operator <(Instant left, Instant right) => left.Nanoseconds < right.Nanoseconds;

    /// <summary>Returns whether the left instant is later.</summary>
    public static bool operator >(Instant left, Instant right) => left.Nanoseconds > right.Nanoseconds;

    /// <summary>Returns whether the left instant is not later.</summary>
    public static bool operator <=(Instant left, Instant right) => left.Nanoseconds <= right.Nanoseconds;

    /// <summary>Returns whether the left instant is not earlier.</summary>
    public static bool operator >=(Instant left, Instant right) => left.Nanoseconds >= right.Nanoseconds;

    /// <summary>Adds a duration.</summary>
    public static Instant operator +(Instant instant, TimeSpan duration) => new(instant.Nanoseconds + (duration.Ticks * 100));

    /// <summary>Subtracts a duration.</summary>
    public static Instant operator -(Instant instant, TimeSpan duration) => new(instant.Nanoseconds - (duration.Ticks * 100));

    /// <summary>Returns the time between two instants.</summary>
    public static TimeSpan operator -(Instant left, Instant right) => new((left.Nanoseconds - right.Nanoseconds) / 100);

    /// <summary>Adds a duration.</summary>
    /// <param name="duration">The duration.</param>
    public Instant Add(TimeSpan duration) => this + duration;

    /// <summary>Returns the time since another instant.</summary>
    /// <param name="other">The other instant.</param>
    public TimeSpan Subtract(Instant other) => this - other;

    /// <summary>Returns the earlier of two instants.</summary>
    internal static Instant Min(Instant left, Instant right) => left < right ? left : right;
}

/// <summary>Ties the monotonic clock to the calendar, for the time stamps that a scheme puts on the wire.</summary>
/// <param name="At">The instant of the reading.</param>
/// <param name="UnixTime">The time since 1970-01-01 UTC, without leap seconds, at that instant.</param>
public readonly record struct WallClock(Instant At, TimeSpan UnixTime)
{
    /// <summary>Returns the Unix time at another instant.</summary>
    /// <param name="now">The instant.</param>
    public TimeSpan ToUnixTime(Instant now) => UnixTime + (now - At);
}
