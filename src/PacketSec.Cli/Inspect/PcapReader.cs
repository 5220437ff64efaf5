using System.Buffers.Binary;

namespace PacketSec.Cli.Inspect;

/// <summary>The classic capture format, in both byte orders, with microseconds or nanoseconds.</summary>
internal sealed class PcapReader : ICaptureReader
{
    private const uint Microseconds = 0xa1b2c3d4;
    private const uint Nanoseconds = 0xa1b23c4d;
    private const int RecordHeaderSize = 16;
    private const uint NanosecondsPerSecond = 1_000_000_000;

    private readonly ByteSource _source;
    private readonly byte[] _packet = new byte[CaptureFile.MaxPacketSize];
    private readonly bool _isLittleEndian;
    private readonly uint _nanosecondsPerUnit;
    private readonly int _linkType;
    private long _records;

    public PcapReader(ByteSource source)
    {
        _source = source;
        Span<byte> header = stackalloc byte[24];
        if (!source.TryRead(header))
        {
            Error = "The capture ends inside its file header.";
            return;
        }

        var magic = BinaryPrimitives.ReadUInt32BigEndian(header);
        _isLittleEndian = magic is not Microseconds and not Nanoseconds;
        _nanosecondsPerUnit = magic == Nanoseconds || BinaryPrimitives.ReverseEndianness(magic) == Nanoseconds ? 1u : 1000u;
        var major = _isLittleEndian ? BinaryPrimitives.ReadUInt16LittleEndian(header[4..]) : BinaryPrimitives.ReadUInt16BigEndian(header[4..]);
        if (major != 2)
        {
            Error = $"The capture has version {major} of the pcap format; 2 is known.";
        }

        // The upper half says how long the frame check sequence is; the lengths inside the packets leave it out anyway.
        _linkType = (int)(UInt32(header[20..]) & 0xffff);
    }

    public string? Error { get; private set; }

    /// <summary>Returns whether a big-endian first word is that of this format.</summary>
    public static bool IsMagic(uint word)
        => word is Microseconds or Nanoseconds || BinaryPrimitives.ReverseEndianness(word) is Microseconds or Nanoseconds;

    public bool TryRead(out CapturedPacket packet)
    {
        packet = default;
        Span<byte> header = stackalloc byte[RecordHeaderSize];
        if (Error is not null)
        {
            return false;
        }

        var at = _source.Position;
        var read = _source.Read(header);
        if (read == 0)
        {
            return false;
        }

        _records++;
        var captured = UInt32(header[8..]);
        if (read < RecordHeaderSize)
        {
            Error = $"The capture ends inside the header of packet {_records}, which begins at byte {at}.";
        }
        else if (captured > CaptureFile.MaxPacketSize)
        {
            Error = $"Packet {_records}, at byte {at}, claims {captured} bytes; none has more than {CaptureFile.MaxPacketSize}. The rest is not read.";
        }
        else if (!_source.TryRead(_packet.AsSpan(0, (int)captured)))
        {
            Error = $"The capture ends inside packet {_records}, which begins at byte {at}.";
        }
        else
        {
            var nanoseconds = (ulong)UInt32(header[4..]) * _nanosecondsPerUnit;
            var time = new UtcTime(UInt32(header) + (nanoseconds / NanosecondsPerSecond), (uint)(nanoseconds % NanosecondsPerSecond));
            packet = new(time, _linkType, _packet.AsMemory(0, (int)captured), UInt32(header[12..]) > captured);
        }

        return Error is null;
    }

    private uint UInt32(ReadOnlySpan<byte> bytes)
        => _isLittleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);
}
