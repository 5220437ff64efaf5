namespace PacketSec.Protocol;

/// <summary>An instant or none in eight bytes, half of what a nullable one takes, for state that each packet touches.</summary>
internal readonly struct OptionalInstant
{
    private const long Unset = long.MinValue;

    private readonly long _nanoseconds;

    private OptionalInstant(long nanoseconds) => _nanoseconds = nanoseconds;

    public static OptionalInstant None => new(Unset);

    public bool HasValue => _nanoseconds != Unset;

    public Instant? Value => HasValue ? new Instant(_nanoseconds) : null;

    public static implicit operator OptionalInstant(Instant instant) => new(instant.Nanoseconds);
}
