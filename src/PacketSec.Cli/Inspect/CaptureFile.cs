using System.Buffers.Binary;

namespace PacketSec.Cli.Inspect;

/// <summary>One packet of a capture.</summary>
/// <param name="Time">When it was captured; null where the file does not say.</param>
/// <param name="LinkType">What its bytes begin with, as the registry of link types numbers it.</param>
/// <param name="Bytes">What was captured, valid until the next packet is read.</param>
/// <param name="IsCut">Whether the packet was longer than what was captured.</param>
/// <param name="Problem">Why the bytes are missing, or null.</param>
internal readonly record struct CapturedPacket(UtcTime? Time, int LinkType, ReadOnlyMemory<byte> Bytes, bool IsCut, string? Problem = null);

/// <summary>A capture file, read packet by packet.</summary>
internal interface ICaptureReader
{
    /// <summary>Gets why reading ended before the file did; null while it has not.</summary>
    string? Error { get; }

    /// <summary>Reads the next packet.</summary>
    /// <returns>False at the end of the file, and where it cannot be read further: see <see cref="Error"/>.</returns>
    bool TryRead(out CapturedPacket packet);
}

/// <summary>Tells capture files by their first bytes.</summary>
internal static class CaptureFile
{
    /// <summary>The longest packet that is read, the longest that capture programs write. What a file says beyond it allocates nothing.</summary>
    public const int MaxPacketSize = 256 * 1024;

    /// <summary>Opens a capture.</summary>
    /// <returns>Null when the bytes begin as no capture.</returns>
    public static ICaptureReader? TryOpen(ByteSource source)
    {
        // Text that is typed is answered line by line: what cannot become a capture is not waited for.
        if (source.Peek(1) is not [0x0a or 0x4d or 0xa1 or 0xd4])
        {
            return null;
        }

        if (!BinaryPrimitives.TryReadUInt32BigEndian(source.Peek(4), out var magic))
        {
            return null;
        }

        return magic == PcapngReader.SectionHeaderType ? new PcapngReader(source)
            : PcapReader.IsMagic(magic) ? new PcapReader(source)
            : null;
    }
}
