namespace PacketSec.Udp;

/// <summary>
/// Datagrams to send with as few system calls as the platform allows: written one behind the other into one pinned buffer, and
/// grouped as they come, so that equal ones to one address can leave in one piece.
/// </summary>
/// <remarks>Not thread-safe. Reused: it allocates when it is made and never after.</remarks>
internal sealed class SendBatch
{
    /// <summary>The room for datagrams in bytes; the longest datagram fits.</summary>
    public const int Capacity = 64 * 1024;

    /// <summary>The most groups.</summary>
    public const int MaxGroups = 64;

    /// <summary>The most datagrams of one group: what every Linux with UDP_SEGMENT takes.</summary>
    public const int MaxSegments = 64;

    /// <summary>The most bytes of one group: one UDP datagram's over IPv4.</summary>
    public const int MaxGroupBytes = 65_507;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(Capacity, pinned: true);
    private readonly SendGroup[] _groups = new SendGroup[MaxGroups];
    private int _used;
    private int _lastLength;

    /// <summary>Gets the number of groups.</summary>
    public int Count { get; private set; }

    /// <summary>Gets the groups, in the order of their datagrams.</summary>
    public Span<SendGroup> Groups => _groups.AsSpan(0, Count);

    /// <summary>Gets where the next datagram is to be written, before <see cref="Append"/>.</summary>
    public Span<byte> Free => _buffer.AsSpan(_used);

    /// <summary>Gets all datagrams.</summary>
    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, _used);

    /// <summary>Gets a value indicating whether one more datagram may need a group, and there is none left.</summary>
    public bool IsFull => Count == MaxGroups;

    /// <summary>Gets the bytes of a group.</summary>
    public ReadOnlySpan<byte> BytesOf(in SendGroup group) => _buffer.AsSpan(group.Offset, group.Length);

    /// <summary>Takes the datagram that was written to <see cref="Free"/>. The batch is not full.</summary>
    /// <param name="local">As for <see cref="IDatagramIo.Send(in UdpAddress, in UdpAddress, ReadOnlySpan{byte})"/>.</param>
    /// <param name="remote">The receiver.</param>
    /// <param name="length">Its length, 1 and up.</param>
    public void Append(in UdpAddress local, in UdpAddress remote, int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Capacity - _used);
        int previous = _lastLength;
        _lastLength = length;
        if (Count > 0)
        {
            // A group ends with its first shorter datagram.
            ref SendGroup last = ref _groups[Count - 1];
            if (length <= last.SegmentSize && previous == last.SegmentSize && last.Length + length <= MaxGroupBytes
                && last.Length < MaxSegments * last.SegmentSize && last.Remote == remote && last.Local == local)
            {
                last.Length += length;
                _used += length;
                return;
            }
        }

        _groups[Count++] = new() { Local = local, Remote = remote, Offset = _used, Length = length, SegmentSize = length };
        _used += length;
    }

    /// <summary>Makes it empty.</summary>
    public void Clear() => (Count, _used) = (0, 0);
}

/// <summary>Datagrams of one batch to one address: all of one size, but the last, which may be shorter.</summary>
internal struct SendGroup
{
    /// <summary>The address to send from, or the default.</summary>
    public UdpAddress Local;

    /// <summary>The receiver.</summary>
    public UdpAddress Remote;

    /// <summary>Where it begins in the batch.</summary>
    public int Offset;

    /// <summary>The bytes of all its datagrams.</summary>
    public int Length;

    /// <summary>The size of each datagram but the last.</summary>
    public int SegmentSize;

    /// <summary>
    /// After sending: how many datagrams the system took, the first ones; with <see cref="SendStatus.TooLarge"/> the last one, when it is
    /// shorter.
    /// </summary>
    public int Sent;

    /// <summary>After sending: what became of the others; <see cref="SendStatus.Sent"/> when there are none.</summary>
    public SendStatus Status;

    /// <summary>Gets the number of datagrams.</summary>
    public readonly int Segments => (Length + SegmentSize - 1) / SegmentSize;

    /// <summary>Gets the size of the last datagram.</summary>
    public readonly int LastLength => Length - ((Segments - 1) * SegmentSize);

    /// <summary>After sending: tells whether the system took a datagram.</summary>
    /// <param name="index">0 to <see cref="Segments"/> - 1.</param>
    public readonly bool WasSent(int index) => Status == SendStatus.TooLarge ? index >= Segments - Sent : index < Sent;
}
