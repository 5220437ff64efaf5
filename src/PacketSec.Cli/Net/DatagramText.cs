using System.Globalization;
using System.Text;

namespace PacketSec.Cli.Net;

/// <summary>Received datagrams as lines of text.</summary>
internal static class DatagramText
{
    /// <summary>
    /// Returns a datagram as one line. Control and format characters are escaped: a peer could steer the terminal, or fake lines, by them.
    /// </summary>
    public static string Of(ReadOnlySpan<byte> datagram)
    {
        var text = Encoding.UTF8.GetString(datagram);
        var line = new StringBuilder(text.Length);
        foreach (var character in text.EnumerateRunes())
        {
            var isUnsafe = character.Value != '\t' && Rune.GetUnicodeCategory(character)
                is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
            _ = isUnsafe ? line.Append(CultureInfo.InvariantCulture, $"\\u{{{character.Value:x}}}") : line.Append(character.ToString());
        }

        return line.ToString();
    }
}
