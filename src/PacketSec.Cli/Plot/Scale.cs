using System.Globalization;

namespace PacketSec.Cli.Plot;

/// <summary>Maps values to places on an axis, and says where its marks are.</summary>
internal sealed class Scale
{
    private const int MostLinearTicks = 8;

    private static readonly double[] Steps = [1, 2, 5];

    private readonly double _low;
    private readonly double _high;
    private readonly double _from;
    private readonly double _to;
    private readonly bool _isLogarithmic;

    private Scale(IReadOnlyList<double> ticks, double low, double high, double from, double to, bool isLogarithmic)
    {
        (Ticks, _low, _high, _from, _to, _isLogarithmic) = (ticks, low, high, from, to, isLogarithmic);
    }

    /// <summary>Gets the values of the marks, ascending.</summary>
    public IReadOnlyList<double> Ticks { get; }

    /// <summary>From zero to the first mark that is not below the largest value; marks are 1, 2 or 5 times a power of ten apart.</summary>
    /// <param name="largest">A positive number.</param>
    /// <param name="from">The place of zero.</param>
    /// <param name="to">The place of the last mark.</param>
    public static Scale Linear(double largest, double from, double to)
    {
        RequirePositive(largest);
        var step = RoundNumbers(largest / MostLinearTicks, upwards: true).First();
        var count = (int)Math.Ceiling(largest / step);
        return new([.. Enumerable.Range(0, count + 1).Select(i => i * step)], 0, count * step, from, to, false);
    }

    /// <summary>Marks at 1, 2 and 5 times each power of ten, from the last that is not above the smallest value to the first not below the largest.</summary>
    public static Scale Logarithmic(double smallest, double largest, double from, double to)
    {
        RequirePositive(smallest);
        RequirePositive(largest);
        var first = RoundNumbers(smallest, upwards: false).First();
        List<double> ticks = [.. RoundNumbers(first, upwards: true).TakeWhile(tick => tick < largest)];
        ticks.Add(RoundNumbers(largest, upwards: true).First());
        return new(ticks, ticks[0], Math.Max(ticks[^1], ticks[0] * 2), from, to, true);
    }

    /// <summary>Marks at the powers of a base that lie between the values, which are the ends.</summary>
    public static Scale Powers(int numberBase, double smallest, double largest, double from, double to)
    {
        RequirePositive(smallest);
        RequirePositive(largest);
        var ticks = new List<double>();
        for (var power = 1.0; power <= largest; power *= numberBase)
        {
            if (power >= smallest)
            {
                ticks.Add(power);
            }
        }

        return new(ticks, smallest, Math.Max(largest, smallest * numberBase), from, to, true);
    }

    /// <summary>Writes a value as the marks do.</summary>
    public static string Label(double value)
        => value.ToString(value >= 1000 ? "#,0" : value >= 10 ? "0.#" : "0.##", CultureInfo.InvariantCulture);

    /// <summary>Returns the place of a value; those beyond the ends are at the ends.</summary>
    public double Map(double value)
    {
        var inside = Math.Clamp(value, _low, _high);
        var part = _isLogarithmic ? Math.Log(inside / _low) / Math.Log(_high / _low) : (inside - _low) / (_high - _low);
        return _from + (part * (_to - _from));
    }

    /// <summary>Numbers of one digit, 1, 2 or 5: from the first not below a value upwards, or the last not above it alone.</summary>
    private static IEnumerable<double> RoundNumbers(double value, bool upwards)
    {
        // By decimal text, which has no rounding of its own: 5e-1 is 0.5.
        var exponent = (int)Math.Floor(Math.Log10(value)) - 1;
        var all = Enumerable.Range(exponent, upwards ? 400 : 4).SelectMany(
            power => Steps.Select(step => double.Parse($"{step}e{power}", CultureInfo.InvariantCulture)));
        return upwards ? all.SkipWhile(number => number < value) : [all.Last(number => number <= value)];
    }

    private static void RequirePositive(double value)
    {
        if (!(value > 0 && double.IsFinite(value)))
        {
            throw new ArgumentException($"A scale takes positive numbers, not {value}.", nameof(value));
        }
    }
}
