using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace PacketSec.Cli.Inspect;

/// <summary>Writes datagrams into a capture file (pcapng), each with IP and UDP headers as it would have them on the wire. Thread-safe.</summary>
/// <remarks>
/// Each datagram is one write, so the file can be read while it grows, a crash loses nothing, and memory is that of one datagram. Only the owner can
/// read the file: it shows who talks to whom, and when.
/// </remarks>
internal sealed class PcapWriter : IDisposable
{
    private const int IPv4HeaderSize = 20;
    private const int IPv6HeaderSize = 40;
    private const int UdpHeaderSize = 8;
    // What the 16 bits of an IP header count: the whole packet in IPv4, what follows the header in IPv6.
    private const int MaxPacketSize = 65_535;
    private const int BlockHeaderSize = 28;
    private const byte UdpProtocol = 17;
    private const byte HopLimit = 64;

    private readonly Lock _gate = new();
    private readonly FileStream _file;
    private readonly byte[] _block = new byte[BlockHeaderSize + IPv6HeaderSize + MaxPacketSize + 1 + sizeof(uint)];
    private bool _isClosed;

    private PcapWriter(FileStream file) => _file = file;

    /// <summary>Gets why the file is not written any more, or null: a full disk does not end what is captured.</summary>
    public IOException? Failure { get; private set; }

    /// <summary>Creates the file. One that exists is emptied first, and closed to others.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file cannot be created or written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be created or written.</exception>
    public static PcapWriter Create(string path)
    {
        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.Read, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        var file = new FileStream(path, options);
        try
        {
            // A pipe, which a capture program may read, has neither length nor secrets at rest.
            if (file.CanSeek)
            {
                if (!OperatingSystem.IsWindows())
                {
                    File.SetUnixFileMode(file.SafeFileHandle, OwnerOnly);
                }

                file.SetLength(0);
            }

            file.Write(FileHeader);
            return new(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Writes one datagram. After <see cref="Dispose"/>, and after a <see cref="Failure"/>, nothing is written.</summary>
    /// <param name="time">When it was sent or received; before 1970 counts as 1970.</param>
    /// <param name="from">The sender.</param>
    /// <param name="to">The receiver.</param>
    /// <param name="datagram">The datagram; at most 65,507 bytes over IPv4, 65,527 over IPv6.</param>
    public void Write(DateTimeOffset time, IPEndPoint from, IPEndPoint to, ReadOnlySpan<byte> datagram)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        var isIPv4 = IsIPv4(from.Address, to.Address);
        var maximum = MaxPacketSize - UdpHeaderSize - (isIPv4 ? IPv4HeaderSize : 0);
        if (datagram.Length > maximum)
        {
            throw new ArgumentException($"A datagram has at most {maximum} bytes here.", nameof(datagram));
        }

        lock (_gate)
        {
            if (_isClosed || Failure is not null)
            {
                return;
            }

            try
            {
                _file.Write(_block.AsSpan(0, MakeBlock(time, isIPv4, from, to, datagram)));
            }
            catch (IOException failure)
            {
                Failure = failure;
            }
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosed = true;
            _file.Dispose();
        }
    }

    // Little-endian: a section header of version 1.0 and unknown length; an interface for packets that begin with their IP header, its times in
    // nanoseconds.
    private static ReadOnlySpan<byte> FileHeader =>
    [
        0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 28, 0, 0, 0,
        1, 0, 0, 0, 32, 0, 0, 0, LinkTypes.Raw, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0,
    ];

    // A socket for both families names IPv4 addresses as mapped ones, and its own as the unspecified one of IPv6.
    private static bool IsIPv4(IPAddress from, IPAddress to)
        => (IsIPv4(from) || from.Equals(IPAddress.IPv6Any)) && (IsIPv4(to) || to.Equals(IPAddress.IPv6Any)) && (IsIPv4(from) || IsIPv4(to));

    private static bool IsIPv4(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork || address.IsIPv4MappedToIPv6;

    private int MakeBlock(DateTimeOffset time, bool isIPv4, IPEndPoint from, IPEndPoint to, ReadOnlySpan<byte> datagram)
    {
        var ipSize = isIPv4 ? IPv4HeaderSize : IPv6HeaderSize;
        var packetSize = ipSize + UdpHeaderSize + datagram.Length;
        var paddedSize = (packetSize + 3) & ~3;
        var blockSize = BlockHeaderSize + paddedSize + sizeof(uint);
        var block = _block.AsSpan(0, blockSize);
        block.Clear();

        // Past the year 2262 there are too many nanoseconds.
        const long NanosecondsPerTick = TimeSpan.NanosecondsPerTick;
        var nanoseconds = Math.Clamp(time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks, 0, long.MaxValue / NanosecondsPerTick) * NanosecondsPerTick;
        BinaryPrimitives.WriteUInt32LittleEndian(block, 6);
        BinaryPrimitives.WriteInt32LittleEndian(block[4..], blockSize);
        BinaryPrimitives.WriteUInt32LittleEndian(block[12..], (uint)(nanoseconds >> 32));
        BinaryPrimitives.WriteUInt32LittleEndian(block[16..], (uint)(nanoseconds & uint.MaxValue));
        BinaryPrimitives.WriteInt32LittleEndian(block[20..], packetSize);
        BinaryPrimitives.WriteInt32LittleEndian(block[24..], packetSize);
        BinaryPrimitives.WriteInt32LittleEndian(block[^4..], blockSize);

        var packet = block.Slice(BlockHeaderSize, packetSize);
        var udp = packet[ipSize..];
        datagram.CopyTo(udp[UdpHeaderSize..]);
        BinaryPrimitives.WriteUInt16BigEndian(udp, (ushort)from.Port);
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], (ushort)to.Port);
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], (ushort)udp.Length);
        var addresses = isIPv4 ? WriteIPv4(packet, from.Address, to.Address) : WriteIPv6(packet, from.Address, to.Address);

        // Zero would say that there is no checksum.
        var checksum = Checksum(Sum(addresses) + Sum(udp) + UdpProtocol + (uint)udp.Length);
        BinaryPrimitives.WriteUInt16BigEndian(udp[6..], checksum == 0 ? ushort.MaxValue : checksum);
        return blockSize;
    }

    private static ReadOnlySpan<byte> WriteIPv4(Span<byte> packet, IPAddress from, IPAddress to)
    {
        const byte VersionAndSize = 0x45;
        const byte DoNotFragment = 0x40;
        packet[0] = VersionAndSize;
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);
        packet[6] = DoNotFragment;
        packet[8] = HopLimit;
        packet[9] = UdpProtocol;
        WriteIPv4(packet.Slice(12, 4), from);
        WriteIPv4(packet.Slice(16, 4), to);
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], Checksum(Sum(packet[..IPv4HeaderSize])));
        return packet.Slice(12, 8);
    }

    private static void WriteIPv4(Span<byte> destination, IPAddress address)
        => (address.Equals(IPAddress.IPv6Any) ? IPAddress.Any : address.MapToIPv4()).TryWriteBytes(destination, out _);

    private static ReadOnlySpan<byte> WriteIPv6(Span<byte> packet, IPAddress from, IPAddress to)
    {
        const byte Version = 0x60;
        packet[0] = Version;
        BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)(packet.Length - IPv6HeaderSize));
        packet[6] = UdpProtocol;
        packet[7] = HopLimit;
        WriteIPv6(packet.Slice(8, 16), from);
        WriteIPv6(packet.Slice(24, 16), to);
        return packet.Slice(8, 32);
    }

    private static void WriteIPv6(Span<byte> destination, IPAddress address)
        => (address.Equals(IPAddress.Any) ? IPAddress.IPv6Any : address.MapToIPv6()).TryWriteBytes(destination, out _);

    // The sum of 16-bit words; 32 bits hold that of the longest packet.
    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        var sum = 0u;
        for (; bytes.Length >= 2; bytes = bytes[2..])
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes);
        }

        return bytes.IsEmpty ? sum : sum + ((uint)bytes[0] << 8);
    }

    private static ushort Checksum(uint sum)
    {
        while (sum > ushort.MaxValue)
        {
            sum = (sum & ushort.MaxValue) + (sum >> 16);
        }

        return (ushort)(ushort.MaxValue - sum);
    }
}
