using Mono.Cecil;
using Mono.Cecil.Cil;

namespace PacketSec.Architecture.Tests.Metadata;

public class RandomnessTests
{
    //= spec/threat-model.md#system-randomness
    [Fact]
    public void The_only_source_that_ships_is_the_operating_systems_generator()
    {
        var sources = new[] { "PacketSec.Crypto", "PacketSec.Noise", "PacketSec.Protocol", "PacketSec.Udp", "PacketSec", "PacketSec.Libp2p" }
            .SelectMany(name => BuiltAssembly.Named(name).GetTypes())
            .Where(type => type.Interfaces.Any(implemented => implemented.InterfaceType.FullName == "PacketSec.Crypto.IRandomSource"))
            .ToList();

        var source = Assert.Single(sources);
        Assert.Equal("PacketSec.Internal.SystemRandomSource", source.FullName);
        var calls = source.Methods.Single(method => method.Name == "Fill").Body.Instructions
            .Where(instruction => instruction.OpCode == OpCodes.Call)
            .Select(instruction => ((MethodReference)instruction.Operand).FullName);
        Assert.Contains("RandomNumberGenerator::Fill", Assert.Single(calls), StringComparison.Ordinal);
    }
}
