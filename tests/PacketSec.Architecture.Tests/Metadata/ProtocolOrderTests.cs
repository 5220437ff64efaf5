using System.Collections.Frozen;
using Mono.Cecil;
using PacketSec.Architecture.Tests.Repository;

namespace PacketSec.Architecture.Tests.Metadata;

/// <summary>
/// Inside Protocol each folder uses only what stands before it; the types at the root are the foundation of all of them, but for the two
/// machines, which stand at the end.
/// </summary>
public class ProtocolOrderTests
{
    private const string Assembly = "PacketSec.Protocol";

    private static readonly string[] Folders = ["Wire", "Identity", "Routing", "Negotiation", "Schemes", "Sessions", "Channels", "Streams"];

    /// <summary>Pairs of "user -> used" that break the order, each with its reason.</summary>
    private static readonly FrozenDictionary<string, string> Exceptions = new Dictionary<string, string>().ToFrozenDictionary();

    private static int Peer => Folders.Length;

    private static int Endpoint => Folders.Length + 1;

    // The foundation speaks of keys and wire values, and of nothing that is built on them.
    private static int Foundation => Array.IndexOf(Folders, "Identity");

    [Fact]
    public void Each_folder_uses_only_what_stands_before_it()
        => Findings.None(Uses()
            .Where(use => Rank(use.Used) is { } used && used > (Rank(use.User) ?? Foundation))
            .Select(use => $"{use.User.FullName} -> {use.Used.FullName}")
            .Distinct()
            .Except(Exceptions.Keys));

    [Fact]
    public void The_endpoint_and_a_peer_know_nothing_of_each_other()
        => Findings.None(Uses()
            .Where(use => (use.User.Name, use.Used.Name) is ("EndpointMachine", "PeerMachine") or ("PeerMachine", "EndpointMachine"))
            .Select(use => $"{use.User.FullName} -> {use.Used.FullName}"));

    [Fact]
    public void Every_namespace_has_its_place_in_the_order()
        => Findings.None(BuiltAssembly.TypesOf(Assembly)
            .Select(type => BuiltAssembly.Outermost(type).Namespace)
            .Where(space => space != Assembly && !Folders.Contains(FolderOf(space)))
            .Distinct());

    [Fact]
    public void Every_listed_exception_is_still_needed()
        => Findings.None(Exceptions.Keys.Except(Uses().Select(use => $"{use.User.FullName} -> {use.Used.FullName}")));

    private static IEnumerable<(TypeReference User, TypeReference Used)> Uses()
        => from type in BuiltAssembly.TypesOf(Assembly)
           let user = BuiltAssembly.Outermost(type)
           from reference in TypeUses.Of(type)
           let used = BuiltAssembly.Outermost(reference)
           where used.Scope == type.Module && used != user
           select (user, used);

    /// <summary>The place of a type in the order, or null for the foundation.</summary>
    private static int? Rank(TypeReference type) => type.Namespace == Assembly
        ? type.Name switch
        {
            var name when name.StartsWith("PeerMachine", StringComparison.Ordinal) => Peer,
            "PeerEvent" or "PeerEventKind" or "PeerStatistics" => Peer,
            var name when name.StartsWith("EndpointMachine", StringComparison.Ordinal) => Endpoint,
            "EndpointEvent" or "EndpointEventKind" => Endpoint,
            _ => null,
        }
        : Array.IndexOf(Folders, FolderOf(type.Namespace));

    private static string FolderOf(string space)
        => space.StartsWith(Assembly + ".", StringComparison.Ordinal) ? space[(Assembly.Length + 1)..].Split('.')[0] : "";
}
