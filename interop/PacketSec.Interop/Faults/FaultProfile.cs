namespace PacketSec.Interop.Faults;

/// <summary>How often what happens to datagrams of one class; each figure is a probability.</summary>
internal readonly record struct ClassFaults(double Loss = 0, double Duplicate = 0, double Late = 0, double Corrupt = 0);

/// <summary>What a path does to the datagrams on it, in both directions alike.</summary>
internal sealed record FaultProfile
{
    public static FaultProfile Clean { get; } = new();

    public ClassFaults Handshake { get; init; }

    public ClassFaults Data { get; init; }

    /// <summary>Gets what every datagram takes.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>Gets what a late datagram, or a duplicate, takes on top at most: later ones overtake it meanwhile.</summary>
    public TimeSpan LateBy { get; init; } = TimeSpan.FromMilliseconds(20);

    public ClassFaults Of(PacketClass packetClass) => packetClass == PacketClass.Handshake ? Handshake : Data;
}
