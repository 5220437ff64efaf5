using System.Runtime.Versioning;
using System.Security.AccessControl;
using System.Security.Cryptography;
using System.Security.Principal;

namespace PacketSec.Internal;

/// <summary>
/// Files with secrets: only their owner can read them, and a reader never sees half of one.
/// </summary>
internal static class KeyFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Others = (UnixFileMode)0b111_111;

    /// <summary>Reads a file that only its owner can read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="maxSize">The largest size in bytes.</param>
    /// <returns>The content, which the caller wipes.</returns>
    /// <exception cref="UnauthorizedAccessException">Group or others have rights to the file (Unix), or the caller has none.</exception>
    /// <exception cref="InvalidDataException">The file is larger.</exception>
    public static byte[] Read(string path, int maxSize)
    {
        using var file = new FileStream(path, new FileStreamOptions { BufferSize = 0 });
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file.SafeFileHandle) & Others) != 0)
        {
            throw new UnauthorizedAccessException(
                $"The key file '{path}' is open to group or others. Run: chmod 600 '{path}' (and make a new key if others may have read it).");
        }

        var buffer = new byte[maxSize + 1];
        try
        {
            var length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            return length <= maxSize
                ? buffer[..length]
                : throw new InvalidDataException($"'{path}' is no key file: it has more than {maxSize} bytes.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
        }
    }

    /// <summary>Writes a file that only its owner can read, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <param name="content">The content.</param>
    /// <param name="overwrite">Whether a file that exists is replaced.</param>
    /// <exception cref="IOException">The file exists and is not to be replaced, or writing failed.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content, bool overwrite)
    {
        var target = Path.GetFullPath(path);
        if (!overwrite && Path.Exists(target))
        {
            throw Exists(path);
        }

        var folder = Path.GetDirectoryName(target) ?? throw new IOException($"'{path}' is no file.");
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"The folder of '{path}' does not exist.");
        }

        // In the same folder, because a name is given in one step within one file system only.
        var temporary = Path.Combine(folder, $".{Path.GetFileName(target)}.{Guid.NewGuid():n}.tmp");
        try
        {
            using (var file = Create(temporary))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            if (overwrite)
            {
                File.Move(temporary, target, overwrite: true);
            }
            else if (!DurableFiles.TryGiveName(temporary, target))
            {
                throw Exists(path);
            }
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static IOException Exists(string path) => new($"'{path}' exists and is not overwritten: a lost key is lost for good.");

    private static FileStream Create(string path)
        => OperatingSystem.IsWindows()
            ? CreateOnWindows(path)
            : new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Share = FileShare.None,
                BufferSize = 0,
                UnixCreateMode = OwnerOnly,
            });

    [SupportedOSPlatform("windows")]
    private static FileStream CreateOnWindows(string path)
    {
        using var owner = WindowsIdentity.GetCurrent();
        var security = new FileSecurity();
        security.SetAccessRuleProtection(isProtected: true, preserveInheritance: false);
        security.AddAccessRule(new FileSystemAccessRule(
            owner.User ?? throw new InvalidOperationException("The Windows account has no identifier."),
            FileSystemRights.FullControl,
            AccessControlType.Allow));
        return new FileInfo(path).Create(FileMode.CreateNew, FileSystemRights.Write, FileShare.None, 1, FileOptions.None, security);
    }
}
