using PacketSec.Crypto;

namespace PacketSec.Core.Tests.Crypto;

public class CryptoProviderTests
{
    [Fact]
    public void A_missing_libcrypto_is_reported_with_what_to_install()
    {
        var error = Assert.Throws<PlatformNotSupportedException>(
            () => NativeLibraries.Load("/nowhere/libcrypto.so.3", ["libcrypto.so.3"], NativeLibraries.MissingLibCrypto));

        Assert.Contains("/nowhere/libcrypto.so.3", error.Message, StringComparison.Ordinal);
        Assert.Contains("apt install libssl3", error.Message, StringComparison.Ordinal);
        Assert.Contains("brew install openssl@3", error.Message, StringComparison.Ordinal);
        Assert.Contains("choco install openssl", error.Message, StringComparison.Ordinal);
        Assert.Contains("PACKETSEC_LIBCRYPTO", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_candidate_that_loads_serves_and_all_are_named_when_none_does()
    {
        Assert.NotEqual(0, NativeLibraries.Load(null, ["libnowhere.so.1", .. NativeLibraries.LibCryptoCandidates()], NativeLibraries.MissingLibCrypto));
        var error = Assert.Throws<PlatformNotSupportedException>(
            () => NativeLibraries.Load(null, ["libnowhere.so.1", "libnowhere.so.2"], NativeLibraries.MissingLibSodium));
        Assert.Contains("libnowhere.so.1, libnowhere.so.2", error.Message, StringComparison.Ordinal);
        Assert.Contains("PACKETSEC_LIBSODIUM", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_default_is_one_of_the_available_and_each_names_its_library_and_version()
    {
        Assert.Same(CryptoProvider.OpenSsl, CryptoProvider.Available[0]);
        Assert.Contains(CryptoProvider.Default, CryptoProvider.Available);
        Assert.Matches(@"^OpenSSL 3\.\d", CryptoProvider.OpenSsl.Name);
        Assert.All(CryptoProvider.Available.Skip(1), provider => Assert.Matches(@"^libsodium 1\.\d+\.\d+ \(Curve25519\), OpenSSL 3", provider.Name));
    }

    [Fact]
    public void The_choice_is_openssl_or_the_best_there_is_and_anything_else_is_an_error()
    {
        Assert.Same(CryptoProvider.OpenSsl, CryptoProvider.Choose("openssl"));
        Assert.Same(CryptoProvider.Available[^1], CryptoProvider.Choose(null));
        Assert.Same(CryptoProvider.Available[^1], CryptoProvider.Choose(""));
        var error = Assert.Throws<PlatformNotSupportedException>(() => CryptoProvider.Choose("botan"));
        Assert.Contains("PACKETSEC_CRYPTO", error.Message, StringComparison.Ordinal);
        Assert.Contains("\"botan\"", error.Message, StringComparison.Ordinal);
    }

    [LibSodiumFact]
    public void Libsodium_can_be_chosen()
        => Assert.StartsWith("libsodium", CryptoProvider.Choose("libsodium").Name, StringComparison.Ordinal);
}
