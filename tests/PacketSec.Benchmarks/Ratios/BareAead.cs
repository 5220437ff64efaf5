using System.Buffers.Binary;
using PacketSec.Crypto;
using PacketSec.Protocol;

namespace PacketSec.Benchmarks.Ratios;

/// <summary>The cipher calls of a packet through the seam, and nothing else.</summary>
internal sealed class BareAead(ICryptoProvider crypto) : IDisposable
{
    private readonly AeadContext _aead = crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);

    public void Seal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> payload, Span<byte> packets, int count)
    {
        Span<byte> nonce = stackalloc byte[AeadContext.NonceSize];
        nonce.Clear();
        var size = payload.Length + SpecLimits.DatagramOverhead;
        for (var i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(nonce[4..], (ulong)i);
            var packet = packets.Slice(i * size, size);
            _aead.Seal(key, nonce, packet[..SpecLimits.HeaderSize], payload, packet[SpecLimits.HeaderSize..]);
        }
    }

    public void Open(ReadOnlySpan<byte> key, ReadOnlySpan<byte> packets, Span<byte> payload, int count)
    {
        Span<byte> nonce = stackalloc byte[AeadContext.NonceSize];
        nonce.Clear();
        var size = payload.Length + SpecLimits.DatagramOverhead;
        for (var i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(nonce[4..], (ulong)i);
            var packet = packets.Slice(i * size, size);
            if (!_aead.TryOpen(key, nonce, packet[..SpecLimits.HeaderSize], packet[SpecLimits.HeaderSize..], payload))
            {
                throw new InvalidOperationException("A genuine packet does not open.");
            }
        }
    }

    public void Dispose() => _aead.Dispose();
}
