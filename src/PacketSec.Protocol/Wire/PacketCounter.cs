using System.Buffers.Binary;
using System.Globalization;

namespace PacketSec.Protocol.Wire;

/// <summary>The 31-bit counter of a packet. It cannot wrap: a counter has a successor or none, and nothing else increments.</summary>
internal readonly record struct PacketCounter : IComparable<PacketCounter>
{
    /// <summary>The largest value, 2^31 - 1.</summary>
    public const uint MaxValue = (1U << 31) - 1;

    /// <summary>Creates a counter.</summary>
    /// <param name="value">0 to 2^31 - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The value has more than 31 bits.</exception>
    public PacketCounter(uint value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, MaxValue);
        Value = value;
    }

    /// <summary>Gets the counter of the first data packet of a session and direction: 0 to 15 belong to handshakes.</summary>
    public static PacketCounter FirstData => new(16);

    /// <summary>Gets the counter of the closing message.</summary>
    public static PacketCounter Closing => new(MaxValue);

    /// <summary>Gets the number.</summary>
    public uint Value { get; }

    /// <summary>Gets the next counter.</summary>
    /// <param name="next">The next counter; this one where there is none.</param>
    /// <returns>False after 2^31 - 1.</returns>
    public bool TryNext(out PacketCounter next)
    {
        next = Value == MaxValue ? this : new PacketCounter(Value + 1);
        return Value != MaxValue;
    }

    /// <summary>Writes the AEAD nonce of this counter: 4 zero bytes, then the counter as a 64-bit little-endian number.</summary>
    /// <param name="nonce">12 bytes.</param>
    //= spec/p2pke.md#data-layout
    public void WriteNonce(Span<byte> nonce)
    {
        if (nonce.Length != 12)
        {
            throw new ArgumentException("A nonce has 12 bytes.", nameof(nonce));
        }

        nonce[..4].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(nonce[4..], Value);
    }

    /// <inheritdoc/>
    public int CompareTo(PacketCounter other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);

    public static bool operator <(PacketCounter left, PacketCounter right) => left.Value < right.Value;

    public static bool operator >(PacketCounter left, PacketCounter right) => left.Value > right.Value;

    public static bool operator <=(PacketCounter left, PacketCounter right) => left.Value <= right.Value;

    public static bool operator >=(PacketCounter left, PacketCounter right) => left.Value >= right.Value;
}
