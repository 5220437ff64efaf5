using System.Buffers.Binary;
using System.Diagnostics;

namespace PacketSec.Load.Storm;

/// <summary>Counts the datagrams of a flow and how long each was under way, in microseconds.</summary>
internal sealed class StormMeter
{
    private const int Longest = 1_000_000;

    private readonly long[] _histogram = new long[Longest + 1];
    private long _count;

    public long Count => Volatile.Read(ref _count);

    /// <summary>Takes a datagram. Called by the receiving thread.</summary>
    public void Delivered(ReadOnlySpan<byte> payload)
    {
        var passed = Stopwatch.GetElapsedTime(BinaryPrimitives.ReadInt64LittleEndian(payload));
        _histogram[(int)Math.Clamp(passed.TotalMicroseconds, 0, Longest)]++;
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>Gets a copy of the counts.</summary>
    public long[] Snapshot() => [.. _histogram];

    /// <summary>Finds the time that so many of the datagrams between two snapshots took at most.</summary>
    public static double Percentile(long[] before, long[] after, double part)
    {
        var all = 0L;
        for (var i = 0; i < after.Length; i++)
        {
            all += after[i] - before[i];
        }

        var seen = 0L;
        for (var i = 0; i < after.Length; i++)
        {
            seen += after[i] - before[i];
            if (seen >= part * all)
            {
                return i;
            }
        }

        return Longest;
    }
}
