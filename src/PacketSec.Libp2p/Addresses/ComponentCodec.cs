using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Text;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;

namespace PacketSec.Libp2p.Addresses;

/// <summary>The values of components, as text and as bytes. Each value has one canonical text and one encoding.</summary>
internal static class ComponentCodec
{
    /// <summary>The longest name in bytes.</summary>
    public const int MaxNameLength = 253;

    /// <summary>The longest label of a name in bytes.</summary>
    public const int MaxLabelLength = 63;

    /// <summary>The longest scheme in bytes.</summary>
    public const int MaxSchemeLength = 64;

    private const int PortSize = 2;
    private const int Ip4Size = 4;
    private const int Ip6Size = 16;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // The framework's parser also takes brackets, zones and prefix lengths.
    private static readonly SearchValues<char> Ip6Characters = SearchValues.Create("0123456789abcdefABCDEF:.");

    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

    /// <summary>Finds a component by its name.</summary>
    /// <param name="name">As it stands in the text.</param>
    /// <param name="protocol">The component.</param>
    public static bool TryFind(ReadOnlySpan<char> name, out MultiaddressProtocol protocol)
    {
        MultiaddressProtocol? found = name switch
        {
            "ip4" => MultiaddressProtocol.Ip4,
            "ip6" => MultiaddressProtocol.Ip6,
            "dns" => MultiaddressProtocol.Dns,
            "dns4" => MultiaddressProtocol.Dns4,
            "dns6" => MultiaddressProtocol.Dns6,
            "udp" => MultiaddressProtocol.Udp,
            "p2p" => MultiaddressProtocol.P2p,
            "psec" => MultiaddressProtocol.Psec,
            "psec-scheme" => MultiaddressProtocol.PsecScheme,
            _ => null,
        };
        protocol = found ?? default;
        return found is not null;
    }

    /// <summary>Returns the name in the text.</summary>
    /// <param name="protocol">The component.</param>
    public static string NameOf(MultiaddressProtocol protocol) => protocol switch
    {
        MultiaddressProtocol.Ip4 => "ip4",
        MultiaddressProtocol.Ip6 => "ip6",
        MultiaddressProtocol.Dns => "dns",
        MultiaddressProtocol.Dns4 => "dns4",
        MultiaddressProtocol.Dns6 => "dns6",
        MultiaddressProtocol.Udp => "udp",
        MultiaddressProtocol.P2p => "p2p",
        MultiaddressProtocol.Psec => "psec",
        MultiaddressProtocol.PsecScheme => "psec-scheme",
    };

    /// <summary>Gets whether a value follows the name.</summary>
    /// <param name="protocol">The component.</param>
    public static bool HasValue(MultiaddressProtocol protocol) => protocol != MultiaddressProtocol.Psec;

    /// <summary>Reads a value's text.</summary>
    /// <param name="protocol">The component.</param>
    /// <param name="text">The value, without the slashes around it.</param>
    /// <param name="encoded">Its bytes, without a length.</param>
    public static bool TryParse(MultiaddressProtocol protocol, ReadOnlySpan<char> text, out byte[] encoded)
    {
        var bytes = protocol switch
        {
            MultiaddressProtocol.Ip4 => ParseIp4(text),
            MultiaddressProtocol.Ip6 => ParseIp6(text),
            MultiaddressProtocol.Dns or MultiaddressProtocol.Dns4 or MultiaddressProtocol.Dns6 => IsName(text) ? Encoding.ASCII.GetBytes(text.ToString()) : null,
            MultiaddressProtocol.Udp => ParsePort(text),
            MultiaddressProtocol.P2p => PeerId.TryParse(text, out var id) ? id.Multihash.ToArray() : null,
            MultiaddressProtocol.Psec => text.IsEmpty ? [] : null,
            MultiaddressProtocol.PsecScheme => ParseScheme(text),
        };
        encoded = bytes ?? [];
        return bytes is not null;
    }

    /// <summary>Reads a value from the front of what follows its code.</summary>
    /// <param name="protocol">The component.</param>
    /// <param name="reader">Stands behind the code.</param>
    /// <param name="text">The canonical text.</param>
    public static bool TryRead(MultiaddressProtocol protocol, ref WireReader reader, out string text)
    {
        text = string.Empty;
        ReadOnlySpan<byte> value;
        if (FixedSize(protocol) is { } size)
        {
            if (!reader.TryReadBytes(size, out value))
            {
                return false;
            }
        }
        else if (!reader.TryReadDelimited(out value))
        {
            return false;
        }

        var found = Format(protocol, value);
        text = found ?? string.Empty;
        return found is not null;
    }

    /// <summary>Writes a component.</summary>
    /// <param name="protocol">The component.</param>
    /// <param name="encoded">Its value's bytes.</param>
    /// <param name="destination">Where it is appended.</param>
    public static void Append(MultiaddressProtocol protocol, ReadOnlySpan<byte> encoded, List<byte> destination)
    {
        Span<byte> varint = stackalloc byte[Varint.MaxLenientLength];
        destination.AddRange(varint[..Varint.Write(varint, (ulong)protocol)]);
        if (FixedSize(protocol) is null)
        {
            destination.AddRange(varint[..Varint.Write(varint, (ulong)encoded.Length)]);
        }

        destination.AddRange(encoded);
    }

    private static int? FixedSize(MultiaddressProtocol protocol) => protocol switch
    {
        MultiaddressProtocol.Ip4 => Ip4Size,
        MultiaddressProtocol.Ip6 => Ip6Size,
        MultiaddressProtocol.Udp => PortSize,
        MultiaddressProtocol.Psec => 0,
        _ => null,
    };

    private static string? Format(MultiaddressProtocol protocol, ReadOnlySpan<byte> value)
    {
        switch (protocol)
        {
            case MultiaddressProtocol.Ip4 or MultiaddressProtocol.Ip6:
                return new IPAddress(value).ToString();
            case MultiaddressProtocol.Udp:
                return BinaryPrimitives.ReadUInt16BigEndian(value).ToString(CultureInfo.InvariantCulture);
            case MultiaddressProtocol.P2p:
                return PeerId.TryRead(value, out var id) ? id.ToString() : null;
            case MultiaddressProtocol.Psec:
                return string.Empty;
            case MultiaddressProtocol.PsecScheme:
                return value.Length <= MaxSchemeLength && TryDecode(value, out var scheme) && IsScheme(scheme) ? scheme : null;
            default:
                return value.Length <= MaxNameLength && TryDecode(value, out var name) && IsName(name) ? name : null;
        }
    }

    private static byte[]? ParseIp4(ReadOnlySpan<char> text)
    {
        var bytes = new byte[Ip4Size];
        var count = 0;
        foreach (var range in text.Split('.'))
        {
            if (count == Ip4Size || ParseNumber(text[range], byte.MaxValue) is not { } part)
            {
                return null;
            }

            bytes[count++] = (byte)part;
        }

        return count == Ip4Size ? bytes : null;
    }

    private static byte[]? ParseIp6(ReadOnlySpan<char> text)
        => text.Contains(':') && !text.ContainsAnyExcept(Ip6Characters) && IPAddress.TryParse(text, out var address)
            ? address.GetAddressBytes()
            : null;

    private static byte[]? ParsePort(ReadOnlySpan<char> text)
    {
        if (ParseNumber(text, ushort.MaxValue) is not { } port)
        {
            return null;
        }

        var bytes = new byte[PortSize];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)port);
        return bytes;
    }

    // Decimal digits without a sign, a space or a zero in front: each number has one text.
    private static int? ParseNumber(ReadOnlySpan<char> text, int highest)
        => text.Length is > 0 and <= 5 && (text.Length == 1 || text[0] != '0')
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= highest
            ? number
            : null;

    private static byte[]? ParseScheme(ReadOnlySpan<char> text)
    {
        if (text.Length > MaxSchemeLength || !IsScheme(text))
        {
            return null;
        }

        Span<byte> bytes = stackalloc byte[MaxSchemeLength * 4];
        return StrictUtf8.TryGetBytes(text, bytes, out var length) && length <= MaxSchemeLength ? bytes[..length].ToArray() : null;
    }

    private static bool IsScheme(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || text.StartsWith("psec-", StringComparison.Ordinal))
        {
            return false;
        }

        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '/' || char.IsControl(text[i]) || (char.IsSurrogate(text[i]) && !IsPair(text, ref i)))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsPair(ReadOnlySpan<char> text, ref int index)
    {
        if (index + 1 >= text.Length || !char.IsSurrogatePair(text[index], text[index + 1]))
        {
            return false;
        }

        index++;
        return true;
    }

    private static bool IsName(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > MaxNameLength || text.ContainsAnyExcept(NameCharacters))
        {
            return false;
        }

        foreach (var label in text.Split('.'))
        {
            if (text[label].Length is 0 or > MaxLabelLength)
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryDecode(ReadOnlySpan<byte> value, out string text)
    {
        var valid = System.Text.Unicode.Utf8.IsValid(value);
        text = valid ? Encoding.UTF8.GetString(value) : string.Empty;
        return valid;
    }
}
