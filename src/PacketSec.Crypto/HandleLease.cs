using System.Runtime.InteropServices;

namespace PacketSec.Crypto;

/// <summary>Keeps a native object alive for the length of a call, also while another thread disposes its owner.</summary>
internal readonly ref struct HandleLease
{
    private readonly SafeHandle _handle;

    /// <summary>Takes the lease.</summary>
    /// <exception cref="ObjectDisposedException">The object is freed, or about to be.</exception>
    public HandleLease(SafeHandle handle)
    {
        var held = false;
        handle.DangerousAddRef(ref held);
        _handle = handle;
    }

    /// <summary>Gets the native pointer, valid until the lease ends.</summary>
    public nint Pointer => _handle.DangerousGetHandle();

    public void Dispose() => _handle.DangerousRelease();
}
