namespace PacketSec.Load.Compare;

/// <summary>Ours and the program in C with a payload of one size.</summary>
/// <param name="Payload">Bytes of the application in each datagram.</param>
/// <param name="Batch">Datagrams in each system call that sends.</param>
/// <param name="Result">What was measured.</param>
internal sealed record PayloadPoint(int Payload, int Batch, ComparisonResult Result);

/// <summary>Ours and the program in C with a number of peers.</summary>
/// <param name="Peers">How many send in turn.</param>
/// <param name="Burst">How many datagrams of each at once.</param>
/// <param name="Result">What was measured.</param>
internal sealed record PeersPoint(int Peers, int Burst, ComparisonResult Result);

/// <summary>Where the CPU time of one side goes, in nanoseconds for a datagram.</summary>
/// <param name="Side"><c>sending</c> or <c>receiving</c>.</param>
/// <param name="Total">User and system time of the process within the window.</param>
/// <param name="System">Its system time.</param>
/// <param name="Cryptography">What the cipher takes in memory, measured between the runs.</param>
internal sealed record SideStages(string Side, Figure Total, Figure System, Figure Cryptography)
{
    /// <summary>Gets what is left of ours: checks, windows, tables, timers, and what shared caches cost the cipher.</summary>
    public double OurRest { get; init; } = Total.Ours - System.Ours - Cryptography.Ours;

    /// <summary>Gets what is left of the other.</summary>
    public double OtherRest { get; init; } = Total.Other - System.Other - Cryptography.Other;
}

/// <summary>All that one call of <c>sweep</c> found; the JSON has these names.</summary>
/// <param name="Machine">Where.</param>
/// <param name="Pairs">How often each contestant ran at each point.</param>
/// <param name="Seconds">The measured part of each run.</param>
/// <param name="Pinned">Whether sender and receiver had a core each to themselves.</param>
/// <param name="StagePayload">The payload of <paramref name="Stages"/> in bytes.</param>
/// <param name="Payloads">By size.</param>
/// <param name="PeerCounts">By number of peers, for each burst.</param>
/// <param name="Stages">By side.</param>
internal sealed record SweepReport(
    Machine Machine,
    int Pairs,
    int Seconds,
    bool Pinned,
    int StagePayload,
    IReadOnlyList<PayloadPoint> Payloads,
    IReadOnlyList<PeersPoint> PeerCounts,
    IReadOnlyList<SideStages> Stages);
