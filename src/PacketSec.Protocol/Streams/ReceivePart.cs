namespace PacketSec.Protocol.Streams;

/// <summary>The receiving direction of a stream: bytes from the peer, put in order, until the application has read them.</summary>
//= rfc9000#section-3.2
internal sealed class ReceivePart(long window, long maxWindow)
{
    private const long Unknown = -1;

    /// <summary>Bytes of window for which one gap may be remembered, and the fewest gaps of a stream.</summary>
    private const int BytesPerGap = 1024;
    private const int MinGaps = 64;

    private readonly ByteRing _ring = new();
    private readonly OffsetRanges _ahead = new();
    private bool _endTold;

    /// <summary>Gets the limit that the peer knows, and how it grows.</summary>
    public ReceiveWindow Window { get; } = new(window, maxWindow);

    /// <summary>Gets the offset that the application has read to.</summary>
    public long ReadTo { get; private set; }

    /// <summary>Gets the offset below which everything is here.</summary>
    public long ReadyTo { get; private set; }

    /// <summary>Gets the highest offset that came.</summary>
    public long Highest { get; private set; }

    /// <summary>Gets the offset at which the stream ends, or -1.</summary>
    public long FinalSize { get; private set; } = Unknown;

    /// <summary>Gets the code with which the peer gave the stream up.</summary>
    public long? ResetCode { get; private set; }

    /// <summary>Gets the code with which the application asked the peer to give the stream up.</summary>
    public long? StopCode { get; private set; }

    /// <summary>Gets how many bytes can be read.</summary>
    public long Readable => ResetCode is null && StopCode is null ? ReadyTo - ReadTo : 0;

    /// <summary>Gets whether all bytes are here, or the peer has given the stream up.</summary>
    public bool IsComplete => ResetCode is not null || (FinalSize != Unknown && ReadyTo == FinalSize);

    /// <summary>Gets whether the application has had everything, and nothing can come any more.</summary>
    public bool IsDone => IsComplete && (_endTold || StopCode is not null);

    /// <summary>Gets whether the application can read, or learn of the end.</summary>
    public bool HasNews => StopCode is null && !_endTold && (Readable > 0 || IsComplete);

    /// <summary>Gets the bytes that the buffer takes.</summary>
    public int BufferedCapacity => _ring.Capacity;

    /// <summary>Tells whether a piece is permitted, before anything changes.</summary>
    //= rfc9000#section-4.1
    //= rfc9000#section-4.5
    public StreamError Check(long offset, int length, bool fin)
    {
        var end = offset + length;
        if (FinalSize != Unknown && (end > FinalSize || (fin && end != FinalSize)))
        {
            return StreamError.FinalSize;
        }

        if (fin && end < Highest)
        {
            return StreamError.FinalSize;
        }

        return end > Window.Limit ? StreamError.FlowControl : StreamError.None;
    }

    /// <summary>Tells whether a piece would leave more gaps than are remembered.</summary>
    public bool TooManyGaps(long offset, int length)
        => _ahead.Count >= Math.Max(MinGaps, Window.Size / BytesPerGap) && offset > ReadyTo && !_ahead.Touches(offset, offset + length);

    /// <summary>Takes a piece that has been checked.</summary>
    /// <returns>By how much the highest offset grew, which the connection's limit counts.</returns>
    public long Receive(long offset, ReadOnlySpan<byte> data, bool fin)
    {
        var end = offset + data.Length;
        FinalSize = fin ? end : FinalSize;
        var growth = Math.Max(0, end - Highest);
        Highest += growth;
        if (StopCode is not null)
        {
            ReadyTo = ContiguousAfter(offset, end);
            ReadTo = Highest;
            return growth;
        }

        if (ResetCode is not null || end <= ReadyTo)
        {
            return growth;
        }

        if (offset < ReadyTo)
        {
            data = data[(int)(ReadyTo - offset)..];
            offset = ReadyTo;
        }

        _ring.EnsureRoom(ReadTo, Highest - growth, Highest, Window.Size);
        _ring.Write(offset, data);
        ReadyTo = ContiguousAfter(offset, end);
        return growth;
    }

    /// <summary>Takes the news that the peer has given the stream up.</summary>
    /// <returns>By how much the highest offset grew.</returns>
    public long Reset(long code, long finalSize)
    {
        var growth = finalSize - Highest;
        Highest = finalSize;
        if (!IsComplete)
        {
            // Nothing of it can be read any more, so that nothing is left to be given up later.
            ReadTo = finalSize;
            ResetCode = code;
            _ring.Release();
            _ahead.Clear();
        }

        FinalSize = finalSize;
        return growth;
    }

    /// <summary>Moves bytes to the application.</summary>
    /// <param name="destination">Where they go.</param>
    /// <param name="ended">Whether nothing comes after them.</param>
    /// <returns>How many there were.</returns>
    public int Read(Span<byte> destination, out bool ended)
    {
        var count = (int)Math.Min(destination.Length, Readable);
        _ring.Read(ReadTo, destination[..count]);
        Advance(count);
        ended = IsComplete && Readable == 0;
        if (ended)
        {
            _endTold = true;
            _ring.Release();
        }

        return count;
    }

    /// <summary>Returns what can be read, in at most two pieces that stay where they are until <see cref="Advance"/>.</summary>
    public void Peek(out ReadOnlyMemory<byte> first, out ReadOnlyMemory<byte> second)
    {
        first = _ring.Piece(ReadTo, Readable);
        second = _ring.Piece(ReadTo + first.Length, Readable - first.Length);
    }

    /// <summary>Lets bytes go that the application has taken.</summary>
    public void Advance(long count) => ReadTo += count;

    /// <summary>The application wants no more.</summary>
    /// <returns>How many bytes that came are given up.</returns>
    public long Stop(long code)
    {
        var unread = Highest - ReadTo;
        StopCode = code;
        ReadTo = Highest;
        _ring.Release();
        return unread;
    }

    private long ContiguousAfter(long start, long end)
    {
        if (start > ReadyTo)
        {
            _ahead.Add(start, end);
            return ReadyTo;
        }

        var to = Math.Max(ReadyTo, end);
        while (_ahead.Count > 0 && _ahead[0].Start <= to)
        {
            to = Math.Max(to, _ahead[0].End);
            _ahead.Remove(_ahead[0].Start, _ahead[0].End);
        }

        return to;
    }
}
