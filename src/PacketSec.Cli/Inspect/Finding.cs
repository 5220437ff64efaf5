using System.Text.Json;
using PacketSec.Cli.Net;
using PacketSec.Protocol;

namespace PacketSec.Cli.Inspect;

/// <summary>What a datagram is, or can be: a kind, and facts about it in the order they are told.</summary>
/// <param name="type">The kind, for programs.</param>
/// <param name="title">The kind, for people.</param>
/// <param name="tone">How it looks on a terminal.</param>
internal sealed class Finding(string type, string title, Tone tone)
{
    private readonly List<Fact> _facts = [];

    public string Type { get; } = type;

    public string Title { get; } = title;

    public Tone Tone { get; } = tone;

    /// <summary>Makes the finding of what every receiver drops.</summary>
    /// <param name="kind">What it would be without the fault, for programs.</param>
    /// <param name="title">The same for people.</param>
    /// <param name="drop">The reason as the specification names it.</param>
    /// <param name="reason">The reason in words.</param>
    public static Finding Malformed(string kind, string title, DropReason drop, string reason)
    {
        var finding = new Finding("malformed", $"malformed {title}", Tone.Bad);
        finding.Add("kind", kind, inText: false);
        finding.Add("drop", drop.ToString());
        finding.Add("reason", reason);
        return finding;
    }

    /// <summary>Returns a number of bytes in words.</summary>
    public static string Bytes(long count) => count == 1 ? "1 byte" : $"{count} bytes";

    /// <summary>Adds a text that is ours.</summary>
    /// <param name="name">The name, for programs; people see blanks in it.</param>
    /// <param name="value">The text.</param>
    /// <param name="inText">Whether people see it too.</param>
    public void Add(string name, string value, bool inText = true)
        => _facts.Add(new(name, inText ? value : null, json => json.WriteStringValue(value)));

    /// <summary>Adds a number.</summary>
    public void Add(string name, long value) => _facts.Add(new(name, $"{value}", json => json.WriteNumberValue(value)));

    /// <summary>Adds a yes or no; in the text for people only a yes is seen.</summary>
    public void Add(string name, bool value) => _facts.Add(new(name, value ? "yes" : null, json => json.WriteBooleanValue(value)));

    /// <summary>Adds bytes, told in hexadecimal.</summary>
    public void AddBytes(string name, ReadOnlySpan<byte> value) => Add(name, Convert.ToHexStringLower(value));

    /// <summary>Adds a text that somebody else wrote.</summary>
    public void AddForeign(string name, string value)
        => _facts.Add(new(name, DatagramText.Of(System.Text.Encoding.UTF8.GetBytes(value)), json => json.WriteStringValue(value)));

    /// <summary>Adds texts that somebody else wrote.</summary>
    public void AddForeign(string name, IReadOnlyList<string> values)
    {
        var text = string.Join(", ", values.Select(value => DatagramText.Of(System.Text.Encoding.UTF8.GetBytes(value))));
        _facts.Add(new(name, values.Count == 0 ? "none" : text, json =>
        {
            json.WriteStartArray();
            foreach (var value in values)
            {
                json.WriteStringValue(value);
            }

            json.WriteEndArray();
        }));
    }

    /// <summary>Adds what is inside.</summary>
    public void Add(string name, Finding inner)
        => _facts.Add(new(name, inner.Title, json =>
        {
            json.WriteStartObject();
            json.WriteString("type", inner.Type);
            inner.WriteFacts(json);
            json.WriteEndObject();
        })
        { Inner = inner });

    /// <summary>Writes the facts as properties.</summary>
    public void WriteFacts(Utf8JsonWriter json)
    {
        foreach (var fact in _facts)
        {
            json.WritePropertyName(fact.Name);
            fact.WriteValue(json);
        }
    }

    /// <summary>Returns the facts as lines for people.</summary>
    /// <param name="indent">What stands before each.</param>
    public IEnumerable<string> Lines(string indent)
    {
        foreach (var fact in _facts.Where(fact => fact.Text is not null))
        {
            yield return $"{indent}{fact.Name.Replace('_', ' ')}: {fact.Text}";
            foreach (var line in fact.Inner?.Lines(indent + "  ") ?? [])
            {
                yield return line;
            }
        }
    }

    private sealed record Fact(string Name, string? Text, Action<Utf8JsonWriter> WriteValue)
    {
        public Finding? Inner { get; init; }
    }
}
