using System.Buffers.Binary;
using PacketSec.Crypto.OpenSsl;

namespace PacketSec.Benchmarks.Suites;

/// <summary>The calls into libcrypto that seal a packet, without the provider around them: what a change of the provider does not change.</summary>
internal sealed unsafe class RawSeal : IDisposable
{
    private const int HeaderSize = 4;
    private const int TagSize = 16;

    private readonly nint _context;
    private ulong _counter;

    public RawSeal()
    {
        using var cipher = new CipherHandle("ChaCha20-Poly1305"u8);
        _context = LibCrypto.EVP_CIPHER_CTX_new();
        var key = stackalloc byte[32];
        new Span<byte>(key, 32).Fill(1);
        Require(LibCrypto.EVP_EncryptInit_ex2(_context, cipher.Pointer, key, null, 0) == 1);
    }

    public void Seal(ReadOnlySpan<byte> payload, Span<byte> datagram)
    {
        Span<byte> nonce = stackalloc byte[12];
        nonce.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(nonce[4..], _counter++);
        int written;
        fixed (byte* n = nonce, input = payload, output = datagram)
        {
            Require(LibCrypto.EVP_EncryptInit_ex2(_context, 0, null, n, 0) == 1
                && LibCrypto.EVP_EncryptUpdate(_context, null, &written, output, HeaderSize) == 1
                && LibCrypto.EVP_EncryptUpdate(_context, output + HeaderSize, &written, input, payload.Length) == 1
                && LibCrypto.EVP_EncryptFinal_ex(_context, output + HeaderSize + payload.Length, &written) == 1
                && LibCrypto.EVP_CIPHER_CTX_ctrl(_context, LibCrypto.ControlAeadGetTag, TagSize, output + HeaderSize + payload.Length) == 1);
        }
    }

    public void Dispose() => LibCrypto.EVP_CIPHER_CTX_free(_context);

    private static void Require(bool done)
    {
        if (!done)
        {
            throw new InvalidOperationException("libcrypto failed.");
        }
    }
}
