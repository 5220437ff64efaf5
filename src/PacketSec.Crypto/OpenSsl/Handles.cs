using System.Runtime.InteropServices;

namespace PacketSec.Crypto.OpenSsl;

/// <summary>An object of libcrypto, freed once, by disposal or else by the finaliser.</summary>
internal abstract class LibCryptoHandle : SafeHandle
{
    protected LibCryptoHandle(nint pointer, string operation)
        : base(0, ownsHandle: true)
    {
        if (pointer == 0)
        {
            throw OpenSslError.Take(operation);
        }

        SetHandle(pointer);
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Gets the pointer of an object that is never disposed.</summary>
    internal nint Pointer => handle;
}

/// <summary>A fetched cipher (EVP_CIPHER).</summary>
internal sealed unsafe class CipherHandle(ReadOnlySpan<byte> name) : LibCryptoHandle(Fetch(name), "EVP_CIPHER_fetch")
{
    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_CIPHER_free(handle);
        return true;
    }

    private static nint Fetch(ReadOnlySpan<byte> name)
    {
        fixed (byte* text = name)
        {
            return LibCrypto.EVP_CIPHER_fetch(0, text, null);
        }
    }
}

/// <summary>The state of a cipher (EVP_CIPHER_CTX). Freeing it wipes its key.</summary>
internal sealed class CipherContextHandle() : LibCryptoHandle(LibCrypto.EVP_CIPHER_CTX_new(), "EVP_CIPHER_CTX_new")
{
    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_CIPHER_CTX_free(handle);
        return true;
    }
}

/// <summary>A fetched digest (EVP_MD).</summary>
internal sealed unsafe class DigestHandle(ReadOnlySpan<byte> name) : LibCryptoHandle(Fetch(name), "EVP_MD_fetch")
{
    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_MD_free(handle);
        return true;
    }

    private static nint Fetch(ReadOnlySpan<byte> name)
    {
        fixed (byte* text = name)
        {
            return LibCrypto.EVP_MD_fetch(0, text, null);
        }
    }
}

/// <summary>A key (EVP_PKEY). Freeing it wipes a private one.</summary>
internal sealed class KeyHandle(nint key, string operation) : LibCryptoHandle(key, operation)
{
    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_PKEY_free(handle);
        return true;
    }
}

/// <summary>An operation in progress with a key (EVP_PKEY_CTX).</summary>
internal sealed class KeyContextHandle(nint context, string operation) : LibCryptoHandle(context, operation)
{
    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_PKEY_CTX_free(handle);
        return true;
    }
}

/// <summary>A keyed HMAC (EVP_MAC_CTX) that serves as the template of others.</summary>
internal sealed class MacContextHandle(nint context) : LibCryptoHandle(context, "EVP_MAC_CTX_new")
{
    protected override bool ReleaseHandle()
    {
        LibCrypto.EVP_MAC_CTX_free(handle);
        return true;
    }
}
