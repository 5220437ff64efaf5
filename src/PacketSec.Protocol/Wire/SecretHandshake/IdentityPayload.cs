namespace PacketSec.Protocol.Wire.SecretHandshake;

/// <summary>What <see cref="Message3"/> seals: the caller's Ed25519 key, in a length that any identity has.</summary>
internal readonly ref struct IdentityPayload : IWireMessage<IdentityPayload>
{
    /// <summary>The size in bytes.</summary>
    public const int Size = 64;

    private const int KeySize = 32;

    /// <summary>Makes a payload.</summary>
    /// <param name="key">32 bytes.</param>
    public IdentityPayload(ReadOnlySpan<byte> key) => Key = key;

    /// <summary>Gets the Ed25519 key.</summary>
    public ReadOnlySpan<byte> Key { get; }

    /// <inheritdoc/>
    public int EncodedLength => Size;

    /// <inheritdoc/>
    public static bool TryRead(scoped ref WireReader reader, out IdentityPayload message)
    {
        message = default;
        if (!reader.TryReadBytes(KeySize, out var key)
            || !reader.TryReadBytes(Size - KeySize, out var padding) || padding.ContainsAnyExcept((byte)0)
            || !reader.IsAtEnd)
        {
            return false;
        }

        message = new IdentityPayload(key);
        return true;
    }

    /// <inheritdoc/>
    public void WriteTo(ref WireWriter writer)
    {
        writer.WriteBytes(Key);
        writer.Take(Size - KeySize).Clear();
    }
}
