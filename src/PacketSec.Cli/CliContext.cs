using System.Buffers;
using System.CommandLine;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;

namespace PacketSec.Cli;

/// <summary>What every command shares: the three streams, and the option that turns output into JSON lines.</summary>
internal sealed class CliContext(TextReader input, TextWriter output, TextWriter error)
{
    // The output goes to programs and terminals, never into HTML.
    private static readonly JsonWriterOptions JsonOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public TextReader Input { get; } = input;

    public TextWriter Output { get; } = output;

    public TextWriter Error { get; } = error;

    /// <summary>Gets the standard output as a terminal; null when it is a file or a pipe.</summary>
    public IAnsiConsole? Terminal { get; init; }

    /// <summary>Gets the clock of the protocol's deadlines and timers.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Gets a value indicating whether a command's endpoint tells its peers that it ends without the pauses between the copies.</summary>
    public bool ClosesAtOnce { get; init; }

    /// <summary>Gets the option <c>--json</c> of all commands.</summary>
    public Option<bool> Json { get; } = new("--json")
    {
        Description = "Print one JSON object per line, each with \"v\":1, for programs.",
        Recursive = true,
    };

    /// <summary>Prints one line of JSON.</summary>
    /// <param name="type">What the line tells.</param>
    /// <param name="write">Writes the properties after <c>v</c> and <c>type</c>.</param>
    public void PrintJson(string type, Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, JsonOptions))
        {
            json.WriteStartObject();
            json.WriteNumber("v", 1);
            json.WriteString("type", type);
            write(json);
            json.WriteEndObject();
        }

        Output.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }
}
