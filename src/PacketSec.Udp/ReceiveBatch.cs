namespace PacketSec.Udp;

/// <summary>Buffers of one receiving thread, and what the last receive put into them.</summary>
/// <remarks>Not thread-safe. Reused: it allocates when it is made and never after.</remarks>
internal sealed class ReceiveBatch
{
    // Buffers whose distance is a power of two would share the few lines of a cache that such addresses have in common, and push out of it what the system
    // has just put there. So each begins a datagram's length of lines further on.
    private const int Stagger = 24 * 64;

    private readonly ReceivedSegments[] _received;

    /// <summary>Creates the buffers.</summary>
    /// <param name="buffers">How many.</param>
    /// <param name="bufferSize">The size of each in bytes.</param>
    public ReceiveBatch(int buffers, int bufferSize)
    {
        Buffers = buffers;
        BufferSize = bufferSize;
        Memory = GC.AllocateUninitializedArray<byte>(buffers * (bufferSize + Stagger), pinned: true);
        _received = new ReceivedSegments[buffers];
    }

    /// <summary>Gets the number of buffers.</summary>
    public int Buffers { get; }

    /// <summary>Gets the size of each buffer.</summary>
    public int BufferSize { get; }

    /// <summary>Gets the number of received pieces, each of one datagram or of several equal ones.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// Gets or sets a value indicating whether the last call found less than it could have taken; false where the platform takes one at a time.
    /// </summary>
    public bool TookAll { get; set; }

    /// <summary>Gets the pinned memory of all buffers.</summary>
    internal byte[] Memory { get; }

    /// <summary>Gets or sets what a platform keeps with the buffers.</summary>
    internal object? PlatformState { get; set; }

    /// <summary>Gets a received piece.</summary>
    public ref readonly ReceivedSegments this[int index] => ref _received.AsSpan(0, Count)[index];

    /// <summary>Gets the bytes of a received piece.</summary>
    public ReadOnlySpan<byte> BytesOf(in ReceivedSegments piece) => Memory.AsSpan(piece.Offset, piece.Length);

    /// <summary>Gets where a buffer begins in <see cref="Memory"/>.</summary>
    internal int OffsetOf(int buffer) => buffer * (BufferSize + Stagger);

    internal void Clear() => Count = 0;

    internal void Add(in ReceivedSegments piece) => _received[Count++] = piece;
}

/// <summary>Datagrams of one sender, received in one piece.</summary>
/// <param name="Offset">Where it begins in the batch.</param>
/// <param name="Length">The bytes of all its datagrams, 0 and up.</param>
/// <param name="SegmentSize">The size of each datagram but the last, which may be shorter; 0 for one empty datagram.</param>
/// <param name="Remote">The sender.</param>
/// <param name="Local">
/// The address they came to, with the bound port; the bound address where the platform does not tell
/// (<see cref="IDatagramIo.ChoosesSource"/> is false).
/// </param>
internal readonly record struct ReceivedSegments(int Offset, int Length, int SegmentSize, UdpAddress Remote, UdpAddress Local);
