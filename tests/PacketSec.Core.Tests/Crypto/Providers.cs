using PacketSec.Crypto;
using PacketSec.TestSupport;

namespace PacketSec.Core.Tests.Crypto;

/// <summary>The providers that every test of primitives runs on: OpenSSL, and libsodium where it is installed or required.</summary>
internal static class Providers
{
    internal const string OpenSsl = "openssl";
    internal const string LibSodium = "libsodium";

    public static TheoryData<string> All
        => CryptoProvider.Available.Count > 1 || TestData.IsRequired(LibSodium) ? new(OpenSsl, LibSodium) : new(OpenSsl);

    public static ICryptoProvider Named(string name) => CryptoProvider.Choose(name);
}
