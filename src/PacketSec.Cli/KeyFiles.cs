using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using PacketSec.Internal;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes;

namespace PacketSec.Cli;

/// <summary>Key files as commands use them: each failure is one line that says what to do.</summary>
internal static class KeyFiles
{
    private const int MaxPublicKeyFileSize = 4096;
    private const string PublicKeyLabel = "PUBLIC KEY";
    private const int MaxNetworkKeyFileSize = 128;
    private const string NetworkKeyForm = "it is 64 hexadecimal digits, not all zero, the same at all members of the network";

    /// <summary>Loads a private key.</summary>
    public static PacketSecIdentity Load(string path) => Guard(path, () => PacketSecIdentity.Load(path));

    /// <summary>Loads a private key; where there is no file, a new key is made and saved there.</summary>
    public static PacketSecIdentity LoadOrCreate(string path) => Guard(path, () => PacketSecIdentity.LoadOrCreate(path));

    /// <summary>Loads a network's key: 64 hexadecimal digits in a file that only its owner can read.</summary>
    public static NetworkKey LoadNetworkKey(string path)
    {
        var content = ReadNetworkKey(path);
        Span<byte> key = stackalloc byte[NetworkKey.Size];
        try
        {
            var digits = content.AsSpan().TrimEnd("\r\n \t"u8);
            return digits.Length == 2 * NetworkKey.Size
                && Convert.FromHexString(digits, key, out _, out _) == OperationStatus.Done && key.ContainsAnyExcept((byte)0)
                ? new NetworkKey(key)
                : throw new CliException(ExitCodes.KeyFile, $"'{path}' is no network key: {NetworkKeyForm}.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
            CryptographicOperations.ZeroMemory(key);
        }
    }

    /// <summary>Saves a private key.</summary>
    public static void Save(PacketSecIdentity identity, string path, KeyFileFormat format, bool force)
        => Write(path, force, () => identity.Save(path, force, format));

    /// <summary>Loads the public key of a private key file, or of a file with an X.509 public key in PEM or DER.</summary>
    public static PublicKey LoadPublic(string path) => Guard(path, () =>
    {
        if (TryReadPublic(path, out var key))
        {
            return key;
        }

        using var identity = PacketSecIdentity.Load(path);
        return identity.PublicKey;
    });

    /// <summary>Saves a public key as X.509 SubjectPublicKeyInfo in PEM.</summary>
    public static void SavePublic(PublicKey key, string path, bool force)
    {
        var content = Encoding.ASCII.GetBytes(PemEncoding.WriteString(PublicKeyLabel, key.PublicKeyInfo) + "\n");
        Write(path, force, () => KeyFile.Write(path, content, force));
    }

    private static byte[] ReadNetworkKey(string path)
    {
        try
        {
            return KeyFile.Read(path, MaxNetworkKeyFileSize);
        }
        catch (FileNotFoundException error)
        {
            throw new CliException(ExitCodes.KeyFile, $"There is no network key '{path}'. Make one: {NetworkKeyCommand(path)}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new CliException(ExitCodes.KeyFile, error.Message, error);
        }
    }

    private static string NetworkKeyCommand(string path) => $"(umask 077; openssl rand -hex {NetworkKey.Size} >'{path}')";

    private static void Write(string path, bool force, Action write)
    {
        if (!force && File.Exists(path))
        {
            throw new CliException(ExitCodes.KeyFile, $"'{path}' exists. Name another file, or replace it with --force: the key in it is lost then.");
        }

        Guard(path, () =>
        {
            write();
            return true;
        });
    }

    private static bool TryReadPublic(string path, out PublicKey key)
    {
        key = null!;
        using var file = File.OpenRead(path);
        if (file.Length > MaxPublicKeyFileSize)
        {
            return false;
        }

        // It may be a private key after all: wiped like one.
        var content = new byte[file.Length];
        try
        {
            file.ReadExactly(content);
            if (PublicKey.TryRead(content, out key!))
            {
                return true;
            }

            return PemEncoding.TryFindUtf8(content, out var fields)
                && content.AsSpan()[fields.Label].SequenceEqual(Encoding.ASCII.GetBytes(PublicKeyLabel))
                && PublicKey.TryRead(Convert.FromBase64String(Encoding.ASCII.GetString(content[fields.Base64Data])), out key!);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    private static T Guard<T>(string path, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (FileNotFoundException error)
        {
            throw new CliException(ExitCodes.KeyFile, $"There is no key file '{path}'. Make one: psec keygen {path}", error);
        }
        catch (DirectoryNotFoundException error)
        {
            throw new CliException(ExitCodes.KeyFile, $"The folder of '{path}' does not exist. Make it first.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new CliException(ExitCodes.KeyFile, error.Message, error);
        }
    }
}
