using PacketSec.Architecture.Tests.Repository;

namespace PacketSec.Architecture.Tests.Metadata;

public class AssemblyGraphTests
{
    [Theory]
    [InlineData("PacketSec.Crypto")]
    [InlineData("PacketSec.Noise", "PacketSec.Crypto")]
    [InlineData("PacketSec.Protocol", "PacketSec.Noise", "PacketSec.Crypto")]
    [InlineData("PacketSec.Udp")]
    [InlineData("PacketSec", "PacketSec.Protocol", "PacketSec.Crypto", "PacketSec.Udp")]
    [InlineData("PacketSec.Libp2p", "PacketSec", "PacketSec.Protocol", "PacketSec.Crypto")]
    public void An_assembly_uses_only_what_stands_below_it(string assembly, params string[] below)
    {
        var used = BuiltAssembly.Named(assembly).AssemblyReferences
            .Select(reference => reference.Name)
            .Where(name => name.StartsWith("PacketSec", StringComparison.Ordinal));

        Findings.None(used.Except(below));
    }

    [Fact]
    public void The_sockets_have_no_public_type()
        => Findings.None(PublicTypesOf("PacketSec.Udp"));

    [Fact]
    public void The_primitives_show_their_seam_and_what_it_needs()
    {
        string[] seam =
        [
            "ICryptoProvider", "CryptoProvider", // the seam, and where to get one
            "IRandomSource", // what a core without randomness is given
            "SecretKey", "X25519PrivateKey", "Ed25519PrivateKey", // keys that have an owner
            "AeadContext", "AeadAlgorithm", "HashAlgorithm", "HashAlgorithms", // what the seam's methods take and return
        ];

        Assert.Equal(seam.Order(StringComparer.Ordinal), PublicTypesOf("PacketSec.Crypto").Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> PublicTypesOf(string assembly)
        => BuiltAssembly.TypesOf(assembly).Where(type => type.IsPublic).Select(type => type.Name);
}
