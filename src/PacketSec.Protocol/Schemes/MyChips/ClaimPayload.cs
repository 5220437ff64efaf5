using System.Diagnostics.CodeAnalysis;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes.MyChips;

/// <summary>What an initiator with a ticket says in its first message.</summary>
internal readonly ref struct ClaimPayload
{
    /// <summary>The smallest encoding in bytes.</summary>
    public const int MinSize = Ticket.TokenSize + TicketKey.Size + 2;

    /// <summary>The largest encoding in bytes.</summary>
    public const int MaxSize = Ticket.TokenSize + TicketKey.Size + (2 * (2 + TicketText.MaxSize)) + 2 + ImplementationLimits.CertificateSize;

    private ClaimPayload(ReadOnlySpan<byte> token, PublicKey key, string userAddress, string purpose, ReadOnlySpan<byte> certificate)
    {
        Certificate = certificate;
        Token = token;
        Key = key;
        UserAddress = userAddress;
        Purpose = purpose;
    }

    public ReadOnlySpan<byte> Token { get; }

    /// <summary>Gets the initiator's Ed25519 key; the handshake proves its X25519 form.</summary>
    public PublicKey Key { get; }

    public string UserAddress { get; }

    public string Purpose { get; }

    /// <summary>Gets what the initiator tells of its user here already; empty where it tells nothing, or tells it later.</summary>
    public ReadOnlySpan<byte> Certificate { get; }

    //= spec/mychips.md#packet-layout
    public static bool TryRead(ReadOnlySpan<byte> payload, out ClaimPayload claim)
    {
        claim = default;
        var reader = new WireReader(payload);
        if (!reader.TryReadBytes(Ticket.TokenSize, out var token) || !TicketKey.TryRead(ref reader, out var key)
            || !TicketText.TryRead(ref reader, 0, out var userAddress) || !TicketText.TryRead(ref reader, 0, out var purpose))
        {
            return false;
        }

        //= spec/mychips.md#certificate-in-first
        ReadOnlySpan<byte> certificate = default;
        if (!reader.IsAtEnd
            && !(reader.TryReadDelimited(out certificate) && certificate.Length is > 0 and <= ImplementationLimits.CertificateSize && reader.IsAtEnd))
        {
            return false;
        }

        claim = new(token, key, userAddress, purpose, certificate);
        return true;
    }

    /// <summary>Returns how long the payload of a ticket is beside a certificate.</summary>
    public static int Length(string userAddress, string purpose, int certificate) => Ticket.TokenSize + TicketKey.Size
        + TicketText.EncodedLength(userAddress) + TicketText.EncodedLength(purpose) + (certificate == 0 ? 0 : Varint.Length((ulong)certificate) + certificate);

    /// <summary>Returns the payload, which holds the token: the caller wipes it.</summary>
    public static byte[] Write(TicketPass pass, PublicKey key, ReadOnlySpan<byte> certificate = default)
    {
        var payload = new byte[Length(pass.UserAddress, pass.Purpose, certificate.Length)];
        var writer = new WireWriter(payload);
        writer.WriteBytes(pass.Token);
        writer.WriteBytes(key.Ed25519);
        TicketText.Write(ref writer, pass.UserAddress);
        TicketText.Write(ref writer, pass.Purpose);
        if (!certificate.IsEmpty)
        {
            writer.WriteDelimited(certificate);
        }

        return payload;
    }
}

/// <summary>A packet that names a site and continues with a message of that site.</summary>
internal readonly ref struct SitePacket
{
    private SitePacket(ReadOnlySpan<byte> front, ReadOnlySpan<byte> name, ReadOnlySpan<byte> message)
    {
        Front = front;
        Name = name;
        Message = message;
    }

    /// <summary>Gets all before the second letter: what the second message is bound to.</summary>
    public ReadOnlySpan<byte> Front { get; }

    /// <summary>Gets the Noise message that holds the site ID.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>Gets the Noise message of the site.</summary>
    public ReadOnlySpan<byte> Message { get; }

    //= spec/mychips.md#packet-layout
    public static bool TryRead(ReadOnlySpan<byte> packet, out SitePacket parts)
    {
        parts = default;
        var reader = new WireReader(packet);
        if (!reader.TryReadByte(out var site) || site != Letters.Site || !reader.TryReadDelimited(out var name)
            || name.Length <= MyChipsScheme.SealedOverhead || name.Length > MyChipsScheme.SealedOverhead + TicketText.MaxSize)
        {
            return false;
        }

        var front = packet[..(packet.Length - reader.Remaining)];
        if (!reader.TryReadByte(out var known) || known != Letters.Known || reader.Remaining != MyChipsScheme.SealedOverhead)
        {
            return false;
        }

        parts = new(front, name, reader.ReadRest());
        return true;
    }

    /// <summary>Returns the front of a packet around a message that names the site.</summary>
    public static byte[] WriteFront(ReadOnlySpan<byte> name)
    {
        var front = new byte[1 + Varint.Length((ulong)name.Length) + name.Length];
        var writer = new WireWriter(front);
        writer.WriteByte(Letters.Site);
        writer.WriteDelimited(name);
        return front;
    }

    /// <summary>Reads a site ID.</summary>
    public static bool TryReadId(ReadOnlySpan<byte> payload, [NotNullWhen(true)] out string? siteId)
    {
        Span<byte> delimited = stackalloc byte[2 + TicketText.MaxSize];
        siteId = null;
        if (payload.Length > TicketText.MaxSize)
        {
            return false;
        }

        var writer = new WireWriter(delimited);
        writer.WriteDelimited(payload);
        var reader = new WireReader(writer.Written);
        return TicketText.TryRead(ref reader, 1, out siteId);
    }
}
