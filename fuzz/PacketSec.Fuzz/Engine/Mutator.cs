namespace PacketSec.Fuzz.Engine;

/// <summary>Changes inputs a little, in the ways that parsers mind.</summary>
internal sealed class Mutator(FuzzRandom random, IReadOnlyList<byte[]> dictionary, int maxSize)
{
    private const int MaxSteps = 6;
    private const int MaxBlock = 64;

    private static readonly byte[] InterestingBytes = [0x00, 0x01, 0x02, 0x0f, 0x10, 0x1f, 0x20, 0x7f, 0x80, 0x81, 0x82, 0xfe, 0xff];

    /// <summary>Returns a changed copy of an input.</summary>
    /// <param name="input">The input.</param>
    /// <param name="other">Another one, to splice with.</param>
    public byte[] Mutate(byte[] input, byte[] other)
    {
        List<byte> bytes = [.. input];
        for (var steps = 1 + random.Below(MaxSteps); steps > 0; steps--)
        {
            Step(bytes, other);
        }

        return bytes.Count <= maxSize ? [.. bytes] : [.. bytes[..maxSize]];
    }

    private void Step(List<byte> bytes, byte[] other)
    {
        switch (random.Below(10))
        {
            case 0 when bytes.Count > 0:
                var bit = random.Below(bytes.Count * 8);
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
                break;
            case 1 when bytes.Count > 0:
                bytes[random.Below(bytes.Count)] = InterestingBytes[random.Below(InterestingBytes.Length)];
                break;
            case 2 when bytes.Count > 0:
                bytes[random.Below(bytes.Count)] = (byte)random.Below(256);
                break;
            case 3 when bytes.Count > 0:
                // Lengths and counts are off by a little more often than by much.
                var at = random.Below(bytes.Count);
                bytes[at] = unchecked((byte)(bytes[at] + random.Below(9) - 4));
                break;
            case 4 when bytes.Count > 0:
                var start = random.Below(bytes.Count);
                bytes.RemoveRange(start, 1 + random.Below(Math.Min(MaxBlock, bytes.Count - start)));
                break;
            case 5 when bytes.Count > 0:
                bytes.InsertRange(random.Below(bytes.Count + 1), Block([.. bytes]));
                break;
            case 6:
                var noise = new byte[1 + random.Below(8)];
                random.Fill(noise);
                bytes.InsertRange(random.Below(bytes.Count + 1), noise);
                break;
            case 7 when dictionary.Count > 0:
                Place(bytes, dictionary[random.Below(dictionary.Count)]);
                break;
            case 8 when other.Length > 0:
                Place(bytes, Block(other));
                break;
            case 9 when other.Length > 0:
                // A splice: the front of one, the rest of the other.
                var cut = random.Below(bytes.Count + 1);
                bytes.RemoveRange(cut, bytes.Count - cut);
                bytes.AddRange(other.AsSpan(Math.Min(cut, other.Length)));
                break;
            default:
                bytes.Insert(random.Below(bytes.Count + 1), InterestingBytes[random.Below(InterestingBytes.Length)]);
                break;
        }
    }

    private byte[] Block(byte[] source)
    {
        var start = random.Below(source.Length);
        return source[start..(start + 1 + random.Below(Math.Min(MaxBlock, source.Length - start)))];
    }

    private void Place(List<byte> bytes, byte[] block)
    {
        var at = random.Below(bytes.Count + 1);
        if (random.Below(2) == 0)
        {
            bytes.RemoveRange(at, Math.Min(block.Length, bytes.Count - at));
        }

        bytes.InsertRange(at, block);
    }
}
