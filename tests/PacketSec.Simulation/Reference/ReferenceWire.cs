using System.Buffers.Binary;
using System.Text;

namespace PacketSec.Simulation.Reference;

/// <summary>
/// The reference's protobuf messages, written from the description of its wire. Deliberately apart from the core's own code: two readers of one
/// text find what each misread.
/// </summary>
internal static class ReferenceWire
{
    public const string Suite = "25519_ChaChaPoly_BLAKE2b";

    private static readonly byte[] Ed25519Prefix = Convert.FromHexString("302a300506032b6570032100");

    public static byte[] Ed25519KeyInfo(ReadOnlySpan<byte> publicKey) => [.. Ed25519Prefix, .. publicKey];

    /// <summary>Returns the raw key of an Ed25519 SubjectPublicKeyInfo, or nothing for other keys.</summary>
    public static ReadOnlySpan<byte> RawEd25519(ReadOnlySpan<byte> keyInfo)
        => keyInfo.Length == 44 && keyInfo.StartsWith(Ed25519Prefix) ? keyInfo[12..] : default;

    public static byte[] InitHello(ReadOnlySpan<byte> timestamp, ReadOnlySpan<byte> key, ReadOnlySpan<byte> signature)
        => [.. Field(1, Encoding.UTF8.GetBytes(Suite)), .. Field(2, timestamp), .. Field(3, Claim(key, signature))];

    public static byte[] RespHello(ReadOnlySpan<byte> key, ReadOnlySpan<byte> signature)
        => [.. Field(1, Encoding.UTF8.GetBytes(Suite)), .. Field(2, Claim(key, signature))];

    public static byte[] InitDone(ReadOnlySpan<byte> key, ReadOnlySpan<byte> signature) => Field(1, Claim(key, signature));

    /// <summary>Reads the bytes fields of a message; others are skipped.</summary>
    /// <returns>Null when it does not parse. Of a repeated field the last one stays.</returns>
    public static SortedDictionary<ulong, byte[]>? Read(ReadOnlySpan<byte> message)
    {
        var fields = new SortedDictionary<ulong, byte[]>();
        while (!message.IsEmpty)
        {
            if (!TryVarint(ref message, out var tag) || tag >> 3 is 0 or > 0x1FFFFFFF)
            {
                return null;
            }

            ulong length;
            switch (tag & 7)
            {
                case 0 when TryVarint(ref message, out _):
                    continue;
                case 1:
                    length = 8;
                    break;
                case 2 when TryVarint(ref message, out length):
                    break;
                case 5:
                    length = 4;
                    break;
                default:
                    return null;
            }

            if (length > (ulong)message.Length)
            {
                return null;
            }

            if ((tag & 7) == 2)
            {
                fields[tag >> 3] = message[..(int)length].ToArray();
            }

            message = message[(int)length..];
        }

        return fields;
    }

    /// <summary>TAI64N of a time after 2017, when the leap offset is 37 s.</summary>
    public static byte[] Timestamp(TimeSpan unixTime)
    {
        var bytes = new byte[12];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, (1UL << 62) + (ulong)(unixTime.Ticks / TimeSpan.TicksPerSecond) + 37);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), (uint)(unixTime.Ticks % TimeSpan.TicksPerSecond * 100));
        return bytes;
    }

    private static byte[] Claim(ReadOnlySpan<byte> key, ReadOnlySpan<byte> signature) => [.. Field(1, key), .. Field(2, signature)];

    private static byte[] Field(int number, ReadOnlySpan<byte> bytes)
        => bytes.Length < 128
            ? [(byte)((number << 3) | 2), (byte)bytes.Length, .. bytes]
            : [(byte)((number << 3) | 2), (byte)(bytes.Length & 0x7F | 0x80), (byte)(bytes.Length >> 7), .. bytes];

    private static bool TryVarint(ref ReadOnlySpan<byte> bytes, out ulong value)
    {
        value = 0;
        for (var i = 0; i < 10 && i < bytes.Length; i++)
        {
            value |= unchecked((ulong)(bytes[i] & 0x7F) << (7 * i));
            if (bytes[i] < 0x80)
            {
                bytes = bytes[(i + 1)..];
                return true;
            }
        }

        return false;
    }
}
