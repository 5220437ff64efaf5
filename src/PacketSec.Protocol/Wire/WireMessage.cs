namespace PacketSec.Protocol.Wire;

/// <summary>Whole messages from and to spans.</summary>
internal static class WireMessage
{
    /// <summary>Reads a message that is all of the bytes.</summary>
    /// <typeparam name="T">The message.</typeparam>
    /// <param name="bytes">The bytes as received.</param>
    /// <param name="message">The message, a view of the bytes.</param>
    /// <returns>False when the bytes are not such a message.</returns>
    public static bool TryRead<T>(ReadOnlySpan<byte> bytes, out T message)
        where T : struct, IWireMessage<T>, allows ref struct
    {
        var reader = new WireReader(bytes);
        return T.TryRead(ref reader, out message) && reader.IsAtEnd;
    }

    /// <summary>Writes a message to the front of a buffer.</summary>
    /// <typeparam name="T">The message.</typeparam>
    /// <param name="message">The message.</param>
    /// <param name="destination">At least its encoded length.</param>
    /// <returns>How many bytes were written.</returns>
    public static int Write<T>(in T message, Span<byte> destination)
        where T : struct, IWireMessage<T>, allows ref struct
    {
        var writer = new WireWriter(destination);
        message.WriteTo(ref writer);
        return writer.Length;
    }
}
