namespace PacketSec.Protocol.Wire.SecretHandshake;

/// <summary>The first message of <c>secret-handshake-1</c>: the caller's ephemeral key, and which transcript it is for.</summary>
//= spec/secret-handshake.md#message-1-layout
internal readonly ref struct Message1 : IWireMessage<Message1>
{
    /// <summary>The first word.</summary>
    public const uint Word = 0x00000008;

    /// <summary>The size in bytes without the MAC of a network: as much as it draws.</summary>
    public const int Size = Message2.Size;

    /// <summary>The part of the transcript in clear.</summary>
    public const int TagSize = 8;

    private const int PaddingSize = Size - PacketHeader.Size - Message2.KeySize - TagSize;

    /// <summary>Makes a message.</summary>
    /// <param name="ephemeral">32 bytes.</param>
    /// <param name="tag">8 bytes.</param>
    /// <param name="mac">16 bytes with a network key, else none.</param>
    public Message1(ReadOnlySpan<byte> ephemeral, ReadOnlySpan<byte> tag, ReadOnlySpan<byte> mac)
    {
        Ephemeral = ephemeral;
        Tag = tag;
        Mac = mac;
    }

    /// <summary>Gets the caller's ephemeral key.</summary>
    public ReadOnlySpan<byte> Ephemeral { get; }

    /// <summary>Gets the beginning of the transcript.</summary>
    public ReadOnlySpan<byte> Tag { get; }

    /// <summary>Gets the MAC of the network; empty without one.</summary>
    public ReadOnlySpan<byte> Mac { get; }

    /// <inheritdoc/>
    public int EncodedLength => Size + Mac.Length;

    /// <inheritdoc/>
    public static bool TryRead(scoped ref WireReader reader, out Message1 message)
    {
        message = default;
        if (!reader.TryReadUInt32(out var word) || word != Word
            || !reader.TryReadBytes(Message2.KeySize, out var ephemeral)
            || !reader.TryReadBytes(TagSize, out var tag)
            || !reader.TryReadBytes(PaddingSize, out var padding) || padding.ContainsAnyExcept((byte)0)
            || reader.Remaining is not (0 or Message2.MacSize))
        {
            return false;
        }

        message = new Message1(ephemeral, tag, reader.ReadRest());
        return true;
    }

    /// <inheritdoc/>
    public void WriteTo(ref WireWriter writer)
    {
        writer.WriteUInt32(Word);
        writer.WriteBytes(Ephemeral);
        writer.WriteBytes(Tag);
        writer.Take(PaddingSize).Clear();
        writer.WriteBytes(Mac);
    }
}
