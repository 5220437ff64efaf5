using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Unicode;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes.MyChips.Tickets;

/// <summary>Strings as tickets have them: short, UTF-8, and harmless on a terminal.</summary>
internal static class TicketText
{
    /// <summary>The longest string in bytes.</summary>
    public const int MaxSize = 255;

    public static int EncodedLength(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        return Varint.Length((ulong)length) + length;
    }

    public static void Write(ref WireWriter writer, string text) => writer.WriteDelimited(Encoding.UTF8.GetBytes(text));

    /// <summary>Reads a string of a number of bytes up to <see cref="MaxSize"/>.</summary>
    //= spec/mychips.md#ticket-bounds
    //= spec/mychips.md#ticket-text-fields
    public static bool TryRead(scoped ref WireReader reader, int minSize, [NotNullWhen(true)] out string? text)
    {
        text = reader.TryReadDelimited(out var bytes) && bytes.Length >= minSize && bytes.Length <= MaxSize && Utf8.IsValid(bytes)
            ? Encoding.UTF8.GetString(bytes)
            : null;
        return text is not null && IsPrintable(text);
    }

    /// <summary>Returns a caller's string, or throws.</summary>
    public static string Check(string text, int minSize, string parameter)
    {
        ArgumentNullException.ThrowIfNull(text, parameter);
        var bytes = Encoding.UTF8.GetBytes(text);
        return bytes.Length >= minSize && bytes.Length <= MaxSize && IsPrintable(text) && Encoding.UTF8.GetString(bytes) == text
            ? text
            : throw new ArgumentException($"The text must be {minSize} to {MaxSize} bytes of UTF-8 without control characters.", parameter);
    }

    /// <summary>Whether a string is a host, a colon and a port.</summary>
    public static bool IsAddress(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !IsPort(text.AsSpan(colon + 1)))
        {
            return false;
        }

        var host = text.AsSpan(0, colon);
        return host[0] == '['
            ? host[^1] == ']' && IPAddress.TryParse(host[1..^1], out var address) && address.AddressFamily == AddressFamily.InterNetworkV6
            : !host.ContainsAny("[]:@/") && !ContainsWhiteSpace(host);
    }

    private static bool IsPort(ReadOnlySpan<char> digits)
        => !digits.IsEmpty && digits[0] != '0' && ushort.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out _);

    private static bool ContainsWhiteSpace(ReadOnlySpan<char> text)
    {
        foreach (var character in text)
        {
            if (char.IsWhiteSpace(character))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsPrintable(string text)
        => !text.Any(character => char.GetUnicodeCategory(character)
            is UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
