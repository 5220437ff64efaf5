using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>A frame of a packet. A frame read from a packet may be a view of it and lives no longer.</summary>
/// <typeparam name="TSelf">The frame itself.</typeparam>
internal interface IFrame<TSelf>
    where TSelf : struct, IFrame<TSelf>, allows ref struct
{
    /// <summary>Gets the exact number of bytes that <see cref="WriteTo"/> writes.</summary>
    int EncodedLength { get; }

    /// <summary>Reads what stands behind the type.</summary>
    /// <param name="type">The type, which is one of this frame's.</param>
    /// <param name="reader">The reader; its position is unspecified after a failure.</param>
    /// <param name="frame">The frame.</param>
    /// <returns>False when the bytes are not such a frame.</returns>
    static abstract bool TryRead(byte type, scoped ref WireReader reader, out TSelf frame);

    /// <summary>Writes the frame with its type.</summary>
    /// <param name="writer">A writer with at least <see cref="EncodedLength"/> bytes of room.</param>
    void WriteTo(ref WireWriter writer);
}
