namespace PacketSec.Protocol.Wire;

/// <summary>
/// A message with one byte layout. Reading takes nothing from the heap: a message read from a datagram is a view of it and lives no longer.
/// </summary>
/// <typeparam name="TSelf">The message itself.</typeparam>
internal interface IWireMessage<TSelf>
    where TSelf : struct, IWireMessage<TSelf>, allows ref struct
{
    /// <summary>Gets the exact number of bytes <see cref="WriteTo"/> writes.</summary>
    int EncodedLength { get; }

    /// <summary>Reads a message that takes all the bytes that remain.</summary>
    /// <param name="reader">The reader; its position is unspecified after a failure.</param>
    /// <param name="message">The message.</param>
    /// <returns>False when the bytes are not such a message.</returns>
    static abstract bool TryRead(scoped ref WireReader reader, out TSelf message);

    /// <summary>Writes the message in its one canonical form.</summary>
    /// <param name="writer">A writer with at least <see cref="EncodedLength"/> bytes of room.</param>
    void WriteTo(ref WireWriter writer);
}
