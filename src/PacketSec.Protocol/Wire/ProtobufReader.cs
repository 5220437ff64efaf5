namespace PacketSec.Protocol.Wire;

/// <summary>The wire types of proto3. Groups (3 and 4) are refused: proto3 has none, and skipping them needs recursion.</summary>
internal enum ProtobufType
{
    /// <summary>A varint.</summary>
    Varint = 0,

    /// <summary>Eight bytes.</summary>
    Fixed64 = 1,

    /// <summary>A length and that many bytes: strings, bytes, messages.</summary>
    Bytes = 2,

    /// <summary>Four bytes.</summary>
    Fixed32 = 5,
}

/// <summary>Walks the fields of a proto3 message, in the order they stand in.</summary>
/// <param name="message">The whole message.</param>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private const ulong MaxFieldNumber = (1UL << 29) - 1;

    private WireReader _reader = new(message);

    /// <summary>Gets the current field's number, 1 to 2^29 - 1.</summary>
    public int Number { get; private set; }

    /// <summary>Gets the current field's wire type.</summary>
    public ProtobufType Type { get; private set; }

    /// <summary>Gets the value of a <see cref="ProtobufType.Varint"/> field.</summary>
    public ulong Varint { get; private set; }

    /// <summary>Gets the content of a <see cref="ProtobufType.Bytes"/> field, as a view of the message.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Gets whether the walk ended at something that is not proto3.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>Moves to the next field.</summary>
    /// <returns>False at the end of the message, and where it is malformed: ask <see cref="IsMalformed"/> after the walk.</returns>
    //= spec/p2pke.md#payload-malformed
    public bool MoveNext()
    {
        if (IsMalformed || _reader.IsAtEnd)
        {
            return false;
        }

        IsMalformed = !TryReadTag() || !TryReadValue();
        return !IsMalformed;
    }

    /// <summary>Gets whether the current field is the given one and holds bytes. With another wire type it counts as unknown.</summary>
    /// <param name="number">The field's number.</param>
    public readonly bool IsBytes(int number) => Number == number && Type == ProtobufType.Bytes;

    /// <summary>Gets whether the current field is the given one and holds a varint. With another wire type it counts as unknown.</summary>
    /// <param name="number">The field's number.</param>
    public readonly bool IsVarint(int number) => Number == number && Type == ProtobufType.Varint;

    private bool TryReadTag()
    {
        if (!_reader.TryReadLenientVarint(out var tag) || (tag >> 3) is 0 or > MaxFieldNumber)
        {
            return false;
        }

        Number = (int)(tag >> 3);
        Type = (ProtobufType)(tag & 7);
        return true;
    }

    private bool TryReadValue()
    {
        Varint = 0;
        Bytes = default;
        switch (Type)
        {
            case ProtobufType.Varint:
                var hasVarint = _reader.TryReadLenientVarint(out var number);
                Varint = number;
                return hasVarint;
            case ProtobufType.Fixed64:
                return _reader.TryReadBytes(8, out _);
            case ProtobufType.Bytes:
                var hasBytes = _reader.TryReadLenientDelimited(out var bytes);
                Bytes = bytes;
                return hasBytes;
            case ProtobufType.Fixed32:
                return _reader.TryReadBytes(4, out _);
            default:
                return false;
        }
    }
}
