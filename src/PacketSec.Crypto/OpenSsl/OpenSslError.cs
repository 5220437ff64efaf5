using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace PacketSec.Crypto.OpenSsl;

/// <summary>Turns libcrypto's per-thread error queue into exceptions.</summary>
internal static unsafe class OpenSslError
{
    /// <summary>Makes the exception for a failed call from the newest queued error, and empties the queue.</summary>
    /// <param name="operation">The function that failed.</param>
    internal static CryptographicException Take(string operation)
    {
        var error = LibCrypto.ERR_peek_last_error();
        LibCrypto.ERR_clear_error();
        if (error == 0)
        {
            return new CryptographicException($"libcrypto's {operation} failed without giving a reason.");
        }

        const int Size = 256;
        var text = stackalloc byte[Size];
        LibCrypto.ERR_error_string_n(error, text, Size);
        return new CryptographicException($"libcrypto's {operation} failed: {Marshal.PtrToStringUTF8((nint)text)}");
    }

    /// <summary>Drops what a refusal of bad data left in the queue. Clearing an empty queue would cost a tenth of a packet.</summary>
    internal static void Drop()
    {
        if (LibCrypto.ERR_peek_error() != 0)
        {
            LibCrypto.ERR_clear_error();
        }
    }

    /// <summary>Throws unless the call returned 1.</summary>
    /// <param name="result">What the function returned.</param>
    /// <param name="operation">The function's name.</param>
    internal static void ThrowUnlessOne(int result, string operation)
    {
        if (result != 1)
        {
            throw Take(operation);
        }
    }
}
