namespace PacketSec.Protocol.Wire;

/// <summary>A proposal: who proposes, schemes in order of preference, and perhaps the first packet of the first one. A view of its bytes.</summary>
internal readonly ref struct ProposalFrame : IWireMessage<ProposalFrame>
{
    private readonly ReadOnlySpan<byte> _strings;

    private ProposalFrame(ReadOnlySpan<byte> peerId, int count, ReadOnlySpan<byte> strings, ReadOnlySpan<byte> firstPacket)
    {
        PeerId = peerId;
        Count = count;
        _strings = strings;
        FirstPacket = firstPacket;
    }

    /// <summary>Gets the proposer's peer ID, a multihash.</summary>
    public ReadOnlySpan<byte> PeerId { get; }

    /// <summary>Gets the number of strings, 1 to 255.</summary>
    public int Count { get; }

    /// <summary>Gets the first packet of the first-listed scheme; empty when there is none.</summary>
    public ReadOnlySpan<byte> FirstPacket { get; }

    /// <inheritdoc/>
    public int EncodedLength => 1 + Varint.Length((ulong)PeerId.Length) + PeerId.Length + 1 + _strings.Length
        + (FirstPacket.IsEmpty ? 0 : Varint.Length((ulong)FirstPacket.Length) + FirstPacket.Length);

    /// <inheritdoc/>
    //= spec/psec.md#frame-strict
    public static bool TryRead(scoped ref WireReader reader, out ProposalFrame message)
    {
        message = default;
        if (!reader.TryReadByte(out var type) || type != (byte)PsecFrameType.Proposal || !reader.TryReadDelimited(out var peerId)
            || !IsMultihash(peerId) || !reader.TryReadByte(out var count) || count == 0)
        {
            return false;
        }

        var from = reader;
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryReadDelimited(out var text) || !PsecFrame.IsString(text))
            {
                return false;
            }
        }

        if (!from.TryReadBytes(from.Remaining - reader.Remaining, out var strings))
        {
            return false;
        }

        ReadOnlySpan<byte> firstPacket = default;
        if (!reader.IsAtEnd && (!reader.TryReadDelimited(out firstPacket) || firstPacket.IsEmpty))
        {
            return false;
        }

        message = new(peerId, count, strings, firstPacket);
        return reader.IsAtEnd;
    }

    /// <summary>Makes the bytes of a proposal.</summary>
    /// <param name="peerId">The multihash.</param>
    /// <param name="strings">1 to 255 strings.</param>
    /// <param name="firstPacket">The first packet, or nothing.</param>
    public static byte[] Encode(ReadOnlySpan<byte> peerId, IReadOnlyList<string> strings, ReadOnlySpan<byte> firstPacket = default)
    {
        ArgumentOutOfRangeException.ThrowIfZero(strings.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(strings.Count, byte.MaxValue);
        var encoded = new List<byte>();
        foreach (var text in strings)
        {
            var bytes = PsecFrame.ToBytes(text);
            var prefix = new byte[Varint.Length((ulong)bytes.Length)];
            Varint.Write(prefix, (ulong)bytes.Length);
            encoded.AddRange(prefix);
            encoded.AddRange(bytes);
        }

        var frame = new ProposalFrame(peerId, strings.Count, encoded.ToArray(), firstPacket);
        var result = new byte[frame.EncodedLength];
        WireMessage.Write(frame, result);
        return result;
    }

    /// <summary>Returns the strings one after the other.</summary>
    public Strings GetEnumerator() => new(_strings);

    /// <inheritdoc/>
    public void WriteTo(ref WireWriter writer)
    {
        writer.WriteByte((byte)PsecFrameType.Proposal);
        writer.WriteDelimited(PeerId);
        writer.WriteByte((byte)Count);
        writer.WriteBytes(_strings);
        if (!FirstPacket.IsEmpty)
        {
            writer.WriteDelimited(FirstPacket);
        }
    }

    /// <summary>Returns the normal form: without what belongs to retries, and without the first packet.</summary>
    public byte[] ToNormalForm()
    {
        var kept = 0;
        var length = 0;
        foreach (var text in this)
        {
            if (!PsecFrame.IsRetry(text))
            {
                kept++;
                length += Varint.Length((ulong)text.Length) + text.Length;
            }
        }

        var normal = new byte[1 + Varint.Length((ulong)PeerId.Length) + PeerId.Length + 1 + length];
        var writer = new WireWriter(normal);
        writer.WriteByte((byte)PsecFrameType.Proposal);
        writer.WriteDelimited(PeerId);
        writer.WriteByte((byte)kept);
        foreach (var text in this)
        {
            if (!PsecFrame.IsRetry(text))
            {
                writer.WriteDelimited(text);
            }
        }

        return normal;
    }

    // Codes and lengths are below 128: one byte is the only minimal varint for them.
    private static bool IsMultihash(ReadOnlySpan<byte> bytes)
        => bytes.Length > 2 && bytes.Length == 2 + bytes[1] && ((bytes[0] == 0x00 && bytes[1] <= 42) || (bytes[0] == 0x12 && bytes[1] == 32));

    /// <summary>Walks over the strings.</summary>
    internal ref struct Strings(ReadOnlySpan<byte> strings)
    {
        private WireReader _reader = new(strings);
        private ReadOnlySpan<byte> _current;

        public readonly ReadOnlySpan<byte> Current => _current;

        public bool MoveNext() => _reader.TryReadDelimited(out _current);
    }
}
