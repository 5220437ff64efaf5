using System.Buffers.Binary;

namespace PacketSec.Cli.Inspect;

/// <summary>The block format of captures: sections in either byte order, interfaces, enhanced and simple packets. Other blocks are skipped.</summary>
internal sealed class PcapngReader(ByteSource source) : ICaptureReader
{
    /// <summary>The first word of each section, the same in both byte orders.</summary>
    public const uint SectionHeaderType = 0x0a0d0d0a;

    private const uint InterfaceType = 1;
    private const uint SimplePacketType = 3;
    private const uint EnhancedPacketType = 6;
    private const uint ByteOrderMagic = 0x1a2b3c4d;

    // A block's type and length before its body, and the length again after it.
    private const int FramingSize = 12;
    private const int MaxInterfaces = 65_536;

    private readonly byte[] _body = new byte[CaptureFile.MaxPacketSize];
    private readonly List<PcapngInterface> _interfaces = [];
    private bool _isLittleEndian;
    private long _blocks;
    private long _blockStart;

    // Bytes of the current block's body that are not read yet.
    private long _rest;

    public string? Error { get; private set; }

    public bool TryRead(out CapturedPacket packet)
    {
        packet = default;
        while (Error is null && TryBeginBlock(out var type, out var length))
        {
            var isPacket = false;
            var known = type switch
            {
                SectionHeaderType => true,
                InterfaceType => TryReadInterface(),
                EnhancedPacketType => isPacket = TryReadEnhancedPacket(out packet),
                SimplePacketType => isPacket = TryReadSimplePacket(out packet),
                _ => true,
            };
            // A packet that was read whole is told even when its block does not end as it should.
            if (known && (TryEndBlock(length) || isPacket) && isPacket)
            {
                return true;
            }
        }

        return false;
    }

    private bool TryBeginBlock(out uint type, out uint length)
    {
        Span<byte> header = stackalloc byte[8];
        _blockStart = source.Position;
        var read = source.Read(header);
        (type, length) = (0, 0);
        if (read == 0)
        {
            return false;
        }

        _blocks++;
        if (read < header.Length)
        {
            return FailCut();
        }

        // A section header says itself in which order its length is.
        if (BinaryPrimitives.ReadUInt32BigEndian(header) == SectionHeaderType)
        {
            type = SectionHeaderType;
            return TryReadSectionHeader(header[4..], out length);
        }

        type = UInt32(header);
        length = UInt32(header[4..]);
        _rest = (long)length - FramingSize;
        return _rest >= 0 && length % 4 == 0 || Fail($"claims a length of {length} bytes, which no block has");
    }

    private bool TryReadSectionHeader(ReadOnlySpan<byte> lengthBytes, out uint length)
    {
        Span<byte> header = stackalloc byte[16];
        length = 0;
        if (!source.TryRead(header))
        {
            return FailCut();
        }

        _isLittleEndian = BinaryPrimitives.ReadUInt32LittleEndian(header) == ByteOrderMagic;
        if (!_isLittleEndian && BinaryPrimitives.ReadUInt32BigEndian(header) != ByteOrderMagic)
        {
            return Fail("is a section header without a byte order");
        }

        length = UInt32(lengthBytes);
        _rest = (long)length - FramingSize - header.Length;
        if (_rest < 0 || length % 4 != 0)
        {
            return Fail($"claims a length of {length} bytes, which no section header has");
        }

        var major = UInt16(header[4..]);
        _interfaces.Clear();
        return major == 1 || Fail($"begins a section of version {major}; 1 is known");
    }

    private bool TryReadInterface()
    {
        if (_rest is < 8 or > CaptureFile.MaxPacketSize)
        {
            return Fail($"is an interface description with {_rest} bytes in it");
        }

        if (_interfaces.Count == MaxInterfaces)
        {
            return Fail($"describes more than {MaxInterfaces} interfaces");
        }

        var body = _body.AsSpan(0, (int)_rest);
        if (!TryReadBody(body))
        {
            return false;
        }

        var read = new PcapngInterface(UInt16(body), UInt32(body[4..]));
        for (var options = body[8..]; options.Length >= 4;)
        {
            var (code, size) = (UInt16(options), UInt16(options[2..]));
            var padded = (size + 3) & ~3;
            if (code == 0)
            {
                break;
            }

            if (padded > options.Length - 4)
            {
                return Fail("is an interface description with an option that goes past its end");
            }

            read = WithOption(read, code, options.Slice(4, size));
            options = options[(4 + padded)..];
        }

        _interfaces.Add(read);
        return true;
    }

    private PcapngInterface WithOption(PcapngInterface described, int code, ReadOnlySpan<byte> value) => (code, value.Length) switch
    {
        (9, 1) => described with { TimeResolution = value[0] },
        (14, 8) => described with
        {
            TimeOffset = _isLittleEndian ? BinaryPrimitives.ReadInt64LittleEndian(value) : BinaryPrimitives.ReadInt64BigEndian(value),
        },
        _ => described,
    };

    private bool TryReadEnhancedPacket(out CapturedPacket packet)
    {
        Span<byte> header = stackalloc byte[20];
        packet = default;
        if (_rest < header.Length)
        {
            return Fail($"is a packet block with {_rest} bytes in it");
        }

        if (!TryReadBody(header))
        {
            return false;
        }

        var number = UInt32(header);
        var captured = UInt32(header[12..]);
        var time = (((ulong)UInt32(header[4..])) << 32) | UInt32(header[8..]);
        return TryReadPacket(number, time, captured, UInt32(header[16..]), out packet);
    }

    private bool TryReadSimplePacket(out CapturedPacket packet)
    {
        Span<byte> header = stackalloc byte[4];
        packet = default;
        if (_rest < header.Length)
        {
            return Fail($"is a packet block with {_rest} bytes in it");
        }

        if (!TryReadBody(header))
        {
            return false;
        }

        // The block does not say how much was captured: all, or as much as the interface takes.
        var original = UInt32(header);
        var limit = _interfaces.Count > 0 && _interfaces[0].SnapLength > 0 ? _interfaces[0].SnapLength : uint.MaxValue;
        return TryReadPacket(0, null, Math.Min(original, limit), original, out packet);
    }

    private bool TryReadPacket(uint number, ulong? time, uint captured, uint original, out CapturedPacket packet)
    {
        packet = default;
        if (captured > _rest)
        {
            return Fail($"is a packet block that claims {captured} captured bytes and has {_rest}");
        }

        if (number >= _interfaces.Count)
        {
            packet = new(null, 0, default, false, $"the capture does not describe interface {number}");
            return true;
        }

        var from = _interfaces[(int)number];
        var moment = time is { } units ? from.ToTime(units) : (UtcTime?)null;
        if (captured > CaptureFile.MaxPacketSize)
        {
            packet = new(moment, from.LinkType, default, true, $"it has {captured} bytes; at most {CaptureFile.MaxPacketSize} are read");
            return true;
        }

        var bytes = _body.AsMemory(0, (int)captured);
        packet = new(moment, from.LinkType, bytes, original > captured);
        return TryReadBody(bytes.Span);
    }

    private bool TryReadBody(Span<byte> destination)
    {
        _rest -= destination.Length;
        return source.TryRead(destination) || FailCut();
    }

    private bool TryEndBlock(uint length)
    {
        Span<byte> trailer = stackalloc byte[4];
        if (!source.TrySkip(_rest) || !source.TryRead(trailer))
        {
            return FailCut();
        }

        return UInt32(trailer) == length || Fail($"ends with another length, {UInt32(trailer)}, than it begins with, {length}");
    }

    private bool FailCut()
    {
        Error = $"The capture ends inside block {_blocks}, which begins at byte {_blockStart}.";
        return false;
    }

    private bool Fail(string what)
    {
        Error = $"Block {_blocks} of the capture, at byte {_blockStart}, {what}. The rest is not read.";
        return false;
    }

    private ushort UInt16(ReadOnlySpan<byte> bytes)
        => _isLittleEndian ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);

    private uint UInt32(ReadOnlySpan<byte> bytes)
        => _isLittleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);
}

/// <summary>An interface that packets were captured on.</summary>
/// <param name="LinkType">What its packets begin with.</param>
/// <param name="SnapLength">How many bytes of a packet were captured at most; 0 for all.</param>
internal readonly record struct PcapngInterface(int LinkType, uint SnapLength)
{
    private const byte PowerOfTwo = 0x80;

    // The largest power of ten that 128 bits hold; a time of 64 bits in smaller units is below one second.
    private const int MaxTenExponent = 38;

    /// <summary>Gets the units of its times: a negative power of ten, or of two if the top bit is set.</summary>
    public byte TimeResolution { get; init; } = 6;

    /// <summary>Gets the seconds to add to its times.</summary>
    public long TimeOffset { get; init; }

    /// <summary>Returns a time of this interface.</summary>
    /// <param name="units">The time as a packet block has it.</param>
    public UtcTime ToTime(ulong units)
    {
        var exponent = TimeResolution & ~PowerOfTwo;
        if ((TimeResolution & PowerOfTwo) == 0 && exponent > MaxTenExponent)
        {
            return new(TimeOffset, 0);
        }

        var perSecond = (TimeResolution & PowerOfTwo) != 0 ? UInt128.One << exponent : PowerOfTen(exponent);
        var (seconds, rest) = UInt128.DivRem(units, perSecond);
        return new((Int128)seconds + TimeOffset, (uint)Fraction(rest, perSecond));
    }

    // The rest is below 2^64, so its billionfold fits.
    private static UInt128 Fraction(UInt128 rest, UInt128 perSecond) => rest * 1_000_000_000 / perSecond;

    private static UInt128 PowerOfTen(int exponent)
    {
        var power = UInt128.One;
        for (var i = 0; i < exponent; i++)
        {
            power *= 10;
        }

        return power;
    }
}
