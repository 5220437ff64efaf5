using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Internal;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec;

/// <summary>The file formats of a private key.</summary>
public enum KeyFileFormat
{
    /// <summary>PKCS#8 in PEM (RFC 8410), which <c>openssl pkey</c> reads.</summary>
    Pkcs8,

    /// <summary>The binary protobuf of libp2p, 68 bytes.</summary>
    Libp2p,
}

/// <summary>
/// A long-term Ed25519 identity: what peers know this side by, and the key that proves it.
/// </summary>
/// <remarks>
/// Safe for concurrent use until disposed. Endpoints that use an identity do not dispose it. The seed is pinned in memory and zeroed on disposal;
/// what the export methods return is the caller's to wipe.
/// </remarks>
public sealed class PacketSecIdentity : IDisposable
{
    private PacketSecIdentity(IdentityKey key) => Key = key;

    /// <summary>Gets the public key.</summary>
    public PublicKey PublicKey => Key.PublicKey;

    /// <summary>Gets the peer ID, <c>12D3KooW...</c>.</summary>
    public PeerId PeerId => Key.PeerId;

    /// <summary>Gets the key for the core.</summary>
    internal IdentityKey Key { get; }

    /// <summary>Makes a new identity, in memory only.</summary>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 is not installed.</exception>
    public static PacketSecIdentity Generate() => new(IdentityKey.Generate(SystemRandomSource.Instance, CryptoProvider.Default));

    /// <summary>Loads an identity from a file, in any of the formats.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="UnauthorizedAccessException">The file is open to group or others (Unix), or the caller may not read it.</exception>
    /// <exception cref="InvalidDataException">The file holds no Ed25519 private key.</exception>
    /// <exception cref="IOException">Reading failed.</exception>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 is not installed.</exception>
    public static PacketSecIdentity Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var content = KeyFile.Read(path, Ed25519KeyFormat.MaxFileSize);
        try
        {
            return TryImport(content)
                ?? throw new InvalidDataException($"'{path}' holds no Ed25519 private key in PKCS#8 (PEM or DER) or libp2p's protobuf.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    /// <summary>Loads an identity from a file, or makes a new one and saves it there as PKCS#8.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <inheritdoc cref="Load" path="/exception"/>
    public static PacketSecIdentity LoadOrCreate(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (File.Exists(path))
        {
            return Load(path);
        }

        var identity = Generate();
        try
        {
            identity.Save(path);
            return identity;
        }
        catch (IOException) when (File.Exists(path))
        {
            // Another process was first; its key is the identity.
            identity.Dispose();
            return Load(path);
        }
        catch
        {
            identity.Dispose();
            throw;
        }
    }

    /// <summary>Reads an identity from PKCS#8 (PEM or DER) or libp2p's protobuf.</summary>
    /// <param name="encoded">The private key; the caller wipes it.</param>
    /// <exception cref="InvalidDataException">The bytes are no Ed25519 private key, or repeat a public key that is not the private key's.</exception>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 is not installed.</exception>
    public static PacketSecIdentity Import(ReadOnlySpan<byte> encoded)
        => TryImport(encoded) ?? throw new InvalidDataException("Not an Ed25519 private key in PKCS#8 (PEM or DER) or libp2p's protobuf.");

    /// <summary>
    /// Saves the identity to a file that only its owner can read. The file appears whole or not at all: it is written beside its place, flushed to the
    /// disk, and given its name.
    /// </summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="overwrite">Whether a file that exists is replaced.</param>
    /// <param name="format">The format.</param>
    /// <exception cref="IOException">The file exists and is not to be replaced, or writing failed.</exception>
    /// <exception cref="UnauthorizedAccessException">The caller may not write there.</exception>
    public void Save(string path, bool overwrite = false, KeyFileFormat format = KeyFileFormat.Pkcs8)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var content = Export(format);
        try
        {
            KeyFile.Write(path, content, overwrite);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    /// <summary>Returns the private key as it stands in a file. The caller wipes it.</summary>
    /// <param name="format">The format.</param>
    public byte[] Export(KeyFileFormat format = KeyFileFormat.Pkcs8) => format switch
    {
        KeyFileFormat.Pkcs8 => Key.ExportPem(),
        KeyFileFormat.Libp2p => Key.ExportProtobuf(),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Not a key file format."),
    };

    /// <summary>Makes a ticket to this identity, with a token of the operating system's generator. It serves once its record is in a store.</summary>
    /// <param name="addresses">Where this identity listens: up to 8 times <c>host:port</c>, the first choice first; IPv6 addresses in brackets.</param>
    /// <param name="conditions">When, how often, for what and by whom it may be used.</param>
    /// <exception cref="ArgumentException">There are too many addresses, or one is none.</exception>
    public Ticket IssueTicket(IReadOnlyList<string> addresses, TicketConditions conditions)
        => Ticket.Issue(SystemRandomSource.Instance, PublicKey, addresses, conditions);

    /// <summary>Zeroes the private key. Idempotent.</summary>
    public void Dispose() => Key.Dispose();

    /// <summary>Returns the peer ID.</summary>
    public override string ToString() => PeerId.ToString();

    private static PacketSecIdentity? TryImport(ReadOnlySpan<byte> encoded)
        => IdentityKey.TryImport(encoded, CryptoProvider.Default, out var key) ? new PacketSecIdentity(key) : null;
}
