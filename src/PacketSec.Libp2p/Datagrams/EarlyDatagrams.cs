namespace PacketSec.Libp2p.Datagrams;

/// <summary>Datagrams that came before the negotiation of their flow was over. The oldest makes place for the newest.</summary>
/// <remarks>Not safe for several threads at once.</remarks>
internal sealed class EarlyDatagrams
{
    /// <summary>How many are kept for a connection.</summary>
    public const int MaxCount = 64;

    /// <summary>How many bytes are kept for a connection.</summary>
    public const int MaxBytes = 64 * 1024;

    private readonly LinkedList<(long Flow, byte[] Payload)> _kept = new();
    private int _bytes;

    /// <summary>Keeps one.</summary>
    /// <returns>How many had to go.</returns>
    //= spec/libp2p.md#flow-early
    public int Keep(long flow, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > MaxBytes)
        {
            return 1;
        }

        _kept.AddLast((flow, payload.ToArray()));
        _bytes += payload.Length;
        var gone = 0;
        while (_kept.Count > MaxCount || _bytes > MaxBytes)
        {
            _bytes -= _kept.First!.Value.Payload.Length;
            _kept.RemoveFirst();
            gone++;
        }

        return gone;
    }

    /// <summary>Takes those of one flow, in the order they came in.</summary>
    public IReadOnlyList<byte[]> Take(long flow)
    {
        var taken = new List<byte[]>();
        for (var node = _kept.First; node is not null;)
        {
            var next = node.Next;
            if (node.Value.Flow == flow)
            {
                taken.Add(node.Value.Payload);
                _bytes -= node.Value.Payload.Length;
                _kept.Remove(node);
            }

            node = next;
        }

        return taken;
    }
}
