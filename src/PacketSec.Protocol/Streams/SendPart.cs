namespace PacketSec.Protocol.Streams;

/// <summary>A piece of a stream that is to be sent.</summary>
/// <param name="Offset">Where it begins.</param>
/// <param name="Length">Its length; 0 for an end alone.</param>
/// <param name="Fin">Whether the stream ends with it.</param>
/// <param name="IsNew">Whether it was never sent before, so that it counts for flow control.</param>
internal readonly record struct SendPiece(long Offset, int Length, bool Fin, bool IsNew);

/// <summary>The sending direction of a stream: bytes from the application until the peer has acknowledged them.</summary>
//= rfc9000#section-3.1
internal sealed class SendPart
{
    private readonly ByteRing _ring = new();
    private readonly OffsetRanges _acknowledged = new();
    private readonly OffsetRanges _lost = new();
    private bool _finSent;
    private bool _finLost;
    private bool _finAcknowledged;
    private bool _resetAcknowledged;

    /// <summary>Gets the offset below which everything is acknowledged.</summary>
    public long AcknowledgedTo { get; private set; }

    /// <summary>Gets the offset that the application has written to.</summary>
    public long WrittenTo { get; private set; }

    /// <summary>Gets or sets the offset that the peer lets this side send to.</summary>
    public long Limit { get; set; }

    /// <summary>Gets whether the application has ended the stream.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>Gets the code that this side gave the stream up with.</summary>
    public long? ResetCode { get; private set; }

    /// <summary>Gets or sets the code that the peer asked this side to give the stream up with.</summary>
    public long? StopCode { get; set; }

    /// <summary>Gets the number of bytes that the peer counts when the stream is given up.</summary>
    public long SentTo { get; private set; }

    /// <summary>Gets the bytes that the buffer takes.</summary>
    public int BufferedCapacity => _ring.Capacity;

    /// <summary>Gets whether nothing remains to be done.</summary>
    public bool IsDone => ResetCode is null ? _finAcknowledged && AcknowledgedTo == WrittenTo : _resetAcknowledged;

    /// <summary>Gets whether bytes, or the end, were lost and have to be sent again.</summary>
    public bool HasLost => ResetCode is null && (_lost.Count > 0 || _finLost);

    /// <summary>Gets whether there is something to send, as far as this stream's own limit goes; new bytes need the connection's credit too.</summary>
    public bool HasPending => HasLost || HasNew;

    /// <summary>Gets whether there is something that was never sent and may be, as far as this stream's own limit goes.</summary>
    public bool HasNew => ResetCode is null && ((SentTo < WrittenTo && SentTo < Limit) || FinIsNext);

    /// <summary>Gets whether bytes wait for the peer to allow more.</summary>
    public bool IsBlocked => ResetCode is null && SentTo < WrittenTo && SentTo >= Limit;

    /// <summary>Gets where the next piece begins.</summary>
    public long NextOffset => _lost.Count > 0 ? _lost[0].Start : SentTo;

    /// <summary>Gets whether the end alone is to be sent, which needs nobody's leave.</summary>
    public bool IsEndNext => ResetCode is null && FinIsNext;

    private bool FinIsNext => IsFinished && !_finSent && SentTo == WrittenTo;

    /// <summary>Takes bytes from the application.</summary>
    /// <param name="source">The bytes.</param>
    /// <param name="bound">How many bytes may be held that are not acknowledged.</param>
    /// <returns>How many were taken.</returns>
    public int Write(ReadOnlySpan<byte> source, long bound)
    {
        var count = (int)Math.Min(source.Length, AcknowledgedTo + bound - WrittenTo);
        if (count <= 0)
        {
            return 0;
        }

        _ring.EnsureRoom(AcknowledgedTo, WrittenTo, WrittenTo + count, bound);
        _ring.Write(WrittenTo, source[..count]);
        WrittenTo += count;
        return count;
    }

    /// <summary>Lends room behind what was written.</summary>
    /// <param name="ahead">How many bytes there are in use by earlier loans.</param>
    /// <param name="least">The bytes that are needed in one piece.</param>
    /// <param name="bound">How many bytes may be held that are not acknowledged.</param>
    /// <param name="room">The room.</param>
    /// <returns>False when there is no such piece.</returns>
    public bool TryReserve(int ahead, int least, long bound, out Memory<byte> room)
    {
        room = default;
        var from = WrittenTo + ahead;
        if (from + least - AcknowledgedTo > bound)
        {
            return false;
        }

        _ring.EnsureRoom(AcknowledgedTo, from, from + least, bound);
        room = _ring.Piece(from, AcknowledgedTo + _ring.Capacity - from);
        return room.Length >= least;
    }

    /// <summary>Takes bytes that stand in lent room.</summary>
    public void Commit(int count) => WrittenTo += count;

    /// <summary>Tells whether it is worth the application's while to write again: a quarter of the buffer is free.</summary>
    /// <param name="bound">How many bytes may be held that are not acknowledged.</param>
    public bool HasRoom(long bound) => bound - (WrittenTo - AcknowledgedTo) >= (bound + 3) / 4;

    /// <summary>Ends the stream after what is written.</summary>
    public void Finish() => IsFinished = true;

    /// <summary>Gives the stream up: nothing is sent any more but the news of it.</summary>
    public void Reset(long code)
    {
        ResetCode = code;
        _lost.Clear();
        _acknowledged.Clear();
        _ring.Release();
    }

    /// <summary>Takes the next piece to send: what was lost first.</summary>
    /// <param name="room">The longest piece.</param>
    /// <param name="credit">How many new bytes the connection's limit allows.</param>
    /// <param name="piece">The piece.</param>
    /// <returns>False when there is none.</returns>
    public bool TryTake(int room, long credit, out SendPiece piece)
    {
        if (ResetCode is null && _lost.Count > 0 && room > 0)
        {
            var range = _lost[0];
            var length = (int)Math.Min(range.Length, room);
            _lost.Remove(range.Start, range.Start + length);
            piece = new(range.Start, length, TakeFin(range.Start + length), IsNew: false);
            return true;
        }

        if (ResetCode is null && _finLost && _lost.Count == 0 && SentTo == WrittenTo)
        {
            piece = new(WrittenTo, 0, TakeFin(WrittenTo), IsNew: false);
            return true;
        }

        var fresh = HasNew ? (int)Math.Min(Math.Min(room, Math.Min(WrittenTo, Limit) - SentTo), credit) : 0;
        if (fresh > 0 || FinIsNext)
        {
            var offset = SentTo;
            SentTo += Math.Max(fresh, 0);
            piece = new(offset, Math.Max(fresh, 0), TakeFin(SentTo), IsNew: true);
            return true;
        }

        piece = default;
        return false;
    }

    /// <summary>Copies the bytes of a piece.</summary>
    public void Copy(long offset, Span<byte> destination) => _ring.Read(offset, destination);

    /// <summary>A piece has arrived.</summary>
    public void OnAcknowledged(long offset, int length, bool fin)
    {
        _finAcknowledged |= fin;
        _finLost &= !_finAcknowledged;
        var end = offset + length;
        if (ResetCode is null && end > AcknowledgedTo)
        {
            Acknowledge(offset, end);
        }

        if (IsDone)
        {
            _ring.Release();
        }
    }

    /// <summary>A piece was lost, or is to be sent again to probe: it is sent once more, as far as nothing else brought it.</summary>
    public void OnLost(long offset, int length, bool fin)
    {
        if (ResetCode is not null)
        {
            return;
        }

        _finLost |= fin && !_finAcknowledged;
        var start = Math.Max(offset, AcknowledgedTo);
        _lost.Add(start, offset + length);
        for (var i = 0; i < _acknowledged.Count && _acknowledged[i].Start < offset + length; i++)
        {
            _lost.Remove(_acknowledged[i].Start, _acknowledged[i].End);
        }
    }

    /// <summary>The peer knows that the stream was given up.</summary>
    public void OnResetAcknowledged() => _resetAcknowledged = true;

    private void Acknowledge(long offset, long end)
    {
        _lost.Remove(offset, end);
        if (offset > AcknowledgedTo)
        {
            _acknowledged.Add(offset, end);
            return;
        }

        AcknowledgedTo = end;
        while (_acknowledged.Count > 0 && _acknowledged[0].Start <= AcknowledgedTo)
        {
            AcknowledgedTo = Math.Max(AcknowledgedTo, _acknowledged[0].End);
            _acknowledged.Remove(_acknowledged[0].Start, _acknowledged[0].End);
        }
    }

    private bool TakeFin(long end)
    {
        if (!IsFinished || end != WrittenTo || _finAcknowledged)
        {
            return false;
        }

        _finSent = true;
        _finLost = false;
        return true;
    }
}
