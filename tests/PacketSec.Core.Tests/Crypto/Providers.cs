using PacketSec.Crypto;
using PacketSec.TestSupport;

namespace PacketSec.Core.Tests.Crypto;

/// <summary>The providers that every test of primitives runs on: OpenSSL, and libsodium where it is installed or required.</summary>
internal static class Providers
{
    internal const string OpenSsl = "openssl";
    internal const string LibSodium = "libsodium";

    public static string[] Names
        => CryptoProvider.Available.Count > 1 || TestData.IsRequired(LibSodium) ? [OpenSsl, LibSodium] : [OpenSsl];

    public static TheoryData<string> All => new(Names);

    public static ICryptoProvider Named(string name) => CryptoProvider.Choose(name);
}

/// <summary>A fact that needs libsodium: skipped, visibly, where it is absent, unless <c>PACKETSEC_REQUIRE</c> names it.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LibSodiumFactAttribute : FactAttribute
{
    public LibSodiumFactAttribute()
    {
        if (!Providers.Names.Contains(Providers.LibSodium))
        {
            Skip = "libsodium is not installed.";
        }
    }
}
