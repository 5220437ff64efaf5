using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace PacketSec.Cli.Demo;

/// <summary>Prints the demo's lines, each with the time since its start and with who tells it.</summary>
internal sealed class DemoTeller(Reporter reporter)
{
    private readonly long _start = Stopwatch.GetTimestamp();

    public void Tell(Tone tone, string who, string type, string text, Action<Utf8JsonWriter> write)
    {
        var elapsed = Stopwatch.GetElapsedTime(_start);
        reporter.Line(tone, type, string.Create(CultureInfo.InvariantCulture, $"{elapsed.TotalSeconds,7:0.000} s  {who}  {text}"), line =>
        {
            line.WriteNumber("ms", Math.Round(elapsed.TotalMilliseconds, 3));
            line.WriteString("who", who);
            write(line);
        });
    }
}
