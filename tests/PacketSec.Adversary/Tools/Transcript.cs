using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Tools;

/// <summary>Compares what two worlds let be seen.</summary>
internal static class Transcript
{
    /// <summary>Returns the index of the first datagram that differs in direction, size or time, or null where none does.</summary>
    public static int? FirstShapeDifference(IReadOnlyList<RecordedDatagram> one, IReadOnlyList<RecordedDatagram> other)
    {
        for (var i = 0; i < Math.Max(one.Count, other.Count); i++)
        {
            if (i >= one.Count || i >= other.Count || one[i].At != other[i].At || one[i].From != other[i].From || one[i].To != other[i].To
                || one[i].Bytes.Length != other[i].Bytes.Length)
            {
                return i;
            }
        }

        return null;
    }

    /// <summary>Returns how many datagrams at the beginning are the same byte by byte.</summary>
    public static int EqualBytes(IReadOnlyList<RecordedDatagram> one, IReadOnlyList<RecordedDatagram> other)
    {
        var count = 0;
        while (count < one.Count && count < other.Count && one[count].Bytes.AsSpan().SequenceEqual(other[count].Bytes))
        {
            count++;
        }

        return count;
    }

    /// <summary>Returns what an observer can remember of a run without its times: who sent how much in what order.</summary>
    public static string Outline(IReadOnlyList<RecordedDatagram> recording)
        => string.Join(';', recording.Select(datagram => $"{datagram.From}>{datagram.To} {datagram.Bytes.Length}"));
}
