using System.Text.Json;

namespace PacketSec.Load.Compare.Contestants;

/// <summary>The line that every contestant prints when it can be sent to.</summary>
/// <param name="Ready">True; tells the line from others.</param>
/// <param name="Port">The UDP port on 127.0.0.1.</param>
/// <param name="Peer">The identity to dial, where there is one.</param>
internal sealed record FloodReady(bool Ready, int Port, string? Peer = null);

/// <summary>The line that every contestant prints at its end.</summary>
/// <param name="Role"><c>send</c> or <c>recv</c>.</param>
/// <param name="Packets">Datagrams sent, or opened, within the window.</param>
/// <param name="Seconds">The window's length.</param>
/// <param name="CpuSeconds">What the process used within it.</param>
/// <param name="Checksum">The sum of all words of all datagrams of the whole run.</param>
/// <param name="IndexSum">The sum of their indexes.</param>
/// <param name="Total">Their number.</param>
/// <param name="Wrong">How many of those delivered were not what their index says.</param>
/// <param name="SystemSeconds">What of the CPU time was the system's; 0 where the contestant does not tell.</param>
internal sealed record FloodResult(
    string Role, long Packets, double Seconds, double CpuSeconds, ulong Checksum, ulong IndexSum, long Total, long Wrong, double SystemSeconds = 0)
{
    public double Rate => Packets / Seconds;

    public double NanosecondsPerPacket => CpuSeconds * 1e9 / Packets;

    public double SystemNanosecondsPerPacket => SystemSeconds * 1e9 / Packets;
}

/// <summary>How the lines are written.</summary>
internal static class FloodJson
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web) { IgnoreReadOnlyProperties = true };

    public static void Print<T>(TextWriter output, T line)
    {
        output.WriteLine(JsonSerializer.Serialize(line, Options));
        output.Flush();
    }
}
