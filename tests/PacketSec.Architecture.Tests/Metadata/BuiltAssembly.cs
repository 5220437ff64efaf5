using System.Collections.Frozen;
using Mono.Cecil;

namespace PacketSec.Architecture.Tests.Metadata;

/// <summary>The assemblies as they were built, read from beside the tests: what the compiler emitted, not what the sources say.</summary>
internal static class BuiltAssembly
{
    public static readonly string[] Core = ["PacketSec.Crypto", "PacketSec.Noise", "PacketSec.Protocol"];

    public static readonly string[] Shipped = [.. Core, "PacketSec.Udp", "PacketSec", "PacketSec.Libp2p"];

    private static readonly FrozenDictionary<string, ModuleDefinition> Modules = Shipped.ToFrozenDictionary(name => name, Read);

    public static ModuleDefinition Named(string name) => Modules[name];

    /// <summary>All types, nested ones included, without the ones that the compiler puts into every module.</summary>
    public static IEnumerable<TypeDefinition> TypesOf(string name)
        => Named(name).GetTypes().Where(type => type.FullName != "<Module>" && !IsEmbeddedByCompiler(type));

    public static ModuleDefinition Read(string name)
        => ModuleDefinition.ReadModule(Path.Combine(AppContext.BaseDirectory, name + ".dll"), new ReaderParameters(ReadingMode.Deferred));

    /// <summary>The namespace of the outermost type that holds this one.</summary>
    public static TypeReference Outermost(TypeReference type)
    {
        type = type.GetElementType();
        while (type.DeclaringType is { } outer)
        {
            type = outer;
        }

        return type;
    }

    private static bool IsEmbeddedByCompiler(TypeDefinition type)
        => Outermost(type).Name.StartsWith('<') || Outermost(type).Namespace is "Microsoft.CodeAnalysis" or "System.Runtime.CompilerServices";
}
