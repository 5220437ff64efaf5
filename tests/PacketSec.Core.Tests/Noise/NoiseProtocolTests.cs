using PacketSec.Crypto;
using PacketSec.Noise;

namespace PacketSec.Core.Tests.Noise;

public sealed class NoiseProtocolTests
{
    [Fact]
    public void Every_name_is_read_as_what_makes_it()
    {
        foreach (var pattern in HandshakePattern.KnownNames.Select(HandshakePattern.FromName))
        {
            foreach (var aead in Enum.GetValues<AeadAlgorithm>())
            {
                foreach (var hash in Enum.GetValues<HashAlgorithm>())
                {
                    var made = NoiseProtocol.Create(pattern.WithPsk(1), aead, hash);
                    var read = NoiseProtocol.Parse(made.Name);
                    Assert.Equal((made.Name, aead, hash), (read.Name, read.Aead, read.Hash));
                    Assert.Equal(made.Pattern.ToString(), read.Pattern.ToString());
                }
            }
        }

        Assert.Equal(
            "Noise_XXpsk3_25519_AESGCM_SHA512",
            NoiseProtocol.Create(HandshakePattern.FromName("XXpsk3"), AeadAlgorithm.AesGcm, HashAlgorithm.Sha512).ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Noise_XX_25519_ChaChaPoly")]
    [InlineData("Noise_XX_25519_ChaChaPoly_BLAKE2s_")]
    [InlineData("noise_XX_25519_ChaChaPoly_BLAKE2s")]
    [InlineData("NoisePSK_XX_25519_ChaChaPoly_BLAKE2s")]
    [InlineData("Noise_XX_448_ChaChaPoly_BLAKE2s")]
    [InlineData("Noise_XX_25519_ChaCha20Poly1305_BLAKE2s")]
    [InlineData("Noise_XX_25519_ChaChaPoly_blake2s")]
    [InlineData("Noise_XX_25519_ChaChaPoly_BLAKE3")]
    [InlineData("Noise_XKH_25519_ChaChaPoly_BLAKE2s")]
    [InlineData("Noise_XX_25519_ChaChaPoly_BLAKE2s ")]
    public void Other_names_are_refused(string? name)
    {
        Assert.False(NoiseProtocol.TryParse(name, out var protocol));
        Assert.Null(protocol);
        if (name is not null)
        {
            Assert.Throws<FormatException>(() => NoiseProtocol.Parse(name));
        }
    }

    [Fact]
    public void A_name_has_at_most_255_bytes()
    {
        const string Rest = "Noise__25519_AESGCM_SHA256";
        NoiseProtocol Named(int length)
            => NoiseProtocol.Create(
                HandshakePattern.Parse(new string('A', length - Rest.Length), "-> e <- e, ee"), AeadAlgorithm.AesGcm, HashAlgorithm.Sha256);
        Assert.Equal(255, Named(255).Name.Length);
        Assert.Throws<ArgumentException>(() => Named(256));
    }
}
