namespace PacketSec.Protocol.Negotiation;

/// <summary>Who of two peers that propose at once initiates. A pure function of their IDs.</summary>
internal static class LeaderElection
{
    /// <summary>Compares two peer IDs as unsigned big-endian numbers: below zero when the first one leads, zero when they are one.</summary>
    //= spec/psec.md#leader
    public static int Compare(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        first = first.TrimStart((byte)0);
        second = second.TrimStart((byte)0);
        return first.Length != second.Length ? first.Length.CompareTo(second.Length) : first.SequenceCompareTo(second);
    }
}
