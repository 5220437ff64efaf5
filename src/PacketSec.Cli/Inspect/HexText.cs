namespace PacketSec.Cli.Inspect;

/// <summary>Datagrams as hexadecimal text.</summary>
internal static class HexText
{
    /// <summary>The longest line in characters: the longest datagram, with a separator after each byte and room for an indent.</summary>
    public const int MaxLineLength = 256 * 1024;

    /// <summary>The longest datagram in bytes, the longest there is over UDP.</summary>
    public const int MaxDatagramSize = 65_527;

    /// <summary>Reads the next line.</summary>
    /// <param name="source">The text.</param>
    /// <param name="buffer">Holds the line; <see cref="MaxLineLength"/> bytes.</param>
    /// <param name="length">The length of the line, or -1 for one that is longer than the buffer, which is read to its end.</param>
    /// <returns>False at the end of the text.</returns>
    public static bool TryReadLine(ByteSource source, byte[] buffer, out int length)
    {
        length = 0;
        Span<byte> next = stackalloc byte[1];
        var hasLine = false;
        while (source.TryRead(next))
        {
            hasLine = true;
            if (next[0] == (byte)'\n')
            {
                break;
            }

            if (length >= 0)
            {
                length = length == buffer.Length ? -1 : length + 1;
            }

            if (length > 0)
            {
                buffer[length - 1] = next[0];
            }
        }

        return hasLine;
    }

    /// <summary>Reads a datagram: digits, of which blanks and colons may stand between, and perhaps 0x before them.</summary>
    /// <param name="text">ASCII text.</param>
    /// <param name="datagram">The datagram.</param>
    /// <returns>What is wrong with the text, or null.</returns>
    public static string? Parse(ReadOnlySpan<byte> text, out byte[] datagram)
    {
        datagram = [];
        var digits = text.Trim("\r \t"u8);
        if (digits.StartsWith("0x"u8))
        {
            digits = digits[2..];
        }

        var bytes = new byte[Math.Min((digits.Length + 1) / 2, MaxDatagramSize)];
        var count = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            if (digits[i] is (byte)' ' or (byte)'\t' or (byte)':')
            {
                continue;
            }

            if (!char.IsAsciiHexDigit((char)digits[i]))
            {
                return $"character {text.IndexOf(digits) + i + 1} is no hexadecimal digit";
            }

            if (count / 2 == bytes.Length)
            {
                return $"it has more than {MaxDatagramSize} bytes";
            }

            bytes[count / 2] = (byte)((bytes[count / 2] << 4) | ValueOf(digits[i]));
            count++;
        }

        if (count % 2 != 0)
        {
            return $"it has an odd number of digits, {count}";
        }

        datagram = bytes[..(count / 2)];
        return null;
    }

    private static int ValueOf(byte digit) => digit <= (byte)'9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
