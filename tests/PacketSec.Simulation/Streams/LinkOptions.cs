namespace PacketSec.Simulation.Streams;

/// <summary>One direction of a path for packets of streams.</summary>
internal sealed record LinkOptions
{
    /// <summary>Gets the rate in bits per second.</summary>
    public double BitsPerSecond { get; init; } = 100e6;

    /// <summary>Gets the time that each packet takes besides its own length.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Gets the bytes that wait before the link at most.</summary>
    public long QueueBytes { get; init; } = 256 * 1024;

    /// <summary>Gets how likely a packet is lost besides a full queue.</summary>
    public double Loss { get; init; }

    /// <summary>Gets how likely a packet comes later than those behind it.</summary>
    public double Reorder { get; init; }

    /// <summary>Gets how likely a packet comes twice.</summary>
    public double Duplicate { get; init; }

    /// <summary>Gets the largest UDP payload that the link carries; larger ones vanish.</summary>
    public int MaxDatagram { get; init; } = 1472;

    /// <summary>Gets whether nothing gets through.</summary>
    public bool IsDown { get; init; }
}
