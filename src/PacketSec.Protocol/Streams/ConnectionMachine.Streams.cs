using PacketSec.Protocol.Streams.Frames;

namespace PacketSec.Protocol.Streams;

/// <summary>What an application does with streams and datagrams, and what the peer's frames do to them.</summary>
internal sealed partial class ConnectionMachine
{
    private readonly Queue<StreamState> _newsQueue = new();
    private readonly Queue<StreamState> _lostQueue = new();
    private readonly Queue<StreamState> _newQueue = new();
    private readonly ReceiveWindow _window;
    private long _receivedTotal;
    private long _consumedTotal;
    private long _sentTotal;
    private long _sendLimit = TransportParameters.Minimum.MaxData;
    private long _blockedTold = -1;
    private bool _maxDataPending;
    private bool _helloRead;

    // Index 0 is for streams of both directions, 1 for those of one.
    private readonly bool[] _maxStreamsPending = new bool[2];
    private readonly bool[] _streamsBlockedPending = new bool[2];

    private long SendCredit => _sendLimit - _sentTotal;

    /// <summary>Opens a stream.</summary>
    /// <param name="bidirectional">Whether the peer sends on it too.</param>
    /// <returns>The stream; null while the peer permits no more, which an event ends, or when the connection has ended.</returns>
    public StreamState? TryOpen(bool bidirectional)
    {
        if (!IsAlive)
        {
            return null;
        }

        var stream = _table.Open(bidirectional);
        _streamsBlockedPending[bidirectional ? 0 : 1] |= stream is null;
        return stream;
    }

    /// <summary>Takes bytes to send.</summary>
    /// <returns>How many were taken; when fewer than given, an event tells when there is room again.</returns>
    public int Write(StreamState stream, ReadOnlySpan<byte> source)
    {
        var send = SendOf(stream);
        if (send.IsFinished)
        {
            throw new InvalidOperationException("The stream is ended; nothing can be written behind its end.");
        }

        if (!IsAlive || send.ResetCode is not null)
        {
            return 0;
        }

        var taken = send.Write(source, _options.SendBuffer);
        stream.WantsWritable = taken < source.Length;
        QueueNew(stream);
        return taken;
    }

    /// <summary>Lends room in the stream's own buffer, where the application may write what comes next.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="ahead">How many bytes of earlier loans are written and not committed.</param>
    /// <param name="least">The bytes that are needed in one piece.</param>
    /// <param name="room">The room.</param>
    /// <returns>False when the buffer has no such piece.</returns>
    public bool TryReserve(StreamState stream, int ahead, int least, out Memory<byte> room)
    {
        room = default;
        return IsAlive && SendOf(stream) is { IsFinished: false, ResetCode: null } send && send.TryReserve(ahead, least, _options.SendBuffer, out room);
    }

    /// <summary>Takes bytes to send that stand in lent room, in the order of the loans.</summary>
    public void Commit(StreamState stream, int count)
    {
        if (IsAlive && SendOf(stream) is { IsFinished: false, ResetCode: null } send)
        {
            send.Commit(count);
            QueueNew(stream);
        }
    }

    /// <summary>Tells whether the application may go on writing; if not, an event says when.</summary>
    public bool HasRoom(StreamState stream)
    {
        var room = !IsAlive || SendOf(stream) is { ResetCode: not null } || SendOf(stream).HasRoom(_options.SendBuffer);
        stream.WantsWritable |= !room;
        return room;
    }

    /// <summary>Ends the sending direction behind what was written.</summary>
    public void Finish(StreamState stream)
    {
        SendOf(stream).Finish();
        if (IsAlive)
        {
            QueueNew(stream);
        }
    }

    /// <summary>Gives the sending direction up. Nothing happens when all of it has arrived.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="code">The application's code, 0 to 2^62-1.</param>
    //= rfc9000#section-19.4
    public void Reset(StreamState stream, long code)
    {
        QuicVarint.Length(code);
        if (IsAlive && SendOf(stream) is { ResetCode: null, IsDone: false } send)
        {
            send.Reset(code);
            QueueNews(stream, StreamNews.ResetStream);
        }
    }

    /// <summary>Moves bytes to the application.</summary>
    /// <param name="now">The time.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="destination">Where they go; may be empty, to learn of the end.</param>
    /// <param name="ended">Whether nothing comes after them: the end, or the peer has given it up.</param>
    /// <returns>How many there were.</returns>
    public int Read(Instant now, StreamState stream, Span<byte> destination, out bool ended)
    {
        var receive = ReceiveOf(stream);
        var count = receive.Read(destination, out ended);
        OnConsumed(now.Nanoseconds, stream, receive, count);
        return count;
    }

    /// <summary>Lets bytes go that the application has seen by <see cref="ReceivePart.Peek"/>.</summary>
    public void Advance(Instant now, StreamState stream, long count)
    {
        var receive = ReceiveOf(stream);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, receive.Readable);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        receive.Advance(count);
        OnConsumed(now.Nanoseconds, stream, receive, count);
    }

    /// <summary>
    /// Lets the peer send more though nothing was read: the application has looked at so many bytes, and needs more to make sense of them.
    /// </summary>
    /// <returns>False when they fill the window, and that has its largest size.</returns>
    public bool TryExtend(StreamState stream, long examined)
    {
        var receive = ReceiveOf(stream);

        // More may have come since the application looked, or be on its way to fill a hole.
        if (!IsAlive || receive.FinalSize >= 0 || receive.StopCode is not null || examined < receive.Readable)
        {
            return true;
        }

        if (receive.Window.Limit - receive.Highest > receive.Window.Size / 2)
        {
            return true;
        }

        if (!receive.Window.TryGrow(receive.ReadTo))
        {
            return receive.ReadTo + receive.Readable < receive.Window.Limit;
        }

        _window.GrowTo(receive.Window.Size * 3 / 2);
        _maxDataPending |= _window.TryGrow(_consumedTotal);
        QueueNews(stream, StreamNews.MaxStreamData);
        return true;
    }

    /// <summary>Asks the peer to send no more; what came is given up.</summary>
    /// <param name="now">The time.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="code">The application's code, 0 to 2^62-1.</param>
    public void StopSending(Instant now, StreamState stream, long code)
    {
        QuicVarint.Length(code);
        if (ReceiveOf(stream) is not { StopCode: null, IsDone: false } receive || !IsAlive)
        {
            return;
        }

        Consume(now.Nanoseconds, receive.Stop(code));
        if (!receive.IsComplete)
        {
            QueueNews(stream, StreamNews.StopSending);
        }

        RemoveIfDone(stream);
    }

    /// <summary>Takes a datagram to send.</summary>
    //= spec/streams.md#datagram-size
    public DatagramResult SendDatagram(ReadOnlySpan<byte> payload)
        => !IsAlive ? DatagramResult.Over
            : payload.Length > MaxDatagramPayload ? DatagramResult.TooLarge
            : _datagramsOut.TryAdd(payload) ? DatagramResult.Queued
            : DatagramResult.Full;

    /// <summary>Moves the oldest datagram received to the application.</summary>
    /// <param name="destination">At least as many bytes as this side permits a datagram to have.</param>
    /// <param name="length">Its length.</param>
    public bool TryReceiveDatagram(Span<byte> destination, out int length)
    {
        length = _datagramsIn.IsEmpty ? 0 : _datagramsIn.NextLength;
        if (_datagramsIn.IsEmpty)
        {
            return false;
        }

        _datagramsIn.Take(destination);
        return true;
    }

    private static SendPart SendOf(StreamState stream)
        => stream.Send ?? throw new InvalidOperationException("Only the peer sends on this stream.");

    private static ReceivePart ReceiveOf(StreamState stream)
        => stream.Receive ?? throw new InvalidOperationException("Only this side sends on this stream.");

    private void OnConsumed(long now, StreamState stream, ReceivePart receive, long count)
    {
        if (!IsAlive)
        {
            return;
        }

        Consume(now, count);
        if (count > 0 && receive.FinalSize < 0 && receive.Window.TryMove(now, receive.ReadTo, _recovery.Rtt.Smoothed))
        {
            _window.GrowTo(receive.Window.Size * 3 / 2);
            QueueNews(stream, StreamNews.MaxStreamData);
        }

        RemoveIfDone(stream);
    }

    private void Consume(long now, long count)
    {
        _consumedTotal += count;
        _maxDataPending |= count > 0 && _window.TryMove(now, _consumedTotal, _recovery.Rtt.Smoothed);
    }

    private void RemoveIfDone(StreamState stream)
    {
        if (stream.IsOver || !stream.IsDone)
        {
            return;
        }

        _maxStreamsPending[StreamId.IsBidirectional(stream.Id) ? 0 : 1] |= _table.Remove(stream);
        _events.Enqueue(new(StreamEventKind.StreamOver, stream));
    }

    private void QueueNews(StreamState stream, StreamNews news)
    {
        stream.News |= news;
        if (!stream.InNewsQueue)
        {
            stream.InNewsQueue = true;
            _newsQueue.Enqueue(stream);
        }
    }

    private void QueueNew(StreamState stream)
    {
        if (stream.Send is not { } send)
        {
            return;
        }

        if (send.HasNew && !stream.InNewQueue)
        {
            stream.InNewQueue = true;
            _newQueue.Enqueue(stream);
        }
        else if (send.IsBlocked && stream.BlockedTold != send.Limit)
        {
            //= rfc9000#section-4.1
            stream.BlockedTold = send.Limit;
            QueueNews(stream, StreamNews.StreamDataBlocked);
        }
    }

    private void QueueLost(StreamState stream)
    {
        if (stream.Send is { HasLost: true } && !stream.InLostQueue)
        {
            stream.InLostQueue = true;
            _lostQueue.Enqueue(stream);
        }
    }

    private void TellReadable(StreamState stream)
    {
        if (stream.Receive is { HasNews: true } && !stream.ReadableTold)
        {
            stream.ReadableTold = true;
            _events.Enqueue(new(StreamEventKind.Readable, stream));
        }
    }

    private PacketVerdict Find(long now, long id, bool sentByPeer, byte type, out StreamState? stream)
    {
        var error = _table.Find(id, sentByPeer, out var opened, out stream);
        if (error != StreamError.None)
        {
            return Violate(now, error, type, error == StreamError.StreamLimit ? "More streams were opened than permitted." : "A stream is not of this kind.");
        }

        for (var index = opened.From; index < opened.To; index++)
        {
            var created = StreamId.Create(StreamId.Opener(id), StreamId.IsBidirectional(id), index);
            _events.Enqueue(new(StreamEventKind.StreamOpened, _table.Get(created)));
        }

        if (opened.To > opened.From)
        {
            _maxStreamsPending[StreamId.IsBidirectional(id) ? 0 : 1] |= _table.IsToBeTold(StreamId.IsBidirectional(id));
        }

        return PacketVerdict.Processed;
    }

    private PacketVerdict OnStream(long now, byte type, scoped in StreamFrame frame)
    {
        var verdict = Find(now, frame.StreamId, sentByPeer: true, type, out var stream);
        if (verdict != PacketVerdict.Processed || stream is not { Receive: { } receive })
        {
            return verdict;
        }

        //= spec/streams.md#flow-control-error
        var error = receive.Check(frame.Offset, frame.Data.Length, frame.Fin);
        var growth = Math.Max(0, frame.Offset + frame.Data.Length - receive.Highest);
        if (error == StreamError.None && _receivedTotal + growth > _window.Limit)
        {
            error = StreamError.FlowControl;
        }

        if (error != StreamError.None)
        {
            return Violate(now, error, type, error == StreamError.FlowControl ? "More was sent than permitted." : "A stream's end moved.");
        }

        //= spec/streams.md#gap-bound
        if (receive.TooManyGaps(frame.Offset, frame.Data.Length))
        {
            return PacketVerdict.TooManyGaps;
        }

        growth = receive.Receive(frame.Offset, frame.Data, frame.Fin);
        _receivedTotal += growth;
        if (receive.StopCode is not null)
        {
            Consume(now, growth);
        }

        _silenceArmed |= !receive.IsComplete;
        TellReadable(stream);
        RemoveIfDone(stream);
        return PacketVerdict.Processed;
    }

    private PacketVerdict OnResetStream(long now, ResetStreamFrame frame)
    {
        var verdict = Find(now, frame.StreamId, sentByPeer: true, FrameType.ResetStream, out var stream);
        if (verdict != PacketVerdict.Processed || stream is not { Receive: { } receive })
        {
            return verdict;
        }

        if ((receive.FinalSize >= 0 && receive.FinalSize != frame.FinalSize) || frame.FinalSize < receive.Highest)
        {
            return Violate(now, StreamError.FinalSize, FrameType.ResetStream, "A stream's end moved.");
        }

        //= spec/streams.md#flow-control-error
        if (frame.FinalSize > receive.Window.Limit || _receivedTotal + frame.FinalSize - receive.Highest > _window.Limit)
        {
            return Violate(now, StreamError.FlowControl, FrameType.ResetStream, "More was sent than permitted.");
        }

        var unread = receive.IsComplete ? 0 : frame.FinalSize - receive.ReadTo;
        _receivedTotal += receive.Reset(frame.ErrorCode, frame.FinalSize);
        Consume(now, unread);
        TellReadable(stream);
        RemoveIfDone(stream);
        return PacketVerdict.Processed;
    }

    private PacketVerdict OnStopSending(long now, StopSendingFrame frame)
    {
        var verdict = Find(now, frame.StreamId, sentByPeer: false, FrameType.StopSending, out var stream);
        if (verdict != PacketVerdict.Processed || stream is not { Send: { StopCode: null, IsDone: false } send })
        {
            return verdict;
        }

        //= rfc9000#section-3.5
        send.StopCode = frame.ErrorCode;
        _events.Enqueue(new(StreamEventKind.Stopped, stream, frame.ErrorCode));
        if (send.ResetCode is null)
        {
            send.Reset(frame.ErrorCode);
            QueueNews(stream, StreamNews.ResetStream);
        }

        return PacketVerdict.Processed;
    }

    private PacketVerdict OnMaxData(MaxDataFrame frame)
    {
        _sendLimit = Math.Max(_sendLimit, frame.Maximum);
        return PacketVerdict.Processed;
    }

    private PacketVerdict OnMaxStreamData(long now, MaxStreamDataFrame frame)
    {
        var verdict = Find(now, frame.StreamId, sentByPeer: false, FrameType.MaxStreamData, out var stream);
        if (stream is { Send: { } send } && frame.Maximum > send.Limit)
        {
            send.Limit = frame.Maximum;
            QueueNew(stream);
        }

        return verdict;
    }

    private PacketVerdict OnMaxStreams(MaxStreamsFrame frame)
    {
        if (_table.RaiseOwnLimit(frame.Bidirectional, frame.Maximum))
        {
            _events.Enqueue(new(StreamEventKind.StreamsAvailable));
        }

        return PacketVerdict.Processed;
    }

    private PacketVerdict OnStreamDataBlocked(long now, StreamDataBlockedFrame frame)
        => Find(now, frame.StreamId, sentByPeer: true, FrameType.StreamDataBlocked, out _);
}
