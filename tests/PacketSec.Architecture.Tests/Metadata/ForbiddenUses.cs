using System.Collections.Frozen;
using Mono.Cecil;

namespace PacketSec.Architecture.Tests.Metadata;

/// <summary>
/// What a core without clock, task, lock, socket, file or randomness of its own cannot name. Read from the metadata tables, where also a
/// field or a local stands that calls nothing: the analyzer of banned symbols sees calls only.
/// </summary>
internal static class ForbiddenUses
{
    // Atomic reads and writes of counters that others may look at; the rest of the namespace waits, locks, or starts something.
    private static readonly FrozenSet<string> AllowedThreading = new[] { "Interlocked", "Volatile" }.ToFrozenSet();

    private static readonly FrozenSet<string> ForbiddenTypes = new[]
    {
        "System.Diagnostics.Stopwatch", "System.TimeProvider", "System.Random", "System.Console", "System.Diagnostics.Process",
        "System.Security.Cryptography.RandomNumberGenerator",
    }.ToFrozenSet();

    private static readonly FrozenSet<string> ForbiddenMembers = new[]
    {
        "System.DateTime.get_Now", "System.DateTime.get_UtcNow", "System.DateTime.get_Today",
        "System.DateTimeOffset.get_Now", "System.DateTimeOffset.get_UtcNow",
        "System.Environment.get_TickCount", "System.Environment.get_TickCount64", "System.Environment.get_CpuUsage",
        "System.Guid.NewGuid", "System.Guid.CreateVersion7",
    }.ToFrozenSet();

    public static IEnumerable<string> In(ModuleDefinition module)
    {
        foreach (var assembly in module.AssemblyReferences)
        {
            if (assembly.Name.StartsWith("System.Net.", StringComparison.Ordinal) && assembly.Name != "System.Net.Primitives")
            {
                yield return $"assembly {assembly.Name}";
            }
        }

        foreach (var type in module.GetTypeReferences().Where(IsForbidden))
        {
            yield return $"{type.FullName} in {Where(module, type)}";
        }

        foreach (var member in module.GetMemberReferences())
        {
            var name = $"{member.DeclaringType.GetElementType().FullName}.{member.Name}";
            if (ForbiddenMembers.Contains(name))
            {
                yield return $"{name} in {Where(module, member.DeclaringType)}";
            }
        }
    }

    private static bool IsForbidden(TypeReference type)
    {
        var outer = BuiltAssembly.Outermost(type);
        return outer.Namespace switch
        {
            "System.Threading" => !AllowedThreading.Contains(outer.Name),
            // AddressFamily tells IPv4 from IPv6; it stands in System.Net.Primitives.
            "System.Net.Sockets" => outer.Name != "AddressFamily",
            "System.Net.NetworkInformation" or "System.Timers" => true,
            // Names of files and the exceptions do no I/O.
            "System.IO" => outer.Name != "Path" && !outer.Name.EndsWith("Exception", StringComparison.Ordinal),
            var space => space.StartsWith("System.Threading.", StringComparison.Ordinal) || ForbiddenTypes.Contains(outer.FullName),
        };
    }

    private static string Where(ModuleDefinition module, TypeReference used)
        => string.Join(", ", module.GetTypes()
            .Where(type => TypeUses.Of(type).Any(candidate => candidate.FullName == used.FullName))
            .Select(type => type.FullName)
            .DefaultIfEmpty("the metadata"));
}
