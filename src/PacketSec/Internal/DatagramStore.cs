using System.Security.Cryptography;

namespace PacketSec.Internal;

/// <summary>
/// Datagrams in one ring of bytes, each in one piece, first in, first out. The first one taken can be lent, and room for the next ones reserved: a
/// datagram is then neither copied in nor out.
/// </summary>
/// <remarks>Not thread-safe; but the lent datagram is read, and the reserved room written to, by whoever has them.</remarks>
internal sealed class DatagramStore
{
    private const int FirstCapacity = 8 * 1024;

    private readonly Queue<Piece> _pieces = new();
    private readonly Queue<(byte[] Datagram, long Session)> _late = new();
    private byte[] _ring = [];

    // What is in use begins at _first; where a datagram is lent, that one is the first.
    private int _first;
    private int _end;
    private int _lent;
    private Memory<byte> _room;
    private int _roomAt;

    /// <summary>Gets the number of datagrams, without the one that is lent.</summary>
    public int Count => _pieces.Count + _late.Count;

    /// <summary>Gets their bytes.</summary>
    public int Bytes { get; private set; }

    /// <summary>Gets a value indicating whether room is reserved. What is added meanwhile can be taken when that has come to its end.</summary>
    public bool IsReserved { get; private set; }

    public bool TryPeek(out Piece next) => _pieces.TryPeek(out next);

    /// <summary>Adds a copy.</summary>
    public void Add(ReadOnlySpan<byte> datagram, long session)
    {
        Bytes += datagram.Length;
        if (IsReserved)
        {
            // Two threads receive for one channel, which is the exception: when its peer has just moved, or a handshake has just ended.
            _late.Enqueue((datagram.ToArray(), session));
            return;
        }

        Append(datagram, session);
    }

    /// <summary>Reserves room until <see cref="Commit"/>; once at a time.</summary>
    public Span<byte> Reserve(int bytes)
    {
        _roomAt = Allocate(bytes);
        _room = _ring.AsMemory(_roomAt, bytes);
        IsReserved = true;
        return _room.Span;
    }

    /// <summary>Ends the reservation.</summary>
    /// <param name="lengths">The datagrams that stand in the room, one behind the other.</param>
    /// <param name="sessions">The session of each.</param>
    public void Commit(ReadOnlySpan<int> lengths, ReadOnlySpan<long> sessions)
    {
        _end = _roomAt;
        for (var i = 0; i < lengths.Length; i++)
        {
            _pieces.Enqueue(new(_end, lengths[i], sessions[i]));
            _end += lengths[i];
            Bytes += lengths[i];
        }

        EndReservation();
    }

    /// <summary>Ends the reservation, and wipes what was written to the room; after <see cref="Clear"/> too.</summary>
    public void DropReservation()
    {
        CryptographicOperations.ZeroMemory(_room.Span);
        EndReservation();
    }

    /// <summary>Copies the first datagram out, and ends the loan before it.</summary>
    public int Take(Span<byte> destination)
    {
        EndLoan();
        var piece = Dequeue();
        _ring.AsSpan(piece.Offset, piece.Length).CopyTo(destination);
        Release(piece.Offset + piece.Length);
        return piece.Length;
    }

    /// <summary>Lends the first datagram until the next call of this or <see cref="Take"/>.</summary>
    public bool TryLend(out ReadOnlyMemory<byte> datagram)
    {
        EndLoan();
        if (_pieces.Count == 0)
        {
            datagram = default;
            return false;
        }

        var piece = Dequeue();
        _first = piece.Offset;
        _lent = piece.Length;
        datagram = _ring.AsMemory(piece.Offset, piece.Length);
        return true;
    }

    /// <summary>Wipes everything but what is lent or reserved, and forgets it.</summary>
    public void Clear()
    {
        foreach (var piece in _pieces)
        {
            CryptographicOperations.ZeroMemory(_ring.AsSpan(piece.Offset, piece.Length));
        }

        _pieces.Clear();
        _late.Clear();
        _ring = [];
        (_first, _end, _lent, Bytes) = (0, 0, 0, 0);
    }

    private void EndReservation()
    {
        IsReserved = false;
        _room = default;
        while (_late.TryDequeue(out var late))
        {
            Append(late.Datagram, late.Session);
        }
    }

    private void Append(ReadOnlySpan<byte> datagram, long session)
    {
        var offset = Allocate(datagram.Length);
        datagram.CopyTo(_ring.AsSpan(offset));
        _pieces.Enqueue(new(offset, datagram.Length, session));
    }

    private Piece Dequeue()
    {
        var piece = _pieces.Dequeue();
        Bytes -= piece.Length;
        return piece;
    }

    private void EndLoan()
    {
        if (_lent > 0)
        {
            var end = _first + _lent;
            _lent = 0;
            Release(end);
        }
    }

    private void Release(int end) => _first = _pieces.TryPeek(out var next) ? next.Offset : IsReserved ? _roomAt : end;

    private int Allocate(int bytes)
    {
        if (_pieces.Count == 0 && _lent == 0)
        {
            (_first, _end) = (0, 0);
        }

        if (!TryAllocate(bytes, out var offset))
        {
            Grow(bytes);
            TryAllocate(bytes, out offset);
        }

        _end = offset + bytes;
        return offset;
    }

    private bool TryAllocate(int bytes, out int offset)
    {
        offset = _end;
        if (_end >= _first)
        {
            if (_ring.Length - _end >= bytes)
            {
                return true;
            }

            // Never up to the first byte in use: that would look like a ring in use up to its end.
            offset = 0;
            return bytes < _first;
        }

        return bytes < _first - _end;
    }

    /// <summary>Makes a larger ring. The datagram that is lent stays where it is until it comes back.</summary>
    private void Grow(int bytes)
    {
        // With twice the room of before the gap at the ring's end is never the reason for the next time.
        var capacity = Math.Max(FirstCapacity, 2 * _ring.Length);
        while (capacity < Bytes + bytes)
        {
            capacity *= 2;
        }

        var larger = new byte[capacity];
        var end = 0;
        for (var i = _pieces.Count; i > 0; i--)
        {
            var piece = _pieces.Dequeue();
            var datagram = _ring.AsSpan(piece.Offset, piece.Length);
            datagram.CopyTo(larger.AsSpan(end));
            CryptographicOperations.ZeroMemory(datagram);
            _pieces.Enqueue(piece with { Offset = end });
            end += piece.Length;
        }

        _ring = larger;
        (_first, _end, _lent) = (0, end, 0);
    }

    /// <summary>Where a datagram stands, and the session that it came on.</summary>
    internal readonly record struct Piece(int Offset, int Length, long Session);
}
