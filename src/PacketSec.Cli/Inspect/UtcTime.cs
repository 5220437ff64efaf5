using System.Globalization;
using PacketSec.Protocol.Wire;

namespace PacketSec.Cli.Inspect;

/// <summary>A time to the nanosecond. Files and strangers may name any second, so the range is wider than that of the platform's types.</summary>
/// <param name="Seconds">Whole seconds since 1970-01-01 UTC, rounded down.</param>
/// <param name="Nanoseconds">Below 10^9.</param>
/// <param name="IsLeapSecond">Whether the second after <paramref name="Seconds"/> is meant, which Unix time does not count.</param>
internal readonly record struct UtcTime(Int128 Seconds, uint Nanoseconds, bool IsLeapSecond = false)
{
    private const ulong TaiEpoch = 1UL << 62;
    private const int SmallestLeapOffset = 10;
    private const int LargestLeapOffset = 37;
    private static readonly Int128 FirstSecond = DateTimeOffset.MinValue.ToUnixTimeSeconds();
    private static readonly Int128 LastSecond = DateTimeOffset.MaxValue.ToUnixTimeSeconds();

    /// <summary>Makes the time that a TAI64N label names.</summary>
    public static UtcTime FromTai64n(Tai64n label)
    {
        var tai = (Int128)label.Label - TaiEpoch;
        if (tai < FirstSecond || tai > LastSecond)
        {
            return new(tai - LargestLeapOffset, label.Nanoseconds);
        }

        for (var offset = SmallestLeapOffset; offset <= LargestLeapOffset; offset++)
        {
            var candidate = new UtcTime(tai - offset, label.Nanoseconds);
            if (candidate.LabelAfter(0) == label.Label)
            {
                return candidate;
            }

            // No second of Unix time has this label, but the one before has the label before: a leap second.
            if (candidate.LabelAfter(-1) == label.Label - 1 && candidate.LabelAfter(0) == label.Label + 1)
            {
                return candidate with { Seconds = candidate.Seconds - 1, IsLeapSecond = true };
            }
        }

        return new(tai - SmallestLeapOffset, label.Nanoseconds);
    }

    /// <summary>Returns the time as RFC 3339 has it with nine decimals; outside the years 1 to 9999 as a number of seconds.</summary>
    public override string ToString()
    {
        if (Seconds < FirstSecond || Seconds > LastSecond)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{Seconds} s and {Nanoseconds} ns after 1970");
        }

        var whole = DateTimeOffset.FromUnixTimeSeconds((long)Seconds).ToString("yyyy-MM-dd'T'HH:mm:", CultureInfo.InvariantCulture);
        var second = IsLeapSecond ? 60 : (int)(((Seconds % 60) + 60) % 60);
        return string.Create(CultureInfo.InvariantCulture, $"{whole}{second:00}.{Nanoseconds:000000000}Z");
    }

    private ulong LabelAfter(int seconds)
        => Tai64n.FromUnixTime((long)Seconds + seconds, Nanoseconds).Label;
}
