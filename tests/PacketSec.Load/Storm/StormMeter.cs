using System.Buffers.Binary;
using System.Diagnostics;

namespace PacketSec.Load.Storm;

/// <summary>Counts the datagrams of a flow and how long each was under way, in microseconds.</summary>
internal sealed class StormMeter
{
    private const int Longest = 1_000_000;

    private readonly long[] _histogram = new long[Longest + 1];
    private readonly long[] _before = new long[Longest + 1];
    private readonly long[] _after = new long[Longest + 1];
    private long _count;

    public long Count => Volatile.Read(ref _count);

    /// <summary>Takes a datagram. Called by the receiving thread.</summary>
    public void Delivered(ReadOnlySpan<byte> payload)
    {
        var passed = Stopwatch.GetElapsedTime(BinaryPrimitives.ReadInt64LittleEndian(payload));
        _histogram[(int)Math.Clamp(passed.TotalMicroseconds, 0, Longest)]++;
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>Begins to measure: what has been counted so far is left out. Takes no memory, which the collector would stop all threads for.</summary>
    public void Begin() => _histogram.CopyTo(_before, 0);

    /// <summary>Finds the time that so many of the datagrams since <see cref="Begin"/> took at most.</summary>
    public double Percentile(double part)
    {
        _histogram.CopyTo(_after, 0);
        var all = 0L;
        for (var i = 0; i < _after.Length; i++)
        {
            all += _after[i] - _before[i];
        }

        var seen = 0L;
        for (var i = 0; i < _after.Length; i++)
        {
            seen += _after[i] - _before[i];
            if (seen >= part * all)
            {
                return i;
            }
        }

        return Longest;
    }
}
