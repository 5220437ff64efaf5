using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes.MyChips.Tickets;

/// <summary>
/// A ticket: where a site is, what its key is, and a token that opens a channel to it without being known there. Whoever holds it can use it, so its
/// texts are secrets like a key's.
/// </summary>
/// <remarks>Immutable until disposed, which zeroes the token; safe to share between threads until then.</remarks>
public sealed class Ticket : IDisposable
{
    /// <summary>The version of the encoding.</summary>
    public const byte Version = 1;

    /// <summary>The size of a token in bytes.</summary>
    public const int TokenSize = 32;

    /// <summary>The most addresses.</summary>
    public const int MostAddresses = 8;

    /// <summary>What a link begins with.</summary>
    public const string LinkPrefix = "psec-ticket:";

    /// <summary>The largest encoding in bytes.</summary>
    public const int MaxEncodedSize = 2 + (MostAddresses * (2 + TicketText.MaxSize)) + TicketKey.Size + TokenSize + TicketConditions.MaxEncodedSize;

    private const int MaxTextLength = ((MaxEncodedSize * 4) + 2) / 3;

    private static readonly SearchValues<char> TextCharacters
        = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    private readonly SecretKey _token;

    private Ticket(IReadOnlyList<string> addresses, PublicKey siteKey, ReadOnlySpan<byte> token, TicketConditions conditions)
    {
        Addresses = addresses;
        SiteKey = siteKey;
        Conditions = conditions;
        _token = new SecretKey(token);
    }

    /// <summary>Gets where the responder is, the first choice first: up to 8 times <c>host:port</c>. Nobody has looked whether it is there.</summary>
    public IReadOnlyList<string> Addresses { get; }

    /// <summary>Gets the responder's Ed25519 key.</summary>
    public PublicKey SiteKey { get; }

    /// <summary>Gets when, how often, for what and by whom the ticket may be used.</summary>
    public TicketConditions Conditions { get; }

    /// <summary>Gets the token, 32 bytes.</summary>
    /// <exception cref="ObjectDisposedException">The ticket is disposed.</exception>
    public ReadOnlySpan<byte> Token => _token.Span;

    /// <summary>Makes a ticket with a new token.</summary>
    /// <param name="random">Where the token comes from.</param>
    /// <param name="siteKey">The issuer's Ed25519 key.</param>
    /// <param name="addresses">Where the issuer is: up to 8 times <c>host:port</c>, each up to 255 bytes of UTF-8; IPv6 addresses in brackets.</param>
    /// <param name="conditions">When, how often, for what and by whom it may be used.</param>
    /// <exception cref="ArgumentException">The key is of another kind or of small order; there are too many addresses, or one is none.</exception>
    //= spec/mychips.md#token-random
    public static Ticket Issue(IRandomSource random, PublicKey siteKey, IReadOnlyList<string> addresses, TicketConditions conditions)
    {
        ArgumentNullException.ThrowIfNull(random);
        ArgumentNullException.ThrowIfNull(addresses);
        ArgumentNullException.ThrowIfNull(conditions);
        if (addresses.Count > MostAddresses)
        {
            throw new ArgumentException($"A ticket has up to {MostAddresses} addresses.", nameof(addresses));
        }

        string[] copies = [.. addresses.Select(address => TicketText.Check(address, 1, nameof(addresses)))];
        if (copies.FirstOrDefault(address => !TicketText.IsAddress(address)) is { } wrong)
        {
            throw new ArgumentException($"'{wrong}' is no address: write host:port, an IPv6 address in brackets.", nameof(addresses));
        }

        Span<byte> token = stackalloc byte[TokenSize];
        try
        {
            random.Fill(token);
            return new(copies, TicketKey.Check(siteKey, nameof(siteKey)), token, conditions);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(token);
        }
    }

    /// <summary>Reads a ticket from its bytes.</summary>
    /// <param name="encoded">The bytes; the caller wipes them.</param>
    /// <param name="ticket">The ticket, which the caller disposes.</param>
    /// <returns>False unless all of the bytes are the one encoding of a ticket.</returns>
    //= spec/mychips.md#ticket-strict
    public static bool TryRead(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out Ticket? ticket)
    {
        ticket = null;
        var reader = new WireReader(encoded);
        if (!reader.TryReadByte(out var version) || version != Version || !reader.TryReadByte(out var count) || count > MostAddresses)
        {
            return false;
        }

        var addresses = new string[count];
        for (var i = 0; i < count; i++)
        {
            if (!TicketText.TryRead(ref reader, 1, out var address) || !TicketText.IsAddress(address))
            {
                return false;
            }

            addresses[i] = address;
        }

        if (!TicketKey.TryRead(ref reader, out var siteKey) || !reader.TryReadBytes(TokenSize, out var token)
            || !TicketConditions.TryRead(ref reader, out var conditions) || !reader.IsAtEnd)
        {
            return false;
        }

        ticket = new(addresses, siteKey, token, conditions);
        return true;
    }

    /// <summary>Reads a ticket from its text or its link.</summary>
    /// <param name="text">The text, with white space before and behind it where there is some.</param>
    /// <param name="ticket">The ticket, which the caller disposes.</param>
    /// <param name="problem">A sentence for people that says what is wrong. Nothing of the text stands in it.</param>
    /// <returns>Whether the text is a ticket.</returns>
    //= spec/mychips.md#ticket-text
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out Ticket? ticket, [NotNullWhen(false)] out string? problem)
    {
        ticket = null;
        text = text.Trim();
        if (text.StartsWith(LinkPrefix, StringComparison.OrdinalIgnoreCase))
        {
            text = text[LinkPrefix.Length..];
        }

        problem = text.IsEmpty ? "There is no text of a ticket."
            : text.Length > MaxTextLength ? "This is longer than any ticket."
            : text.ContainsAnyExcept(TextCharacters) ? "This has characters that no ticket has: copy the text of the ticket again, and nothing else."
            : null;
        if (problem is not null)
        {
            return false;
        }

        Span<byte> encoded = stackalloc byte[MaxEncodedSize];
        try
        {
            // The decoder also takes white space and padding, which are excluded above; bits behind the last byte it refuses.
            if (Base64Url.DecodeFromChars(text, encoded, out _, out var length) != OperationStatus.Done)
            {
                problem = "The text of the ticket is cut or changed: copy it again, from its first to its last character.";
            }
            else if (encoded[0] != Version)
            {
                problem = $"The ticket is of version {encoded[0]}, and only version {Version} is known here: one of the two sides needs another release.";
            }
            else if (!TryRead(encoded[..length], out ticket))
            {
                problem = "The ticket is cut or damaged: copy it again, from its first to its last character, or ask for a new one.";
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(encoded);
        }

        return ticket is not null;
    }

    /// <summary>Returns the ticket's bytes. The caller wipes them.</summary>
    /// <exception cref="ObjectDisposedException">The ticket is disposed.</exception>
    public byte[] Encode()
    {
        var encoded = new byte[2 + Addresses.Sum(TicketText.EncodedLength) + TicketKey.Size + TokenSize + Conditions.EncodedLength];
        var writer = new WireWriter(encoded);
        writer.WriteByte(Version);
        writer.WriteByte((byte)Addresses.Count);
        foreach (var address in Addresses)
        {
            TicketText.Write(ref writer, address);
        }

        writer.WriteBytes(SiteKey.Ed25519);
        writer.WriteBytes(Token);
        Conditions.WriteTo(ref writer);
        return encoded;
    }

    /// <summary>Returns the ticket's text, base64url without padding. It is a secret.</summary>
    /// <exception cref="ObjectDisposedException">The ticket is disposed.</exception>
    public string ToText()
    {
        var encoded = Encode();
        try
        {
            return Base64Url.EncodeToString(encoded);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(encoded);
        }
    }

    /// <summary>Returns the ticket as a link. It is a secret.</summary>
    /// <exception cref="ObjectDisposedException">The ticket is disposed.</exception>
    public string ToLink() => LinkPrefix + ToText();

    /// <summary>Returns what the responder keeps of the ticket.</summary>
    /// <param name="crypto">Hashes the token.</param>
    /// <exception cref="ObjectDisposedException">The ticket is disposed.</exception>
    public TicketRecord ToRecord(ICryptoProvider crypto) => new(TicketHash.Of(Token, crypto), Conditions);

    /// <summary>Returns a copy that lives on its own.</summary>
    internal Ticket Copy() => new(Addresses, SiteKey, Token, Conditions);

    /// <summary>Zeroes the token. Idempotent.</summary>
    public void Dispose() => _token.Dispose();

    /// <summary>Says whose ticket it is, in hexadecimal, and nothing of the token.</summary>
    //= spec/mychips.md#token-not-printed
    public override string ToString() => $"ticket of {Convert.ToHexStringLower(SiteKey.Ed25519)}";
}
