using PacketSec.Protocol.Streams.Recovery;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams.Frames;

/// <summary>Which packets have arrived: ranges of packet numbers, the highest first; a view of its bytes.</summary>
//= rfc9000#section-19.3
internal readonly ref struct AckFrame : IFrame<AckFrame>
{
    // One byte holds the count of the ranges behind the first.
    private const int MaxFurtherRanges = AckRanges.Capacity - 1;

    private readonly ReadOnlySpan<byte> _ranges;
    private readonly long _firstRange;

    private AckFrame(long largest, long delay, long firstRange, ReadOnlySpan<byte> ranges)
    {
        Largest = largest;
        Delay = delay;
        _firstRange = firstRange;
        _ranges = ranges;
    }

    /// <summary>Gets the highest number acknowledged.</summary>
    public long Largest { get; }

    /// <summary>Gets how long the acknowledgement of it waited, in units of 8 us.</summary>
    public long Delay { get; }

    public int EncodedLength
    {
        get
        {
            var count = 0;
            foreach (var range in this)
            {
                count++;
            }

            return 1 + QuicVarint.Length(Largest) + QuicVarint.Length(Delay) + QuicVarint.Length(count - 1) + QuicVarint.Length(_firstRange)
                + _ranges.Length;
        }
    }

    public static bool TryRead(byte type, scoped ref WireReader reader, out AckFrame frame)
    {
        frame = default;
        if (!reader.TryReadQuicVarint(out var largest) || !reader.TryReadQuicVarint(out var delay) || !reader.TryReadQuicVarint(out var count)
            || !reader.TryReadQuicVarint(out var firstRange) || firstRange > largest || count > reader.Remaining)
        {
            return false;
        }

        var from = reader;
        var smallest = largest - firstRange;
        for (var i = 0L; i < count; i++)
        {
            if (!reader.TryReadQuicVarint(out var gap) || !reader.TryReadQuicVarint(out var length) || smallest - gap - 2 < 0
                || smallest - gap - 2 - length < 0)
            {
                return false;
            }

            smallest = smallest - gap - 2 - length;
        }

        if (!from.TryReadBytes(from.Remaining - reader.Remaining, out var ranges))
        {
            return false;
        }

        frame = new(largest, delay, firstRange, ranges);
        return true;
    }

    /// <summary>Writes a frame from the newest ranges received, as many as fit; at least one has to.</summary>
    /// <param name="writer">The writer.</param>
    /// <param name="received">The ranges, of which there is at least one.</param>
    /// <param name="delay">The delay in units of 8 us.</param>
    /// <param name="room">The bytes that it may take.</param>
    /// <returns>False, with nothing written, when there is no room for one range.</returns>
    public static bool TryWrite(scoped ref WireWriter writer, AckRanges received, long delay, int room)
    {
        var newest = received[received.Count - 1];
        var fixedLength = 1 + QuicVarint.Length(newest.Last) + QuicVarint.Length(delay) + 1 + QuicVarint.Length(newest.Last - newest.First);
        if (fixedLength > room)
        {
            return false;
        }

        var count = 0;
        var length = fixedLength;
        var smallest = newest.First;
        for (var i = received.Count - 2; i >= 0 && count < MaxFurtherRanges; i--, count++)
        {
            var range = received[i];
            length += QuicVarint.Length(smallest - range.Last - 2) + QuicVarint.Length(range.Last - range.First);
            if (length > room)
            {
                break;
            }

            smallest = range.First;
        }

        writer.WriteByte(FrameType.Ack);
        writer.WriteQuicVarint(newest.Last);
        writer.WriteQuicVarint(delay);
        writer.WriteQuicVarint(count);
        writer.WriteQuicVarint(newest.Last - newest.First);
        smallest = newest.First;
        for (var i = received.Count - 2; count > 0; i--, count--)
        {
            writer.WriteQuicVarint(smallest - received[i].Last - 2);
            writer.WriteQuicVarint(received[i].Last - received[i].First);
            smallest = received[i].First;
        }

        return true;
    }

    public void WriteTo(ref WireWriter writer)
    {
        var count = 0;
        foreach (var range in this)
        {
            count++;
        }

        writer.WriteByte(FrameType.Ack);
        writer.WriteQuicVarint(Largest);
        writer.WriteQuicVarint(Delay);
        writer.WriteQuicVarint(count - 1);
        writer.WriteQuicVarint(_firstRange);
        writer.WriteBytes(_ranges);
    }

    /// <summary>Returns the ranges, the highest first.</summary>
    public Ranges GetEnumerator() => new(Largest, _firstRange, _ranges);

    /// <summary>Walks over the ranges of a frame that has been checked.</summary>
    internal ref struct Ranges(long largest, long firstRange, ReadOnlySpan<byte> ranges)
    {
        private WireReader _reader = new(ranges);
        private bool _begun;

        public NumberRange Current { get; private set; }

        public bool MoveNext()
        {
            if (!_begun)
            {
                _begun = true;
                Current = new(largest - firstRange, largest);
                return true;
            }

            if (!_reader.TryReadQuicVarint(out var gap) || !_reader.TryReadQuicVarint(out var length))
            {
                return false;
            }

            var last = Current.First - gap - 2;
            Current = new(last - length, last);
            return true;
        }
    }
}
