namespace PacketSec.Protocol.Streams;

/// <summary>The streams of a connection by number, and how many of each kind may be opened.</summary>
internal sealed class StreamTable(StreamSide side, StreamOptions options)
{
    private readonly Dictionary<long, StreamState> _streams = [];

    // By kind: how many were opened, and how many may be.
    private readonly long[] _opened = new long[StreamId.Kinds];
    private readonly long[] _limits = CreateLimits(side, options);

    // By kind: the limit that the peer was told; only of the kinds that the peer opens.
    private readonly long[] _told = CreateLimits(side, options);

    /// <summary>Gets the number of streams that are not over.</summary>
    public int Count => _streams.Count;

    /// <summary>Gets or sets the limit of new streams' sending.</summary>
    public long SendLimit { get; set; } = Frames.TransportParameters.Minimum.MaxStreamData;

    public Dictionary<long, StreamState>.ValueCollection All => _streams.Values;

    /// <summary>Returns how many streams of a kind this side may open in all.</summary>
    public long OwnLimit(bool bidirectional) => _limits[Kind(side, bidirectional)];

    /// <summary>The peer lets this side open more streams.</summary>
    /// <returns>Whether the limit grew.</returns>
    public bool RaiseOwnLimit(bool bidirectional, long maximum)
    {
        ref var limit = ref _limits[Kind(side, bidirectional)];
        var grew = maximum > limit;
        limit = Math.Max(limit, maximum);
        return grew;
    }

    /// <summary>Opens a stream of this side.</summary>
    /// <returns>The stream, or null while the peer permits no more.</returns>
    //= rfc9000#section-4.6
    public StreamState? Open(bool bidirectional)
    {
        var kind = Kind(side, bidirectional);
        return _opened[kind] < _limits[kind] ? Add(StreamId.Create(side, bidirectional, _opened[kind])) : null;
    }

    /// <summary>Finds the stream of a frame, and opens it and those before it when the peer begins them.</summary>
    /// <param name="id">The number.</param>
    /// <param name="sentByPeer">Whether the frame speaks of what the peer sends, or of what this side sends.</param>
    /// <param name="opened">Which streams are opened by it, as indices of its kind: from the first up to, and without, the second.</param>
    /// <param name="stream">The stream; null when it is over.</param>
    /// <returns>What is wrong about it.</returns>
    //= rfc9000#section-3.2
    public StreamError Find(long id, bool sentByPeer, out (long From, long To) opened, out StreamState? stream)
    {
        opened = default;
        stream = null;
        var kind = StreamId.Kind(id);
        var index = StreamId.Index(id);
        var own = StreamId.Opener(id) == side;
        if (!StreamId.IsBidirectional(id) && own == sentByPeer)
        {
            return StreamError.StreamState;
        }

        if (index >= _opened[kind])
        {
            if (own)
            {
                return StreamError.StreamState;
            }

            if (index >= _limits[kind])
            {
                return StreamError.StreamLimit;
            }

            opened = (_opened[kind], index + 1);
            while (_opened[kind] <= index)
            {
                Add(StreamId.Create(StreamId.Opener(id), StreamId.IsBidirectional(id), _opened[kind]));
            }
        }

        _streams.TryGetValue(id, out stream);
        return StreamError.None;
    }

    public StreamState? Get(long id) => _streams.GetValueOrDefault(id);

    /// <summary>Forgets a stream that is over; the peer may open one more in its place.</summary>
    /// <returns>Whether the peer is to be told of a higher limit.</returns>
    public bool Remove(StreamState stream)
    {
        stream.IsOver = true;
        if (!_streams.Remove(stream.Id) || StreamId.Opener(stream.Id) == side)
        {
            return false;
        }

        var kind = StreamId.Kind(stream.Id);
        _limits[kind] = Math.Min(_limits[kind] + 1, StreamId.MaxCount);
        return IsToBeTold(StreamId.IsBidirectional(stream.Id));
    }

    /// <summary>Tells whether the peer is to be told of a higher limit: much of it is new, or the peer has opened all that it knows of.</summary>
    //= spec/streams.md#stream-count
    public bool IsToBeTold(bool bidirectional)
    {
        var kind = Kind(Other(side), bidirectional);
        var untold = _limits[kind] - _told[kind];
        return untold >= Math.Max(1, Allowed(bidirectional) / 4) || (untold > 0 && _opened[kind] == _told[kind]);
    }

    /// <summary>Returns the limit that the peer is to be told, and notes that it is.</summary>
    public long Tell(bool bidirectional)
    {
        var kind = Kind(Other(side), bidirectional);
        _told[kind] = _limits[kind];
        return _told[kind];
    }

    private static StreamSide Other(StreamSide side) => side == StreamSide.Even ? StreamSide.Odd : StreamSide.Even;

    private static int Kind(StreamSide opener, bool bidirectional) => StreamId.Kind(StreamId.Create(opener, bidirectional, 0));

    private static long[] CreateLimits(StreamSide side, StreamOptions options)
    {
        var limits = new long[StreamId.Kinds];
        limits[Kind(side, true)] = Frames.TransportParameters.Minimum.MaxStreamsBidirectional;
        limits[Kind(side, false)] = Frames.TransportParameters.Minimum.MaxStreamsUnidirectional;
        limits[Kind(Other(side), true)] = options.MaxStreamsBidirectional;
        limits[Kind(Other(side), false)] = options.MaxStreamsUnidirectional;
        return limits;
    }

    private int Allowed(bool bidirectional) => bidirectional ? options.MaxStreamsBidirectional : options.MaxStreamsUnidirectional;

    private StreamState Add(long id)
    {
        var own = StreamId.Opener(id) == side;
        var both = StreamId.IsBidirectional(id);
        var stream = new StreamState(
            id,
            both || own ? new SendPart { Limit = SendLimit } : null,
            both || !own ? new ReceivePart(options.StreamWindow, options.MaxStreamWindow) : null);
        _streams.Add(id, stream);
        _opened[StreamId.Kind(id)]++;
        return stream;
    }
}
