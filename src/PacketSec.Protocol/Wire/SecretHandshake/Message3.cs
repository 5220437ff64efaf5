namespace PacketSec.Protocol.Wire.SecretHandshake;

/// <summary>The finish of <c>secret-handshake-1</c>: what the responder needs to make its keys again, and the sealed identity of the caller.</summary>
//= spec/secret-handshake.md#message-3-layout
internal readonly ref struct Message3 : IWireMessage<Message3>
{
    /// <summary>The first word.</summary>
    public const uint Word = 0x0000000A;

    /// <summary>The size in bytes.</summary>
    public const int Size = PacketHeader.Size + Message2.CookieSize + Message2.KeySize + NoiseSize;

    /// <summary>The size of the Noise message: the static key and the identity, each with a tag.</summary>
    public const int NoiseSize = Message2.KeySize + SpecLimits.TagSize + IdentityPayload.Size + SpecLimits.TagSize;

    /// <summary>Makes a message.</summary>
    /// <param name="cookie">36 bytes.</param>
    /// <param name="ephemeral">32 bytes.</param>
    /// <param name="noise">128 bytes.</param>
    public Message3(ReadOnlySpan<byte> cookie, ReadOnlySpan<byte> ephemeral, ReadOnlySpan<byte> noise)
    {
        Cookie = cookie;
        Ephemeral = ephemeral;
        Noise = noise;
    }

    /// <summary>Gets the cookie.</summary>
    public ReadOnlySpan<byte> Cookie { get; }

    /// <summary>Gets the caller's ephemeral key.</summary>
    public ReadOnlySpan<byte> Ephemeral { get; }

    /// <summary>Gets the third message of the Noise handshake.</summary>
    public ReadOnlySpan<byte> Noise { get; }

    /// <inheritdoc/>
    public int EncodedLength => Size;

    /// <inheritdoc/>
    public static bool TryRead(scoped ref WireReader reader, out Message3 message)
    {
        message = default;
        if (!reader.TryReadUInt32(out var word) || word != Word
            || !reader.TryReadBytes(Message2.CookieSize, out var cookie)
            || !reader.TryReadBytes(Message2.KeySize, out var ephemeral)
            || !reader.TryReadBytes(NoiseSize, out var noise)
            || !reader.IsAtEnd)
        {
            return false;
        }

        message = new Message3(cookie, ephemeral, noise);
        return true;
    }

    /// <inheritdoc/>
    public void WriteTo(ref WireWriter writer)
    {
        writer.WriteUInt32(Word);
        writer.WriteBytes(Cookie);
        writer.WriteBytes(Ephemeral);
        writer.WriteBytes(Noise);
    }
}
