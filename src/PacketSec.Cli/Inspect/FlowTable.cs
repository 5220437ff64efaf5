using System.Net;

namespace PacketSec.Cli.Inspect;

/// <summary>What was seen between pairs of addresses. Past the bound the oldest pair is forgotten: whoever sends chooses addresses at will.</summary>
internal sealed class FlowTable
{
    /// <summary>The pairs that are remembered.</summary>
    public const int MaxFlows = 65_536;

    private readonly Dictionary<(IPEndPoint, IPEndPoint), FlowState> _flows = [];
    private readonly Queue<(IPEndPoint, IPEndPoint)> _order = new();

    /// <summary>Returns what is known, and which side the sender is.</summary>
    public (FlowState Flow, int Side) Find(IPEndPoint from, IPEndPoint to)
    {
        var side = IsBefore(from, to) ? 0 : 1;
        var key = side == 0 ? (from, to) : (to, from);
        if (!_flows.TryGetValue(key, out var flow))
        {
            if (_flows.Count == MaxFlows)
            {
                _flows.Remove(_order.Dequeue());
            }

            flow = new();
            _flows.Add(key, flow);
            _order.Enqueue(key);
        }

        return (flow, side);
    }

    private static bool IsBefore(IPEndPoint one, IPEndPoint other)
    {
        var order = one.Address.GetAddressBytes().AsSpan().SequenceCompareTo(other.Address.GetAddressBytes());
        return order == 0 ? one.Port <= other.Port : order < 0;
    }
}
