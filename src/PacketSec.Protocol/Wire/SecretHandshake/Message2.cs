namespace PacketSec.Protocol.Wire.SecretHandshake;

/// <summary>The answer to <see cref="Message1"/>: an ephemeral key that the responder can make again, and the cookie that says how.</summary>
//= spec/secret-handshake.md#message-2-layout
internal readonly ref struct Message2 : IWireMessage<Message2>
{
    /// <summary>The first word.</summary>
    public const uint Word = 0x80000009;

    /// <summary>The size in bytes without the MAC of a network.</summary>
    public const int Size = PacketHeader.Size + CallSize + KeySize + CookieSize;

    /// <summary>How much of the caller's ephemeral key says which call is answered.</summary>
    public const int CallSize = 8;

    /// <summary>The size of an ephemeral key.</summary>
    public const int KeySize = 32;

    /// <summary>The size of a cookie.</summary>
    public const int CookieSize = 36;

    /// <summary>The size of a network's MAC.</summary>
    public const int MacSize = 16;

    /// <summary>Makes a message.</summary>
    /// <param name="call">8 bytes.</param>
    /// <param name="ephemeral">32 bytes.</param>
    /// <param name="cookie">36 bytes.</param>
    /// <param name="mac">16 bytes with a network key, else none.</param>
    public Message2(ReadOnlySpan<byte> call, ReadOnlySpan<byte> ephemeral, ReadOnlySpan<byte> cookie, ReadOnlySpan<byte> mac)
    {
        Call = call;
        Ephemeral = ephemeral;
        Cookie = cookie;
        Mac = mac;
    }

    /// <summary>Gets the beginning of the ephemeral key of the message that is answered.</summary>
    public ReadOnlySpan<byte> Call { get; }

    /// <summary>Gets the responder's ephemeral key.</summary>
    public ReadOnlySpan<byte> Ephemeral { get; }

    /// <summary>Gets what is to be sent back.</summary>
    public ReadOnlySpan<byte> Cookie { get; }

    /// <summary>Gets the MAC of the network; empty without one.</summary>
    public ReadOnlySpan<byte> Mac { get; }

    /// <inheritdoc/>
    public int EncodedLength => Size + Mac.Length;

    /// <inheritdoc/>
    public static bool TryRead(scoped ref WireReader reader, out Message2 message)
    {
        message = default;
        if (!reader.TryReadUInt32(out var word) || word != Word
            || !reader.TryReadBytes(CallSize, out var call)
            || !reader.TryReadBytes(KeySize, out var ephemeral)
            || !reader.TryReadBytes(CookieSize, out var cookie)
            || reader.Remaining is not (0 or MacSize))
        {
            return false;
        }

        message = new Message2(call, ephemeral, cookie, reader.ReadRest());
        return true;
    }

    /// <inheritdoc/>
    public void WriteTo(ref WireWriter writer)
    {
        writer.WriteUInt32(Word);
        writer.WriteBytes(Call);
        writer.WriteBytes(Ephemeral);
        writer.WriteBytes(Cookie);
        writer.WriteBytes(Mac);
    }
}
