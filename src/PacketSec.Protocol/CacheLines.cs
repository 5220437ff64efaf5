using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace PacketSec.Protocol;

/// <summary>
/// Asks the processor to bring objects near before they are used. With thousands of peers nothing of a peer is in a cache, and each step from one
/// object to the next would wait for memory; asked for ahead, the steps are taken while other packets are deciphered. It changes nothing else, and
/// does nothing where the processor has no such instruction.
/// </summary>
internal static unsafe class CacheLines
{
    /// <summary>The size of a line in bytes.</summary>
    public const int Size = 64;

    /// <summary>Asks for a part of an object. That the collector may move it meanwhile does no harm: nothing is read or written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(object target, int first, int last)
    {
        if (Sse.IsSupported)
        {
            var address = (byte*)*(nint*)Unsafe.AsPointer(ref target);
            for (var offset = first; offset < last; offset += Size)
            {
                Sse.Prefetch0(address + offset);
            }

            Sse.Prefetch0(address + last);
        }
    }

    /// <summary>Asks for the line of a field or element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch<T>(ref readonly T place)
        where T : unmanaged
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.AsRef(in place)));
        }
    }
}
