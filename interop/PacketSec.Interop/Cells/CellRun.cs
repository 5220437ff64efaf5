using PacketSec.Interop.Faults;
using PacketSec.Interop.Peers;

namespace PacketSec.Interop.Cells;

/// <summary>One run of a cell: its seed, its keys, and what was counted.</summary>
internal sealed class CellRun(ulong seed, CancellationToken token) : IDisposable
{
    private readonly List<Func<PacketClass, FaultCounts>> _paths = [];

    public ulong Seed => seed;

    public CancellationToken Token => token;

    public KeyRing Keys { get; } = new();

    public long Sent { get; private set; }

    public long Echoed { get; private set; }

    public long Duplicated { get; private set; }

    public long Sessions { get; private set; }

    /// <summary>Gets or sets the figures of a cell in which both sides dial.</summary>
    public Meetings? Meetings { get; set; }

    /// <summary>Opens a path with faults; its counts go into the report.</summary>
    public FaultProxy OpenPath(IListener listener, FaultProfile profile, DatagramFilter? filter = null)
    {
        var path = new FaultProxy(listener.Address, profile, seed, filter);
        _paths.Add(path.Counts);
        return path;
    }

    /// <summary>Takes a path that was opened elsewhere; its counts go into the report.</summary>
    public void Add(TwoWayProxy path) => _paths.Add(path.Counts);

    public FaultCounts Counts(PacketClass packetClass)
        => _paths.Select(count => count(packetClass)).Aggregate(new FaultCounts(), (sum, counts) => sum + counts);

    /// <summary>Takes the outcome of a dial, which ended as it should or fails the cell.</summary>
    public void Take(DialOutcome outcome, EndReason expected)
    {
        Count(outcome);
        Require(outcome.Reason == expected, $"the dial ended as {outcome.Reason}, not {expected}: {outcome.Detail}");
        Require(outcome.Duplicated == 0, $"{outcome.Duplicated} datagrams were delivered twice");
    }

    /// <summary>Adds an outcome to the figures.</summary>
    public void Count(DialOutcome outcome)
    {
        Sent += outcome.Sent;
        Echoed += outcome.Echoed;
        Duplicated += outcome.Duplicated;
        Sessions += outcome.Sessions.Count;
    }

    public void Require(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw new CellFailure(otherwise);
        }
    }

    public void Dispose() => Keys.Dispose();
}
