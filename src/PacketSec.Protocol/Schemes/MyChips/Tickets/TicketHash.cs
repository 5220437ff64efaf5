using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using PacketSec.Crypto;

namespace PacketSec.Protocol.Schemes.MyChips.Tickets;

/// <summary>SHA-256 of a ticket's token: what a responder knows a ticket by. It is no secret.</summary>
/// <remarks>Immutable, and safe to share between threads.</remarks>
public sealed class TicketHash : IEquatable<TicketHash>
{
    /// <summary>The size in bytes.</summary>
    public const int Size = 32;

    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdef");

    private readonly byte[] _bytes;

    private TicketHash(byte[] bytes) => _bytes = bytes;

    /// <summary>Gets the bytes.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Hashes a token.</summary>
    /// <param name="token">The token as it came from the initiator, of any length.</param>
    /// <param name="crypto">Computes the hash.</param>
    //= spec/mychips.md#token-hashed
    public static TicketHash Of(ReadOnlySpan<byte> token, ICryptoProvider crypto)
    {
        ArgumentNullException.ThrowIfNull(crypto);
        var hash = new byte[Size];
        crypto.Hash(HashAlgorithm.Sha256, token, default, hash);
        return new(hash);
    }

    /// <summary>Reads a hash from its bytes.</summary>
    /// <param name="bytes">The bytes; copied.</param>
    /// <param name="hash">The hash.</param>
    /// <returns>False unless there are 32.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out TicketHash? hash)
    {
        hash = bytes.Length == Size ? new(bytes.ToArray()) : null;
        return hash is not null;
    }

    /// <summary>Reads a hash from its text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="hash">The hash.</param>
    /// <returns>False unless it is 64 hexadecimal digits in lower case.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out TicketHash? hash)
    {
        hash = null;
        if (text.Length != 2 * Size || text.ContainsAnyExcept(Digits))
        {
            return false;
        }

        hash = new(Convert.FromHexString(text));
        return true;
    }

    /// <summary>Tells whether two hashes are equal, or both null.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator ==(TicketHash? left, TicketHash? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Tells whether two hashes differ.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator !=(TicketHash? left, TicketHash? right) => !(left == right);

    /// <inheritdoc/>
    public bool Equals([NotNullWhen(true)] TicketHash? other) => other is not null && Bytes.SequenceEqual(other.Bytes);

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => Equals(obj as TicketHash);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(_bytes);
        return hash.ToHashCode();
    }

    /// <summary>Returns the 64 hexadecimal digits, in lower case.</summary>
    public override string ToString() => Convert.ToHexStringLower(_bytes);
}
