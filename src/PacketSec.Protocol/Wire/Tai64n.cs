using System.Buffers.Binary;

namespace PacketSec.Protocol.Wire;

/// <summary>
/// A TAI64N label: seconds of International Atomic Time since 1970 plus 2^62, and nanoseconds.
/// </summary>
/// <remarks>
/// The offset from UTC is the real one: 10 s before July 1972, one more from each leap second on, 37 s since 2017. A leap second announced
/// later is one more row of the table; until then labels made after it are one second early, which no receiver checks.
/// </remarks>
internal readonly record struct Tai64n
{
    /// <summary>The size of a label in bytes.</summary>
    public const int Size = 12;

    private const ulong Epoch = 1UL << 62;
    private const uint NanosecondsPerSecond = 1_000_000_000;
    private const int OffsetBeforeTable = 10;

    private Tai64n(ulong label, uint nanoseconds)
    {
        Label = label;
        Nanoseconds = nanoseconds;
    }

    /// <summary>Gets the 64-bit label: 2^62 plus the seconds of atomic time since 1970.</summary>
    public ulong Label { get; }

    /// <summary>Gets the nanoseconds, below 10^9.</summary>
    public uint Nanoseconds { get; }

    // Unix seconds from which each further leap second counts.
    private static ReadOnlySpan<int> LeapSeconds =>
    [
        78796800, 94694400, 126230400, // 1972-07, 1973-01, 1974-01
        157766400, 189302400, 220924800, // 1975-01, 1976-01, 1977-01
        252460800, 283996800, 315532800, // 1978-01, 1979-01, 1980-01
        362793600, 394329600, 425865600, // 1981-07, 1982-07, 1983-07
        489024000, 567993600, 631152000, // 1985-07, 1988-01, 1990-01
        662688000, 709948800, 741484800, // 1991-01, 1992-07, 1993-07
        773020800, 820454400, 867715200, // 1994-07, 1996-01, 1997-07
        915148800, 1136073600, 1230768000, // 1999-01, 2006-01, 2009-01
        1341100800, 1435708800, 1483228800, // 2012-07, 2015-07, 2017-01
    ];

    /// <summary>Makes the label of a Unix time.</summary>
    /// <param name="seconds">Whole seconds since 1970-01-01 UTC, rounded down; may be negative. At most 2^62 either way.</param>
    /// <param name="nanoseconds">0 to 999,999,999.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time has no label.</exception>
    //= spec/p2pke.md#timestamp-encoding
    public static Tai64n FromUnixTime(long seconds, uint nanoseconds)
    {
        const long Limit = 1L << 61;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(seconds, Limit);
        ArgumentOutOfRangeException.ThrowIfLessThan(seconds, -Limit);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(nanoseconds, NanosecondsPerSecond);
        return new Tai64n((ulong)((long)Epoch + seconds + OffsetAt(seconds)), nanoseconds);
    }

    /// <summary>Makes the label of a moment, to its precision of 100 ns.</summary>
    /// <param name="moment">The moment.</param>
    public static Tai64n FromDateTimeOffset(DateTimeOffset moment)
    {
        var (seconds, rest) = Math.DivRem(moment.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks, TimeSpan.TicksPerSecond);
        if (rest < 0)
        {
            seconds--;
            rest += TimeSpan.TicksPerSecond;
        }

        return FromUnixTime(seconds, (uint)(rest * TimeSpan.NanosecondsPerTick));
    }

    /// <summary>Reads a label.</summary>
    /// <param name="bytes">The bytes as received.</param>
    /// <param name="label">The label.</param>
    /// <returns>False unless there are exactly 12 bytes with fewer than 10^9 nanoseconds; nothing else is checked.</returns>
    //= spec/p2pke.md#timestamp-parsing
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Tai64n label)
    {
        label = default;
        if (bytes.Length != Size)
        {
            return false;
        }

        var nanoseconds = BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]);
        if (nanoseconds >= NanosecondsPerSecond)
        {
            return false;
        }

        label = new Tai64n(BinaryPrimitives.ReadUInt64BigEndian(bytes), nanoseconds);
        return true;
    }

    /// <summary>Writes the label.</summary>
    /// <param name="destination">At least 12 bytes.</param>
    public void WriteTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, Label);
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], Nanoseconds);
    }

    private static int OffsetAt(long unixSeconds)
    {
        var offset = OffsetBeforeTable;
        foreach (var from in LeapSeconds)
        {
            if (unixSeconds < from)
            {
                break;
            }

            offset++;
        }

        return offset;
    }
}
