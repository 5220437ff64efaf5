using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace PacketSec.Udp.Linux;

/// <summary>
/// What the kernel fills in beside the buffers of a <see cref="ReceiveBatch"/>: made once per batch, good for every socket.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed unsafe class ReceiveHeaders
{
    // sockaddr_in6, rounded up for the alignment of what follows.
    private const int NameSize = 32;

    // Pinned, as the batch's buffers are: the pointers between them stay good as long as both arrays live.
    private readonly ulong[] _memory;
    private readonly LibC.MessageSlot* _slots;
    private int _used;

    private ReceiveHeaders(ReceiveBatch batch)
    {
        int count = batch.Buffers;
        int size = count * (sizeof(LibC.MessageSlot) + sizeof(LibC.IoVector) + NameSize + ControlMessages.ReceiveSize);
        _memory = GC.AllocateArray<ulong>((size + sizeof(ulong) - 1) / sizeof(ulong), pinned: true);
        _slots = (LibC.MessageSlot*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_memory));
        var vectors = (LibC.IoVector*)(_slots + count);
        var names = (byte*)(vectors + count);
        byte* controls = names + (count * NameSize);
        var buffers = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(batch.Memory));
        for (int i = 0; i < count; i++)
        {
            vectors[i] = new() { Base = buffers + batch.OffsetOf(i), Length = (nuint)batch.BufferSize };
            ref LibC.MessageHeader header = ref _slots[i].Header;
            header.Name = names + (i * NameSize);
            header.Vectors = vectors + i;
            header.VectorCount = 1;
            header.Control = controls + (i * ControlMessages.ReceiveSize);
        }

        _used = count;
    }

    /// <summary>Gets or sets a value indicating whether the last batch had several datagrams in one piece.</summary>
    public bool Coalesced { get; set; }

    /// <summary>Gets those of a batch; makes them when it is new.</summary>
    public static ReceiveHeaders Of(ReceiveBatch batch)
    {
        if (batch.PlatformState is not ReceiveHeaders headers)
        {
            headers = new(batch);
            batch.PlatformState = headers;
        }

        return headers;
    }

    /// <summary>Makes the headers ready for the kernel, which overwrites the lengths of those it fills.</summary>
    /// <param name="count">How many the next call may fill.</param>
    public LibC.MessageSlot* Prepare(int count)
    {
        for (int i = 0; i < _used; i++)
        {
            _slots[i].Header.NameLength = UdpAddress.Sockaddr.IPv6Size;
            _slots[i].Header.ControlLength = ControlMessages.ReceiveSize;
        }

        _used = count;
        return _slots;
    }

    /// <summary>Tells how many the kernel filled; those behind are still ready.</summary>
    public void SetUsed(int count) => _used = count;
}
