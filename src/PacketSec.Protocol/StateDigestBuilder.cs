using System.Buffers;
using System.Buffers.Binary;
using PacketSec.Crypto;

namespace PacketSec.Protocol;

/// <summary>
/// Collects all state that matters into one SHA-256, so that a test can show that a datagram changed none of it. Secrets enter as they are and
/// leave only through the hash.
/// </summary>
internal sealed class StateDigestBuilder
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public void Add(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_bytes.GetSpan(8), value);
        _bytes.Advance(8);
    }

    public void Add(bool value) => Add(value ? 1L : 0L);

    public void Add(Instant? value) => Add(value?.Nanoseconds ?? -1);

    public void Add(in PathAddress path)
    {
        Add(path.Local);
        Add(path.Remote);
    }

    public void Add(in NetworkAddress address)
    {
        BinaryPrimitives.WriteUInt128LittleEndian(_bytes.GetSpan(16), address.Address);
        _bytes.Advance(16);
        Add(address.Port);
        Add(address.ScopeId);
    }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        Add((long)bytes.Length);
        _bytes.Write(bytes);
    }

    public byte[] ToDigest(ICryptoProvider crypto)
    {
        var digest = new byte[32];
        crypto.Hash(HashAlgorithm.Sha256, _bytes.WrittenSpan, default, digest);
        return digest;
    }
}
