using System.Runtime.CompilerServices;
using PacketSec.Crypto;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol;

/// <summary>
/// The packet cipher of one thread: a context for each direction, which takes its key with each packet, so that sessions own no native memory.
/// </summary>
/// <remarks>Not thread-safe: one for each thread that calls into machines.</remarks>
public sealed class PacketAead : IDisposable
{
    private readonly AeadContext _seal;
    private readonly AeadContext _open;

    /// <summary>Creates the contexts.</summary>
    /// <param name="crypto">The provider.</param>
    public PacketAead(ICryptoProvider crypto)
    {
        ArgumentNullException.ThrowIfNull(crypto);
        _seal = crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
        _open = crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
    }

    /// <summary>
    /// Wipes the key that each context keeps from its last packet. To be called when a session has ended
    /// (<see cref="PeerEvent.SessionEnded"/>) on every cipher that may have served it: the machine wipes its own copy only.
    /// </summary>
    public void ForgetKeys()
    {
        _seal.ForgetKeys();
        _open.ForgetKeys();
    }

    /// <summary>Frees the contexts and wipes the keys in them.</summary>
    public void Dispose()
    {
        _seal.Dispose();
        _open.Dispose();
    }

    /// <summary>Seals a payload behind the header that already stands in the packet.</summary>
    //= spec/p2pke.md#data-layout
    [SkipLocalsInit]
    internal static void Seal(
        AeadContext aead, ReadOnlySpan<byte> key, PacketCounter counter, ReadOnlySpan<byte> payload, Span<byte> packet, int headerSize = SpecLimits.HeaderSize)
    {
        Span<byte> nonce = stackalloc byte[AeadContext.NonceSize];
        counter.WriteNonce(nonce);
        aead.Seal(key, nonce, packet[..headerSize], payload, packet[headerSize..]);
    }

    /// <summary>Opens a packet of at least header and tag.</summary>
    [SkipLocalsInit]
    internal static bool TryOpen(
        AeadContext aead, ReadOnlySpan<byte> key, PacketCounter counter, ReadOnlySpan<byte> packet, Span<byte> payload, int headerSize = SpecLimits.HeaderSize)
    {
        Span<byte> nonce = stackalloc byte[AeadContext.NonceSize];
        counter.WriteNonce(nonce);
        return aead.TryOpen(key, nonce, packet[..headerSize], packet[headerSize..], payload);
    }

    internal void Seal(ReadOnlySpan<byte> key, PacketCounter counter, ReadOnlySpan<byte> payload, Span<byte> packet, int headerSize = SpecLimits.HeaderSize)
        => Seal(_seal, key, counter, payload, packet, headerSize);

    internal bool TryOpen(ReadOnlySpan<byte> key, PacketCounter counter, ReadOnlySpan<byte> packet, Span<byte> payload, int headerSize = SpecLimits.HeaderSize)
        => TryOpen(_open, key, counter, packet, payload, headerSize);
}
