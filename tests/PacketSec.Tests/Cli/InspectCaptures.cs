using System.Buffers.Binary;
using System.Net;
using System.Text.Json;

namespace PacketSec.Tests.Cli;

/// <summary>Bytes of capture files and of the packets in them, in any form a file may have.</summary>
internal static class InspectCaptures
{
    public const uint Microseconds = 0xa1b2c3d4;
    public const uint Nanoseconds = 0xa1b23c4d;

    /// <summary>The payload that marks a packet: a reject.</summary>
    public static readonly byte[] Reject = [0xff];

    public static byte[] Number(bool isLittleEndian, int size, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        var number = bytes[^size..].ToArray();
        if (isLittleEndian)
        {
            number.AsSpan().Reverse();
        }

        return number;
    }

    public static byte[] PcapHeader(bool isLittleEndian, uint magic, int linkType, ushort major = 2) =>
    [
        .. Number(isLittleEndian, 4, magic), .. Number(isLittleEndian, 2, major), .. Number(isLittleEndian, 2, 4), .. new byte[8],
        .. Number(isLittleEndian, 4, 65535), .. Number(isLittleEndian, 4, (ulong)linkType),
    ];

    public static byte[] PcapRecord(bool isLittleEndian, uint seconds, uint fraction, byte[] packet, int? original = null, uint? captured = null) =>
    [
        .. Number(isLittleEndian, 4, seconds), .. Number(isLittleEndian, 4, fraction), .. Number(isLittleEndian, 4, captured ?? (uint)packet.Length),
        .. Number(isLittleEndian, 4, (ulong)(original ?? packet.Length)), .. packet,
    ];

    public static byte[] Pcap(int linkType, params byte[][] packets)
        => [.. PcapHeader(true, Microseconds, linkType), .. packets.SelectMany(packet => PcapRecord(true, 0, 0, packet))];

    public static byte[] Block(bool isLittleEndian, uint type, byte[] body)
    {
        byte[] padded = [.. body, .. new byte[(4 - (body.Length % 4)) % 4]];
        var length = Number(isLittleEndian, 4, (ulong)padded.Length + 12);
        return [.. Number(isLittleEndian, 4, type), .. length, .. padded, .. length];
    }

    public static byte[] Section(bool isLittleEndian, ushort major = 1) => Block(
        isLittleEndian,
        0x0a0d0d0a,
        [.. Number(isLittleEndian, 4, 0x1a2b3c4d), .. Number(isLittleEndian, 2, major), .. Number(isLittleEndian, 2, 0), .. Number(isLittleEndian, 8, ulong.MaxValue)]);

    public static byte[] Option(bool isLittleEndian, int code, byte[] value) =>
    [
        .. Number(isLittleEndian, 2, (ulong)code), .. Number(isLittleEndian, 2, (ulong)value.Length), .. value, .. new byte[(4 - (value.Length % 4)) % 4],
    ];

    public static byte[] Interface(bool isLittleEndian, int linkType, uint snapLength = 0, params byte[][] options) => Block(
        isLittleEndian,
        1,
        [.. Number(isLittleEndian, 2, (ulong)linkType), 0, 0, .. Number(isLittleEndian, 4, snapLength), .. options.SelectMany(option => option)]);

    public static byte[] Enhanced(bool isLittleEndian, int number, ulong time, byte[] packet, int? original = null, uint? captured = null) => Block(
        isLittleEndian,
        6,
        [
            .. Number(isLittleEndian, 4, (ulong)number), .. Number(isLittleEndian, 4, time >> 32), .. Number(isLittleEndian, 4, time & uint.MaxValue),
            .. Number(isLittleEndian, 4, captured ?? (uint)packet.Length), .. Number(isLittleEndian, 4, (ulong)(original ?? packet.Length)), .. packet,
        ]);

    public static byte[] Simple(bool isLittleEndian, byte[] packet, int? original = null)
        => Block(isLittleEndian, 3, [.. Number(isLittleEndian, 4, (ulong)(original ?? packet.Length)), .. packet]);

    public static byte[] OverUdp(int from, int to, byte[] payload, int? length = null)
        => [.. Number(false, 2, (ulong)from), .. Number(false, 2, (ulong)to), .. Number(false, 2, (ulong)(length ?? payload.Length + 8)), 0, 0, .. payload];

    public static byte[] IPv4(byte[] payload, byte protocol = 17, int fragment = 0, int? length = null, byte[]? options = null)
    {
        var header = 20 + (options?.Length ?? 0);
        return
        [
            (byte)(0x40 | (header / 4)), 0, .. Number(false, 2, (ulong)(length ?? (header + payload.Length))), 0x12, 0x34, .. Number(false, 2, (ulong)fragment),
            64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, .. options ?? [], .. payload,
        ];
    }

    public static byte[] IPv6(byte next, byte[] payload, int? length = null) =>
    [
        0x60, 0, 0, 0, .. Number(false, 2, (ulong)(length ?? payload.Length)), next, 64,
        .. IPAddress.Parse("2001:db8::1").GetAddressBytes(), .. IPAddress.Parse("2001:db8::2").GetAddressBytes(), .. payload,
    ];

    /// <summary>A reject over IPv4 from port 4001 to 4002.</summary>
    public static byte[] RejectOverIPv4 => IPv4(OverUdp(4001, 4002, Reject));

    /// <summary>A reject over IPv6 from port 4001 to 4002.</summary>
    public static byte[] RejectOverIPv6 => IPv6(17, OverUdp(4001, 4002, Reject));

    /// <summary>Inspects a file of the bytes; the lines are as <c>--json</c> prints them.</summary>
    public static async Task<(CliRun Run, IReadOnlyList<JsonElement> Lines)> InspectAsync(byte[] file, params string[] options)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllBytesAsync(folder["file"], file);
        var run = await CliRun.InvokeAsync(["inspect", "--json", folder["file"], .. options]);
        return (run, run.JsonLines());
    }

    public static string TypeOf(this JsonElement line) => line.GetProperty("type").GetString()!;

    public static string TextOf(this JsonElement line, string name) => line.GetProperty(name).GetString()!;
}
