using PacketSec.Libp2p.Transports;

namespace PacketSec.Libp2p.Datagrams;

/// <summary>The flows of one connection: hands each datagram to its flow.</summary>
internal sealed class FlowTable(IConnection connection)
{
    /// <summary>How many flows a connection may have at once, in both directions together.</summary>
    public const int MaxFlows = 256;

    private const int UsualSize = 2048;
    private const int LargestSize = ushort.MaxValue;

    private readonly Lock _gate = new();
    private readonly Dictionary<long, DatagramFlow> _flows = [];
    private readonly EarlyDatagrams _early = new();
    private long _dropped;

    /// <summary>Gets how many datagrams came for no flow.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Adds a flow whose control stream is negotiated.</summary>
    /// <returns>The flow, or null when there are too many.</returns>
    //= spec/libp2p.md#flow-count
    public DatagramFlow? TryAdd(IStream control, string protocol)
    {
        lock (_gate)
        {
            if (_flows.Count >= MaxFlows)
            {
                return null;
            }

            var flow = new DatagramFlow(connection, control, protocol, Remove);
            _flows[control.Id] = flow;
            foreach (var payload in _early.Take(control.Id))
            {
                flow.Deliver(payload);
            }

            return flow;
        }
    }

    /// <summary>Takes a datagram that came.</summary>
    public void Route(ReadOnlySpan<byte> datagram)
    {
        if (!FlowDatagram.TryRead(datagram, out var number, out var payload))
        {
            Interlocked.Increment(ref _dropped);
            return;
        }

        lock (_gate)
        {
            if (_flows.TryGetValue(number, out var flow))
            {
                flow.Deliver(payload.ToArray());
            }
            else
            {
                Interlocked.Add(ref _dropped, _early.Keep(number, payload));
            }
        }
    }

    /// <summary>Receives until the connection is over.</summary>
    public async Task RunAsync()
    {
        var buffer = new byte[UsualSize];
        while (true)
        {
            try
            {
                var length = await connection.ReceiveDatagramAsync(buffer).ConfigureAwait(false);
                Route(buffer.AsSpan(0, length));
            }
            catch (Libp2pException e) when (e.Error == Libp2pError.TooLarge && buffer.Length < LargestSize)
            {
                // It waits for a larger buffer.
                buffer = new byte[LargestSize];
            }
            catch (Libp2pException)
            {
                return;
            }
        }
    }

    private void Remove(DatagramFlow flow)
    {
        lock (_gate)
        {
            _flows.Remove(flow.Id);
        }
    }
}
