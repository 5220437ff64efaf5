using System.Globalization;
using System.Text.Json;

namespace PacketSec.Cli.Bench;

/// <summary>One figure of a result: for people with its unit, for programs with the unit in its name.</summary>
internal sealed record BenchFigure
{
    private BenchFigure(string label, string value, string unit, Action<Utf8JsonWriter> write)
    {
        Label = label;
        Value = value;
        Unit = unit;
        Write = write;
    }

    public string Label { get; }

    public string Value { get; }

    public string Unit { get; }

    public Action<Utf8JsonWriter> Write { get; }

    /// <summary>Makes a figure.</summary>
    /// <param name="name">Its name for programs.</param>
    /// <param name="label">Its name for people.</param>
    /// <param name="value">The value; null is one that this machine does not tell.</param>
    /// <param name="unit">Its unit, for people.</param>
    /// <param name="decimals">The decimals that mean something.</param>
    public static BenchFigure Of(string name, string label, double? value, string unit, int decimals = 0)
    {
        if (value is not { } number)
        {
            return new(label, "absent", "(this system does not tell)", line => line.WriteNull(name));
        }

        var rounded = Math.Round(number, decimals);
        var text = rounded.ToString($"N{decimals}", CultureInfo.InvariantCulture);
        return new(label, text, unit, line => line.WriteNumber(name, rounded));
    }

    /// <summary>Makes a figure that is a whole number.</summary>
    public static BenchFigure Count(string name, string label, long value, string unit)
        => new(label, value.ToString("N0", CultureInfo.InvariantCulture), unit, line => line.WriteNumber(name, value));
}

/// <summary>Prints the results of a benchmark: aligned lines for people, one line of JSON for programs.</summary>
internal sealed class BenchReport(CliContext context, bool json)
{
    private const int LabelWidth = 28;
    private const int ValueWidth = 14;

    /// <summary>Prints a result.</summary>
    /// <param name="type">What it is, for programs.</param>
    /// <param name="title">What it is, for people.</param>
    /// <param name="path">The way of the datagrams.</param>
    /// <param name="figures">The figures.</param>
    /// <param name="settings">What the title tells people already.</param>
    public void Print(string type, string title, string path, IReadOnlyList<BenchFigure> figures, IReadOnlyList<BenchFigure> settings)
    {
        if (json)
        {
            context.PrintJson(type, line =>
            {
                line.WriteString("path", path);
                Write(line, figures);
                Write(line, settings);
            });
            return;
        }

        context.Output.WriteLine($"{title}; path: {path}");
        foreach (var figure in figures)
        {
            context.Output.WriteLine($"  {figure.Label.PadRight(LabelWidth)}{figure.Value,ValueWidth} {figure.Unit}".TrimEnd());
        }
    }

    /// <summary>Prints one line.</summary>
    /// <param name="type">What it tells, for programs.</param>
    /// <param name="text">The line, for people.</param>
    /// <param name="write">Writes the properties, for programs.</param>
    public void Line(string type, string text, Action<Utf8JsonWriter> write)
    {
        if (json)
        {
            context.PrintJson(type, write);
        }
        else
        {
            context.Output.WriteLine(text);
        }
    }

    private static void Write(Utf8JsonWriter line, IReadOnlyList<BenchFigure> figures)
    {
        foreach (var figure in figures)
        {
            figure.Write(line);
        }
    }
}
