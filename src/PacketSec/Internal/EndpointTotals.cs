using PacketSec.Protocol;

namespace PacketSec.Internal;

/// <summary>Sums of counters over machines, past ones included.</summary>
internal sealed class EndpointTotals
{
    private static readonly DropReason[] Reasons = [.. Enum.GetValues<DropReason>().Where(reason => reason != DropReason.None)];

    public long HandshakesBegun { get; set; }

    public long HandshakesFinished { get; set; }

    public long CachedAnswers { get; set; }

    public long Sessions { get; private set; }

    public long DatagramsSent { get; private set; }

    public long BytesSent { get; private set; }

    public long DatagramsReceived { get; private set; }

    public long BytesReceived { get; private set; }

    public Dictionary<DropReason, long> Drops { get; } = [];

    public static Dictionary<DropReason, long> ToDictionary(DropCounters drops)
    {
        var totals = new EndpointTotals();
        totals.Add(drops);
        return totals.Drops;
    }

    public void Add(PeerMachine machine)
    {
        var counters = machine.Statistics;
        CachedAnswers += counters.CachedAnswers;
        Sessions += counters.SessionsConfirmed;
        DatagramsSent += counters.DatagramsSent;
        BytesSent += counters.BytesSent;
        DatagramsReceived += counters.DatagramsReceived;
        BytesReceived += counters.BytesReceived;
        Add(machine.Drops);
    }

    public void Add(EndpointMachine machine)
    {
        HandshakesBegun += machine.HandshakesBegun;
        HandshakesFinished += machine.HandshakesFinished;
        CachedAnswers += machine.CachedAnswers;
        Add(machine.Drops);
    }

    public void Add(EndpointTotals other)
    {
        HandshakesBegun += other.HandshakesBegun;
        HandshakesFinished += other.HandshakesFinished;
        CachedAnswers += other.CachedAnswers;
        Sessions += other.Sessions;
        DatagramsSent += other.DatagramsSent;
        BytesSent += other.BytesSent;
        DatagramsReceived += other.DatagramsReceived;
        BytesReceived += other.BytesReceived;
        foreach (var (reason, count) in other.Drops)
        {
            AddDrops(reason, count);
        }
    }

    public void AddDrops(DropReason reason, long count)
    {
        if (count > 0)
        {
            Drops[reason] = Drops.GetValueOrDefault(reason) + count;
        }
    }

    private void Add(DropCounters drops)
    {
        foreach (var reason in Reasons)
        {
            AddDrops(reason, drops[reason]);
        }
    }
}
