using PacketSec.Crypto.OpenSsl;
using PacketSec.Crypto.Sodium;

namespace PacketSec.Crypto;

/// <summary>The providers of this machine, and the one that serves when the caller names none.</summary>
/// <remarks>
/// Thread-safe. <c>PACKETSEC_CRYPTO</c> set to <c>openssl</c> or <c>libsodium</c> chooses the default; <c>PACKETSEC_LIBCRYPTO</c> and
/// <c>PACKETSEC_LIBSODIUM</c> name the libraries' files. They are read once.
/// </remarks>
public static class CryptoProvider
{
    internal const string ChoiceVariable = "PACKETSEC_CRYPTO";

    private static ICryptoProvider? s_openSsl;
    private static ICryptoProvider? s_default;
    private static IReadOnlyList<ICryptoProvider>? s_available;

    /// <summary>Gets the fastest provider of this machine: OpenSSL, with libsodium's Curve25519 where libsodium is installed.</summary>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 is not installed, or <c>PACKETSEC_CRYPTO</c> asks for what is not there.</exception>
    public static ICryptoProvider Default
        => Volatile.Read(ref s_default) ?? Publish(ref s_default, Choose(Environment.GetEnvironmentVariable(ChoiceVariable)));

    /// <summary>Gets the provider that uses nothing but OpenSSL 3's libcrypto.</summary>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 is not installed.</exception>
    public static ICryptoProvider OpenSsl => Volatile.Read(ref s_openSsl) ?? Publish(ref s_openSsl, new OpenSslProvider());

    /// <summary>Gets all providers of this machine, whatever <c>PACKETSEC_CRYPTO</c> says, OpenSSL's first.</summary>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 is not installed.</exception>
    public static IReadOnlyList<ICryptoProvider> Available => Volatile.Read(ref s_available) ?? Publish(ref s_available, FindAll());

    /// <summary>Chooses the default provider.</summary>
    /// <param name="name">The user's choice; null or empty for none.</param>
    /// <exception cref="PlatformNotSupportedException">There is no such provider, or it is not installed.</exception>
    internal static ICryptoProvider Choose(string? name) => name switch
    {
        null or "" => Available[^1],
        "openssl" => OpenSsl,
        "libsodium" => Available.OfType<SodiumProvider>().FirstOrDefault()
            ?? throw new PlatformNotSupportedException(NativeLibraries.MissingLibSodium("its usual names")),
        _ => throw new PlatformNotSupportedException($"{ChoiceVariable} is \"{name}\"; it may be \"openssl\" or \"libsodium\"."),
    };

    private static IReadOnlyList<ICryptoProvider> FindAll()
        => SodiumProvider.TryCreate(OpenSsl) is { } sodium ? [OpenSsl, sodium] : [OpenSsl];

    // Two threads may both make one; all callers get the first.
    private static T Publish<T>(ref T? field, T made)
        where T : class
        => Interlocked.CompareExchange(ref field, made, null) ?? made;
}
