using System.Buffers.Binary;
using System.Security.Cryptography;

namespace PacketSec.Crypto.OpenSsl;

/// <summary>Hashes and what is made of them. A native context per call, freed (which wipes it) before the call returns; nothing managed is allocated.</summary>
internal static unsafe class OpenSslHashing
{
    /// <summary>The rate of Keccak with 256 bits of security, in bytes.</summary>
    private const int CShake256Rate = 136;

    /// <summary>The longest N or S: with both at it, the padded prefix still is one block.</summary>
    private const int MaxCShakeString = 64;

    internal static void Hash(
        OpenSslAlgorithms algorithms, HashAlgorithm algorithm, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> hash)
    {
        CheckOutput(algorithm, hash, nameof(hash));
        var context = NewDigest(algorithms.Digest(algorithm));
        try
        {
            Update(context, first);
            Update(context, second);
            fixed (byte* output = hash)
            {
                OpenSslError.ThrowUnlessOne(LibCrypto.EVP_DigestFinal_ex(context, output, null), "EVP_DigestFinal_ex");
            }
        }
        finally
        {
            LibCrypto.EVP_MD_CTX_free(context);
        }
    }

    internal static void Hmac(
        OpenSslAlgorithms algorithms,
        HashAlgorithm algorithm,
        ReadOnlySpan<byte> key,
        ReadOnlySpan<byte> first,
        ReadOnlySpan<byte> second,
        Span<byte> mac)
    {
        CheckOutput(algorithm, mac, nameof(mac));
        using var state = new HmacState(algorithms.Hmac(algorithm));
        state.Compute(key, first, second, default, mac);
    }

    internal static void Hkdf(
        OpenSslAlgorithms algorithms,
        HashAlgorithm algorithm,
        ReadOnlySpan<byte> inputKey,
        ReadOnlySpan<byte> salt,
        ReadOnlySpan<byte> info,
        Span<byte> output)
    {
        var size = algorithm.HashSize();
        if (output.Length > 255 * size)
        {
            throw new ArgumentException($"HKDF gives at most 255 hashes, here {255 * size} bytes.", nameof(output));
        }

        if (output.Overlaps(info))
        {
            throw new ArgumentException("The output does not overlap the context: each block of it is made with the context.", nameof(output));
        }

        Span<byte> pseudoRandomKey = stackalloc byte[HashAlgorithms.MaxHashSize];
        Span<byte> block = stackalloc byte[HashAlgorithms.MaxHashSize];
        pseudoRandomKey = pseudoRandomKey[..size];
        block = block[..size];
        using var state = new HmacState(algorithms.Hmac(algorithm));
        try
        {
            state.Compute(salt, inputKey, default, default, pseudoRandomKey);
            byte number = 0;
            for (var rest = output; !rest.IsEmpty; rest = rest[Math.Min(size, rest.Length)..])
            {
                number++;
                state.Compute(pseudoRandomKey, number == 1 ? default : block, info, [number], block);
                block[..Math.Min(size, rest.Length)].CopyTo(rest);
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pseudoRandomKey);
            CryptographicOperations.ZeroMemory(block);
        }
    }

    internal static void CShake256(
        OpenSslAlgorithms algorithms, ReadOnlySpan<byte> functionName, ReadOnlySpan<byte> customization, ReadOnlySpan<byte> data, Span<byte> output)
    {
        if (functionName.Length > MaxCShakeString)
        {
            throw new ArgumentException("N has at most 64 bytes.", nameof(functionName));
        }

        if (customization.Length > MaxCShakeString)
        {
            throw new ArgumentException("S has at most 64 bytes.", nameof(customization));
        }

        if (output.IsEmpty)
        {
            return;
        }

        var plain = functionName.IsEmpty && customization.IsEmpty;
        var context = NewDigest(plain ? algorithms.Shake256 : algorithms.CShake256);
        try
        {
            if (!plain)
            {
                // bytepad(encode_string(N) || encode_string(S), 136), SP 800-185, section 2.3.
                Span<byte> prefix = stackalloc byte[CShake256Rate];
                prefix.Clear();
                prefix[0] = 1;
                prefix[1] = CShake256Rate;
                var length = 2 + EncodeString(functionName, prefix[2..]);
                EncodeString(customization, prefix[length..]);
                Update(context, prefix);
            }

            Update(context, data);
            fixed (byte* target = output)
            {
                OpenSslError.ThrowUnlessOne(LibCrypto.EVP_DigestFinalXOF(context, target, (nuint)output.Length), "EVP_DigestFinalXOF");
            }
        }
        finally
        {
            LibCrypto.EVP_MD_CTX_free(context);
        }
    }

    /// <summary>Writes left_encode(length in bits) and the string; returns the number of bytes written.</summary>
    private static int EncodeString(ReadOnlySpan<byte> text, Span<byte> destination)
    {
        var bits = (ushort)(text.Length * 8);
        var size = bits <= byte.MaxValue ? 1 : 2;
        destination[0] = (byte)size;
        if (size == 1)
        {
            destination[1] = (byte)bits;
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(destination[1..], bits);
        }

        text.CopyTo(destination[(1 + size)..]);
        return 1 + size + text.Length;
    }

    private static nint NewDigest(nint digest)
    {
        var context = LibCrypto.EVP_MD_CTX_new();
        if (context == 0)
        {
            throw OpenSslError.Take("EVP_MD_CTX_new");
        }

        if (LibCrypto.EVP_DigestInit_ex2(context, digest, 0) != 1)
        {
            LibCrypto.EVP_MD_CTX_free(context);
            throw OpenSslError.Take("EVP_DigestInit_ex2");
        }

        return context;
    }

    private static void Update(nint context, ReadOnlySpan<byte> data)
    {
        if (!data.IsEmpty)
        {
            fixed (byte* input = data)
            {
                OpenSslError.ThrowUnlessOne(LibCrypto.EVP_DigestUpdate(context, input, (nuint)data.Length), "EVP_DigestUpdate");
            }
        }
    }

    private static void CheckOutput(HashAlgorithm algorithm, Span<byte> output, string name)
    {
        if (output.Length != algorithm.HashSize())
        {
            throw new ArgumentException("The output is as long as the hash.", name);
        }
    }

    /// <summary>One HMAC context, good for several MACs one after the other.</summary>
    private readonly ref struct HmacState
    {
        private readonly nint _context;

        public HmacState(nint template)
        {
            _context = LibCrypto.EVP_MAC_CTX_dup(template);
            if (_context == 0)
            {
                throw OpenSslError.Take("EVP_MAC_CTX_dup");
            }
        }

        public void Compute(
            ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third, Span<byte> mac)
        {
            // A null key would mean "keep the last one": an empty key wants a pointer all the same.
            byte empty = 0;
            fixed (byte* given = key, output = mac)
            {
                var written = (nuint)0;
                var result = LibCrypto.EVP_MAC_init(_context, given == null ? &empty : given, (nuint)key.Length, null);
                OpenSslError.ThrowUnlessOne(result, "EVP_MAC_init");
                Update(first);
                Update(second);
                Update(third);
                OpenSslError.ThrowUnlessOne(LibCrypto.EVP_MAC_final(_context, output, &written, (nuint)mac.Length), "EVP_MAC_final");
            }
        }

        public void Dispose() => LibCrypto.EVP_MAC_CTX_free(_context);

        private void Update(ReadOnlySpan<byte> data)
        {
            if (!data.IsEmpty)
            {
                fixed (byte* input = data)
                {
                    OpenSslError.ThrowUnlessOne(LibCrypto.EVP_MAC_update(_context, input, (nuint)data.Length), "EVP_MAC_update");
                }
            }
        }
    }
}
