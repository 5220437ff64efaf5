using System.Security.Cryptography;
using PacketSec.Protocol;

namespace PacketSec.Internal;

/// <summary>
/// Datagrams on their way from one thread to one other, or back to the same one later, bounded in bytes and number. What does not fit is refused.
/// Takes no lock, and no memory before the first datagram.
/// </summary>
/// <remarks>One thread adds and one takes; they may be two.</remarks>
internal sealed class DatagramRing
{
    private readonly int _capacity;
    private readonly Item[] _items;
    private byte[] _bytes = [];
    private long _head;
    private long _tail;
    private int _end;

    /// <summary>Creates an empty one.</summary>
    /// <param name="bytes">The room for datagrams; less where they do not fit without a gap.</param>
    /// <param name="datagrams">The most datagrams.</param>
    public DatagramRing(int bytes, int datagrams)
    {
        _capacity = bytes;
        _items = new Item[datagrams];
    }

    /// <summary>Gets the number of datagrams; another thread may be about to change it.</summary>
    public int Count => (int)(Volatile.Read(ref _tail) - Volatile.Read(ref _head));

    /// <summary>Adds a copy of a datagram, unless it does not fit.</summary>
    public bool TryAdd(in PathAddress path, ReadOnlySpan<byte> datagram)
    {
        // Where the other thread takes meanwhile, this sees more taken than there is.
        var head = Volatile.Read(ref _head);
        var tail = _tail;
        if (tail - head >= _items.Length || !TryFindRoom(head == tail, _items[head % _items.Length].Offset, datagram.Length, out var offset))
        {
            return false;
        }

        if (_bytes.Length == 0)
        {
            _bytes = new byte[_capacity];
        }

        datagram.CopyTo(_bytes.AsSpan(offset));
        _items[tail % _items.Length] = new(path, offset, datagram.Length);
        _end = offset + datagram.Length;
        Volatile.Write(ref _tail, tail + 1);
        return true;
    }

    /// <summary>Gets the first datagram, which stays until <see cref="Remove"/>.</summary>
    public bool TryPeek(out PathAddress path, out ReadOnlySpan<byte> datagram)
    {
        if (_head == Volatile.Read(ref _tail))
        {
            path = default;
            datagram = default;
            return false;
        }

        ref readonly var item = ref _items[_head % _items.Length];
        path = item.Path;
        datagram = _bytes.AsSpan(item.Offset, item.Length);
        return true;
    }

    /// <summary>Removes the first datagram.</summary>
    public void Remove() => Volatile.Write(ref _head, _head + 1);

    /// <summary>Wipes everything; neither thread uses it any more.</summary>
    public void Clear()
    {
        CryptographicOperations.ZeroMemory(_bytes);
        _head = _tail;
    }

    private bool TryFindRoom(bool empty, int first, int length, out int offset)
    {
        // From the beginning where nothing is in the way, so that a ring that is never full touches little memory.
        offset = empty ? 0 : _end;
        if (empty || _end >= first)
        {
            if (_capacity - offset >= length)
            {
                return true;
            }

            // Never up to the first byte in use: that would look like a ring in use up to its end.
            offset = 0;
            return !empty && length < first;
        }

        return length < first - _end;
    }

    private readonly record struct Item(PathAddress Path, int Offset, int Length);
}
