using System.Buffers.Binary;

namespace PacketSec.Protocol.Wire;

/// <summary>
/// The letters that packets of some schemes begin with. A session has headers of 4 bytes, or of 5 with the letter before them; the associated data
/// is the whole header.
/// </summary>
internal static class Letters
{
    /// <summary>The size of a header with its letter in bytes.</summary>
    public const int HeaderSize = SpecLimits.HeaderSize + 1;

    public const byte Ticket = (byte)'I';
    public const byte Site = (byte)'N';
    public const byte Known = (byte)'K';
    public const byte Answer = (byte)'A';
    public const byte Transport = (byte)'T';

    /// <summary>The one byte by which packets with letters are longer.</summary>
    public static int OverheadOf(int headerSize) => headerSize + SpecLimits.TagSize;

    /// <summary>Tells whether a datagram may be of such a scheme. To others it is one with a counter that no session reaches.</summary>
    //= spec/mychips.md#letters-by-state
    public static bool Leads(ReadOnlySpan<byte> datagram)
        => !datagram.IsEmpty && datagram[0] is Ticket or Site or Known or Answer or Transport;

    /// <summary>Tells whether a datagram may begin a handshake.</summary>
    public static bool LeadsFirst(ReadOnlySpan<byte> datagram) => !datagram.IsEmpty && datagram[0] is Ticket or Site or Known;

    /// <summary>Reads the header behind the letter of transport packets.</summary>
    public static bool TryReadTransport(ReadOnlySpan<byte> datagram, out PacketHeader header)
    {
        header = default;
        return datagram.Length >= HeaderSize && datagram[0] == Transport && PacketHeader.TryRead(datagram[1..], out header);
    }

    /// <summary>Writes a header of a size.</summary>
    //= spec/mychips.md#transport-layout
    public static void WriteHeader(PacketHeader header, int headerSize, Span<byte> packet)
    {
        // With 4 bytes the header overwrites the letter.
        packet[0] = Transport;
        BinaryPrimitives.WriteUInt32BigEndian(packet[(headerSize - SpecLimits.HeaderSize)..], header.Word);
    }
}
