using System.Text.Json;
using PacketSec.Cli.Net;
using PacketSec.Protocol.Identity;
using Spectre.Console;

namespace PacketSec.Cli;

/// <summary>How a line looks on a terminal.</summary>
internal enum Tone
{
    /// <summary>A result.</summary>
    Plain,

    /// <summary>Something goes as it should.</summary>
    Good,

    /// <summary>Something to know by the way.</summary>
    Note,

    /// <summary>Something is wrong.</summary>
    Bad,
}

/// <summary>
/// Prints the lines of a command that has something to tell while it runs: JSON for programs, colour where a person looks, plain text otherwise.
/// Thread-safe; lines never mix.
/// </summary>
internal sealed class Reporter(CliContext context, bool json)
{
    private readonly Lock _gate = new();

    /// <summary>Prints one line of results.</summary>
    /// <param name="tone">How it looks on a terminal.</param>
    /// <param name="type">What it tells, for programs.</param>
    /// <param name="text">The line, for people.</param>
    /// <param name="write">Writes the properties, for programs.</param>
    public void Line(Tone tone, string type, string text, Action<Utf8JsonWriter> write)
    {
        lock (_gate)
        {
            if (json)
            {
                context.PrintJson(type, write);
            }
            else if (context.Terminal is { } terminal)
            {
                terminal.WriteLine(text, StyleOf(tone));
            }
            else
            {
                context.Output.WriteLine(text);
            }
        }
    }

    /// <summary>As <see cref="Line"/>, but silent where plain text goes to a file or pipe: there only results belong.</summary>
    /// <inheritdoc cref="Line" path="/param"/>
    public void Status(Tone tone, string type, string text, Action<Utf8JsonWriter> write)
    {
        if (json || context.Terminal is not null)
        {
            Line(tone, type, text, write);
        }
    }

    /// <summary>Prints a received datagram.</summary>
    /// <param name="peer">Who sent it.</param>
    /// <param name="datagram">The datagram.</param>
    /// <param name="withPeer">Whether the line for people names the peer.</param>
    public void Datagram(PeerId peer, ReadOnlySpan<byte> datagram, bool withPeer)
    {
        var text = DatagramText.Of(datagram);
        var bytes = json ? datagram.ToArray() : [];
        Line(Tone.Plain, "datagram", withPeer ? $"{peer}: {text}" : text, line =>
        {
            line.WriteString("peer", peer.ToString());
            line.WriteBase64String("data", bytes);
        });
    }

    /// <summary>Prints the result of a whole run: a table on a terminal, otherwise one line.</summary>
    /// <param name="type">What it tells, for programs.</param>
    /// <param name="text">The line, for people without a terminal.</param>
    /// <param name="rows">The table: names and values.</param>
    /// <param name="write">Writes the properties, for programs.</param>
    public void Summary(string type, string text, IEnumerable<(string Name, string Value)> rows, Action<Utf8JsonWriter> write)
    {
        if (json || context.Terminal is not { } terminal)
        {
            Line(Tone.Plain, type, text, write);
            return;
        }

        var table = new Table().Border(TableBorder.Rounded).HideHeaders().AddColumn("name").AddColumn(new TableColumn("value").RightAligned());
        foreach (var (name, value) in rows)
        {
            table.AddRow(new Text(name, StyleOf(Tone.Note)), new Text(value));
        }

        lock (_gate)
        {
            terminal.Write(table);
        }
    }

    /// <summary>Prints one line on standard error: something is wrong, and the command goes on.</summary>
    public void Problem(string text)
    {
        lock (_gate)
        {
            context.Error.WriteLine($"psec: {text}");
        }
    }

    private static Style StyleOf(Tone tone) => tone switch
    {
        Tone.Plain => Style.Plain,
        Tone.Good => new Style(Color.Green),
        Tone.Note => new Style(Color.Grey),
        Tone.Bad => new Style(Color.Red),
    };
}
