using System.Buffers;
using System.Globalization;
using System.Text;

namespace PacketSec.Cli.Transfer;

/// <summary>Names of files that come from the network: what is taken, and how others are shown.</summary>
internal static class FileName
{
    /// <summary>The longest name in bytes of UTF-8: with <see cref="PartSuffix"/> it is one that file systems take.</summary>
    public const int MaxLength = 250;

    /// <summary>What a file's name ends with until it is complete.</summary>
    public const string PartSuffix = ".part";

    private static readonly SearchValues<char> Forbidden = SearchValues.Create("/\\:*?\"<>|");

    // Windows takes superscripts for digits here.
    private static readonly string[] Devices =
        ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", .. "0123456789\u00B9\u00B2\u00B3".SelectMany(digit => new[] { $"COM{digit}", $"LPT{digit}" })];

    /// <summary>Says why a name is not taken; null where it is.</summary>
    public static string? ProblemOf(string name)
    {
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) > MaxLength)
        {
            return $"it has not 1 to {MaxLength} bytes";
        }

        if (name.AsSpan().IndexOfAny(Forbidden) is var at && at >= 0)
        {
            return $"it has a '{name[at]}'";
        }

        if (name.EnumerateRunes().Any(IsInvisible))
        {
            return "it has a character that cannot be seen";
        }

        if (name[0] == '.' || name[^1] is '.' or ' ')
        {
            return "it begins with a dot, or ends with a dot or a space";
        }

        if (name.EndsWith(PartSuffix, StringComparison.OrdinalIgnoreCase))
        {
            return $"{PartSuffix} is the end of names of files that are not complete";
        }

        return Devices.Contains(name.Split('.')[0].TrimEnd(), StringComparer.OrdinalIgnoreCase) ? "it is that of a device on Windows" : null;
    }

    /// <summary>Returns a name that shows what it is on a terminal and takes one line.</summary>
    public static string Printable(string name)
        => string.Concat(name.EnumerateRunes().Select(rune => IsInvisible(rune) ? $"\\u{rune.Value:x4}" : rune.ToString()));

    // Joiners are part of words in some scripts; all else without a shape only hides something.
    private static bool IsInvisible(Rune rune) => rune.Value is not (0x200C or 0x200D)
        && Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator;
}
