using System.Text.Json;
using PacketSec.TestSupport;

namespace PacketSec.Core.Tests.Wire;

/// <summary>The vectors of PSEC, which stand in the repository itself.</summary>
internal static class PsecVectors
{
    private static readonly JsonDocument File = JsonDocument.Parse(System.IO.File.ReadAllBytes(
        Path.Combine(TestData.RepositoryRoot, "spec", "vectors", "psec.json")));

    public static IReadOnlyList<JsonElement> Of(string member) => [.. File.RootElement.GetProperty(member).EnumerateArray()];

    public static IEnumerable<string> Members() => File.RootElement.EnumerateObject().Select(member => member.Name);

    public static byte[] Hex(this JsonElement entry, string name) => Convert.FromHexString(entry.Text(name));

    public static string Text(this JsonElement entry, string name) => entry.GetProperty(name).GetString()!;

    public static string[] Texts(this JsonElement entry, string name) => [.. entry.GetProperty(name).EnumerateArray().Select(text => text.GetString()!)];
}
