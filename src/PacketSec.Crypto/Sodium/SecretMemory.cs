using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace PacketSec.Crypto.Sodium;

/// <summary>
/// Native memory for a private key, wiped before it is freed. As a handle it is not wiped while a call on another thread still uses it.
/// </summary>
internal sealed unsafe class SecretMemory : SafeHandle
{
    private readonly int _size;

    internal SecretMemory(int size)
        : base(0, ownsHandle: true)
    {
        _size = size;
        SetHandle((nint)NativeMemory.AllocZeroed((nuint)size));
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Gets the memory, for use before others know this object.</summary>
    internal byte* Pointer => (byte*)handle;

    protected override bool ReleaseHandle()
    {
        CryptographicOperations.ZeroMemory(new Span<byte>((void*)handle, _size));
        NativeMemory.Free((void*)handle);
        return true;
    }
}
