using System.Net.Sockets;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace PacketSec.Udp.Linux;

/// <summary>A descriptor that becomes readable when it is set: what a thread blocked in poll is woken by.</summary>
[SupportedOSPlatform("linux")]
internal sealed unsafe class EventDescriptor : SafeHandleZeroOrMinusOneIsInvalid
{
    // EFD_CLOEXEC | EFD_NONBLOCK.
    private const int CreationFlags = 0x80000 | 0x800;

    /// <summary>Creates one that is not set.</summary>
    /// <exception cref="SocketException">The process has no descriptor left.</exception>
    public EventDescriptor()
        : base(ownsHandle: true)
    {
        int descriptor = LibC.CreateEvent(0, CreationFlags);
        if (descriptor < 0)
        {
            throw new SocketException((int)SocketError.TooManyOpenSockets);
        }

        SetHandle(descriptor);
    }

    /// <summary>Makes it readable.</summary>
    public void Set()
    {
        ulong one = 1;
        // Fails only when 2^64 - 2 requests are pending, which is set enough.
        _ = LibC.Write(this, &one, sizeof(ulong));
    }

    /// <summary>Makes it unreadable; no effect when it is not set.</summary>
    public void Reset()
    {
        ulong count;
        _ = LibC.Read(this, &count, sizeof(ulong));
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => LibC.Close((int)handle) == 0;
}
