using PacketSec.Protocol;

namespace PacketSec.Simulation;

/// <summary>Time that passes only when it is told to.</summary>
public sealed class VirtualClock
{
    /// <summary>Midnight of 2026-01-01, UTC: the calendar's reading when a simulation begins.</summary>
    public static readonly TimeSpan UnixEpochOfSimulation = TimeSpan.FromSeconds(1_767_225_600);

    /// <summary>Gets the time. It begins at one hour, so that instants before the beginning are not negative.</summary>
    public Instant Now { get; private set; } = Beginning;

    public static Instant Beginning { get; } = new(3_600_000_000_000);

    /// <summary>Gets the tie to the calendar.</summary>
    public static WallClock WallClock { get; } = new(Beginning, UnixEpochOfSimulation);

    /// <summary>Gets the time since the beginning.</summary>
    public TimeSpan Elapsed => Now - Beginning;

    public void AdvanceTo(Instant at)
    {
        if (at < Now)
        {
            throw new ArgumentException($"The clock cannot go back from {Now} to {at}.", nameof(at));
        }

        Now = at;
    }
}
