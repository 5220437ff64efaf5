using System.Text.Json;

namespace PacketSec.Cli.Vectors;

/// <summary>Reads the values that vector files are made of.</summary>
internal static class VectorJson
{
    public static byte[] Hex(this JsonElement element, string name) => Convert.FromHexString(element.GetProperty(name).GetString()!);

    /// <summary>Returns the bytes of a property, or none where it is absent.</summary>
    public static byte[] HexOrEmpty(this JsonElement element, string name)
        => element.TryGetProperty(name, out var value) ? Convert.FromHexString(value.GetString()!) : [];

    public static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;

    public static bool Flag(this JsonElement element, string name) => element.GetProperty(name).GetBoolean();

    public static IEnumerable<JsonElement> Items(this JsonElement element, string name) => element.GetProperty(name).EnumerateArray();
}
