using System.Collections.Frozen;
using Mono.Cecil;
using PacketSec.Architecture.Tests.Repository;

namespace PacketSec.Architecture.Tests.Metadata;

public class TypeRulesTests
{
    /// <summary>Exported classes that others may derive from, each with its reason.</summary>
    private static readonly FrozenDictionary<string, string> OpenClasses = new Dictionary<string, string>().ToFrozenDictionary();

    /// <summary>Exported types in namespaces of others, each with its reason.</summary>
    private static readonly FrozenDictionary<string, string> GuestTypes = new Dictionary<string, string>
    {
        ["Microsoft.Extensions.DependencyInjection.PacketSecServiceCollectionExtensions"] = "every host finds AddPacketSec without another using",
    }.ToFrozenDictionary();

    public static TheoryData<string> Shipped => [.. BuiltAssembly.Shipped];

    [Theory]
    [MemberData(nameof(Shipped))]
    public void An_exported_class_is_sealed_abstract_or_static(string assembly)
        => Findings.None(Exported(assembly)
            .Where(type => type is { IsClass: true, IsValueType: false, IsSealed: false, IsAbstract: false })
            .Select(type => type.FullName)
            .Except(OpenClasses.Keys));

    [Theory]
    [MemberData(nameof(Shipped))]
    public void No_field_that_others_can_see_can_be_changed(string assembly)
        => Findings.None(Exported(assembly)
            .Where(type => !type.IsEnum)
            .SelectMany(type => type.Fields)
            .Where(field => (field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly) && !field.IsInitOnly && !field.HasConstant)
            .Select(field => field.FullName));

    [Theory]
    [MemberData(nameof(Shipped))]
    public void Every_exported_type_stands_in_the_namespace_of_its_assembly(string assembly)
        => Findings.None(Exported(assembly)
            .Select(type => BuiltAssembly.Outermost(type))
            .Where(type => type.Namespace != assembly && !type.Namespace.StartsWith(assembly + ".", StringComparison.Ordinal))
            .Select(type => type.FullName)
            .Except(GuestTypes.Keys));

    /// <summary>Else the operators compare references, and nothing says so where they are used.</summary>
    [Theory]
    [MemberData(nameof(Shipped))]
    public void An_exported_class_that_compares_by_value_has_the_operators_for_it(string assembly)
        => Findings.None(Exported(assembly)
            .Where(type => type is { IsClass: true, IsValueType: false } && type.Interfaces.Any(one => one.InterfaceType.FullName == $"System.IEquatable`1<{type.FullName}>"))
            .Where(type => !type.Methods.Any(method => method.Name == "op_Equality") || !type.Methods.Any(method => method.Name == "op_Inequality"))
            .Select(type => type.FullName));

    private static IEnumerable<TypeDefinition> Exported(string assembly) => BuiltAssembly.TypesOf(assembly).Where(IsVisible);

    private static bool IsVisible(TypeDefinition type)
        => type.IsNested ? (type.IsNestedPublic || type.IsNestedFamily) && IsVisible(type.DeclaringType) : type.IsPublic;
}
