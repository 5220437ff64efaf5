using System.Runtime.InteropServices;

namespace PacketSec.Crypto.Sodium;

/// <summary>The functions of libsodium that PacketSec calls; see libsodium's documentation.</summary>
internal static unsafe partial class LibSodium
{
    private const string Library = NativeLibraries.LibSodium;

    [LibraryImport(Library)]
    internal static partial int sodium_init();

    [LibraryImport(Library)]
    internal static partial byte* sodium_version_string();

    [LibraryImport(Library)]
    internal static partial int crypto_scalarmult_curve25519_base(byte* publicKey, byte* privateKey);

    [LibraryImport(Library)]
    internal static partial int crypto_scalarmult_curve25519(byte* secret, byte* privateKey, byte* publicKey);

    [LibraryImport(Library)]
    internal static partial int crypto_sign_ed25519_seed_keypair(byte* publicKey, byte* privateKey, byte* seed);

    [LibraryImport(Library)]
    internal static partial int crypto_sign_ed25519_detached(
        byte* signature, ulong* signatureLength, byte* message, ulong messageLength, byte* privateKey);

    [LibraryImport(Library)]
    internal static partial int crypto_sign_ed25519_verify_detached(byte* signature, byte* message, ulong messageLength, byte* publicKey);
}
