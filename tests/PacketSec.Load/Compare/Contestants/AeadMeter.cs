using System.Diagnostics;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Wire;

namespace PacketSec.Load.Compare.Contestants;

/// <summary>The line of a program that measures the cipher by itself.</summary>
/// <param name="SealNs">Nanoseconds of CPU time to seal a datagram in memory.</param>
/// <param name="OpenNs">Nanoseconds to open it.</param>
internal sealed record AeadResult(double SealNs, double OpenNs);

/// <summary>What sealing and opening cost through the seam that endpoints use, measured as <c>aead.c</c> does.</summary>
internal static class AeadMeter
{
    private const int Round = 256;

    // The compiler takes up what has come in calls of the last 100 ms.
    private static readonly TimeSpan CompilerRest = TimeSpan.FromMilliseconds(250);

    public static AeadResult Measure(int payload, TimeSpan length)
    {
        using var aead = new PacketAead(CryptoProvider.Default);
        var key = new byte[32];
        key[0] = 1;
        var plaintext = GC.AllocateArray<byte>(payload, pinned: true);
        var datagram = GC.AllocateArray<byte>(payload + SpecLimits.DatagramOverhead, pinned: true);
        var counter = PacketCounter.FirstData;
        var sealing = Time(SealRound, length);
        aead.Seal(key, counter, plaintext, datagram);
        return new(sealing, Time(OpenRound, length));

        void SealRound()
        {
            for (var i = 0; i < Round; i++)
            {
                aead.Seal(key, new PacketCounter(counter.Value + (uint)i), plaintext, datagram);
            }
        }

        void OpenRound()
        {
            for (var i = 0; i < Round; i++)
            {
                if (!aead.TryOpen(key, counter, datagram, plaintext))
                {
                    throw new InvalidOperationException("A datagram that was sealed here does not open.");
                }
            }
        }
    }

    private static double Time(Action round, TimeSpan length)
    {
        Repeat(round, length / 10);
        Thread.Sleep(CompilerRest);
        Repeat(round, length / 10);
        var begin = Environment.CpuUsage.TotalTime;
        var rounds = Repeat(round, length);
        return (Environment.CpuUsage.TotalTime - begin).TotalNanoseconds / ((double)rounds * Round);
    }

    private static long Repeat(Action round, TimeSpan length)
    {
        var begin = Stopwatch.GetTimestamp();
        long rounds = 0;
        do
        {
            round();
            rounds++;
        }
        while (Stopwatch.GetElapsedTime(begin) < length);
        return rounds;
    }
}
