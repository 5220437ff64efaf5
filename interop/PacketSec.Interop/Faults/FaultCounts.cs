namespace PacketSec.Interop.Faults;

/// <summary>What happened to the datagrams of one class and direction.</summary>
internal sealed record FaultCounts
{
    /// <summary>Gets those that came in. The other figures overlap: a datagram may be late and corrupted and have a copy.</summary>
    public long Received { get; init; }

    public long Lost { get; init; }

    public long Duplicated { get; init; }

    public long Late { get; init; }

    public long Corrupted { get; init; }

    /// <summary>Gets those that came while the path was cut, or over a bound of the proxy.</summary>
    public long Cut { get; init; }

    public static FaultCounts operator +(FaultCounts left, FaultCounts right) => new()
    {
        Received = left.Received + right.Received,
        Lost = left.Lost + right.Lost,
        Duplicated = left.Duplicated + right.Duplicated,
        Late = left.Late + right.Late,
        Corrupted = left.Corrupted + right.Corrupted,
        Cut = left.Cut + right.Cut,
    };

    public override string ToString()
    {
        var parts = new[] { (Lost, "lost"), (Duplicated, "doubled"), (Late, "late"), (Corrupted, "corrupted"), (Cut, "cut") };
        return string.Join(", ", parts.Where(part => part.Item1 > 0).Select(part => $"{part.Item1} {part.Item2}").Prepend($"{Received}"));
    }
}
