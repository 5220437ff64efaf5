using System.Reflection;
using System.Runtime.InteropServices;

namespace PacketSec.Crypto;

/// <summary>Finds and loads the native libraries, and resolves the names that the imports of this assembly use.</summary>
/// <remarks>Thread-safe. Both environment variables are read once.</remarks>
internal static class NativeLibraries
{
    internal const string LibCrypto = "libcrypto";
    internal const string LibSodium = "libsodium";
    internal const string LibCryptoVariable = "PACKETSEC_LIBCRYPTO";
    internal const string LibSodiumVariable = "PACKETSEC_LIBSODIUM";

    // The search path leaves out the working directory and PATH, where a stranger may have put a library of that name.
    private const DllImportSearchPath SearchPath = DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories;

    private static readonly string? LibCryptoOverride = OverrideFrom(LibCryptoVariable);
    private static readonly string? LibSodiumOverride = OverrideFrom(LibSodiumVariable);

    // Runs once, before any member here is used; and no import is called before one is, since every provider asks for its library here.
    static NativeLibraries() => NativeLibrary.SetDllImportResolver(typeof(NativeLibraries).Assembly, Resolve);

    /// <summary>Loads libcrypto, so that a missing library is reported here and not at some later call.</summary>
    /// <exception cref="PlatformNotSupportedException">It cannot be loaded, or is another library; the message names what to install.</exception>
    internal static void RequireLibCrypto()
    {
        var handle = Load(LibCryptoOverride, LibCryptoCandidates(), MissingLibCrypto);
        if (!NativeLibrary.TryGetExport(handle, "EVP_CIPHER_fetch", out _))
        {
            throw new PlatformNotSupportedException(MissingLibCrypto($"{LibCryptoOverride ?? "its usual names"}, which is not OpenSSL 3"));
        }
    }

    /// <summary>Loads libsodium where it is installed.</summary>
    /// <returns>Whether it is.</returns>
    /// <exception cref="PlatformNotSupportedException"><c>PACKETSEC_LIBSODIUM</c> names something that cannot be loaded.</exception>
    internal static bool HasLibSodium()
        => LibSodiumOverride is null
            ? TryLoadAny(LibSodiumCandidates(), out _)
            : Load(LibSodiumOverride, [], MissingLibSodium) != 0;

    /// <summary>Loads the named library, or else the first candidate that loads.</summary>
    /// <param name="named">The path or name that the user gave, or null. When given, no candidate is tried.</param>
    /// <param name="candidates">The names to try.</param>
    /// <param name="missing">Makes the error's message from what was tried.</param>
    internal static nint Load(string? named, string[] candidates, Func<string, string> missing)
    {
        string[] tried = named is null ? candidates : [named];
        return TryLoadAny(tried, out var handle) ? handle : throw new PlatformNotSupportedException(missing(string.Join(", ", tried)));
    }

    internal static string MissingLibCrypto(string tried)
        => $"OpenSSL 3 is needed, and its libcrypto could not be loaded (tried: {tried}). Install it ("
            + "Debian and Ubuntu: apt install libssl3; macOS: brew install openssl@3; Windows: choco install openssl), "
            + $"or set {LibCryptoVariable} to the library's path.";

    internal static string MissingLibSodium(string tried)
        => $"libsodium could not be loaded (tried: {tried}). Install it ("
            + "Debian and Ubuntu: apt install libsodium23; macOS: brew install libsodium; Windows: put libsodium.dll beside the program), "
            + $"correct {LibSodiumVariable}, or unset it and {CryptoProvider.ChoiceVariable}: libsodium is optional.";

    private static string? OverrideFrom(string variable)
        => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } path ? path : null;

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) => name switch
    {
        LibCrypto => Load(LibCryptoOverride, LibCryptoCandidates(), MissingLibCrypto),
        LibSodium => Load(LibSodiumOverride, LibSodiumCandidates(), MissingLibSodium),
        _ => 0,
    };

    private static bool TryLoadAny(string[] names, out nint handle)
    {
        handle = 0;
        foreach (var name in names)
        {
            if (NativeLibrary.TryLoad(name, typeof(NativeLibraries).Assembly, SearchPath, out handle))
            {
                return true;
            }
        }

        return false;
    }

    // Homebrew and the Windows installer use folders outside the loader's search path.
    internal static string[] LibCryptoCandidates()
    {
        if (OperatingSystem.IsWindows())
        {
            var name = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "libcrypto-3-arm64.dll" : "libcrypto-3-x64.dll";
            var programs = Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles);
            return [name, Path.Combine(programs, "OpenSSL-Win64", "bin", name), Path.Combine(programs, "OpenSSL", "bin", name)];
        }

        return OperatingSystem.IsMacOS()
            ? ["libcrypto.3.dylib", "/opt/homebrew/opt/openssl@3/lib/libcrypto.3.dylib", "/usr/local/opt/openssl@3/lib/libcrypto.3.dylib"]
            : ["libcrypto.so.3"];
    }

    internal static string[] LibSodiumCandidates()
    {
        if (OperatingSystem.IsWindows())
        {
            return ["libsodium.dll"];
        }

        return OperatingSystem.IsMacOS()
            ? [
                "libsodium.26.dylib", "libsodium.23.dylib",
                "/opt/homebrew/opt/libsodium/lib/libsodium.26.dylib", "/opt/homebrew/opt/libsodium/lib/libsodium.23.dylib",
                "/usr/local/opt/libsodium/lib/libsodium.26.dylib", "/usr/local/opt/libsodium/lib/libsodium.23.dylib",
            ]
            : ["libsodium.so.23", "libsodium.so.26"];
    }
}
