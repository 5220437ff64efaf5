using PacketSec.Protocol;

namespace PacketSec.Benchmarks.Rig;

/// <summary>
/// Datagrams that were sealed beforehand. The buffer is larger than the caches near a core and always used from front to back, so that
/// reading it costs whoever opens it the same.
/// </summary>
internal sealed class Batch(int count, int payloadSize)
{
    private readonly int _size = payloadSize + SpecLimits.DatagramOverhead;
    private readonly byte[] _bytes = GC.AllocateArray<byte>(count * (payloadSize + SpecLimits.DatagramOverhead), pinned: true);
    private readonly byte[] _payload = new byte[payloadSize];

    public int Count => count;

    public Span<byte> Bytes => _bytes;

    public Span<byte> this[int index] => _bytes.AsSpan(index * _size, _size);

    /// <summary>Seals new datagrams, those of the clients in turn.</summary>
    public void Seal(Instant now, PacketAead aead, IReadOnlyList<Peering> peerings)
    {
        var next = 0;
        for (var i = 0; i < count; i++)
        {
            if (peerings[next].Client.TrySeal(now, aead, _payload, this[i], out _, out _) != SealResult.Sealed)
            {
                throw new InvalidOperationException("A session that is open does not seal.");
            }

            next = next + 1 == peerings.Count ? 0 : next + 1;
        }
    }

    /// <summary>Makes each tag wrong, under a counter that no window has seen: it is tried with every session.</summary>
    public void Forge()
    {
        for (var i = 0; i < count; i++)
        {
            this[i][0] |= 0x40;
            this[i][^1] ^= 1;
        }
    }
}
