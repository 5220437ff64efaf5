using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace PacketSec.Internal;

/// <summary>
/// Files that appear whole under a name that was free, and are on the disk when the call returns. Of several callers, in several processes too, that
/// want one name, one gets it.
/// </summary>
/// <remarks>
/// On Windows names are taken by a move that does not overwrite, one operation of the file system, and directories cannot be flushed: a name may be
/// free again after a loss of power.
/// </remarks>
internal static partial class DurableFiles
{
    private const string TemporarySuffix = ".tmp";
    private const int FileExists = 17;
    private const int Interrupted = 4;
    private const int CloseOnExecutionOnLinux = 0x80000;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly TimeSpan LeftoverAge = TimeSpan.FromHours(1);

    /// <summary>Writes a file that only its owner can read.</summary>
    /// <param name="path">The file, in a folder that exists.</param>
    /// <param name="content">The content.</param>
    /// <returns>False when the name is taken.</returns>
    /// <exception cref="IOException">Writing failed. The name may be taken or not.</exception>
    public static bool TryCreate(string path, ReadOnlySpan<byte> content)
    {
        var folder = Path.GetDirectoryName(path)!;
        var temporary = Path.Combine(folder, $".{Guid.NewGuid():n}{TemporarySuffix}");
        try
        {
            Write(temporary, content);
            if (!TryGiveName(temporary, path))
            {
                return false;
            }

            FlushFolder(folder);
            return true;
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Gives a file a name that is free, in one step: no other caller, of another process either, gets it too.</summary>
    /// <param name="temporary">The file, in the same folder. Its own name may be left to it.</param>
    /// <param name="path">The name.</param>
    /// <returns>False when the name is taken.</returns>
    /// <exception cref="IOException">It cannot be done.</exception>
    public static bool TryGiveName(string temporary, string path)
        => OperatingSystem.IsWindows() ? TryMove(temporary, path) : TryLink(temporary, path);

    /// <summary>Removes a file for good.</summary>
    /// <returns>Whether there was one.</returns>
    public static bool Delete(string path)
    {
        if (!File.Exists(path))
        {
            return false;
        }

        File.Delete(path);
        FlushFolder(Path.GetDirectoryName(path)!);
        return true;
    }

    /// <summary>Flushes the names in a folder to the disk.</summary>
    /// <exception cref="IOException">It cannot be done.</exception>
    public static void FlushFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var descriptor = Open(path, OperatingSystem.IsLinux() ? CloseOnExecutionOnLinux : 0);
        if (descriptor < 0)
        {
            throw Failure($"The folder '{path}' cannot be opened");
        }

        try
        {
            while (Flush(descriptor) != 0)
            {
                if (Marshal.GetLastPInvokeError() != Interrupted)
                {
                    throw Failure($"The folder '{path}' cannot be flushed to the disk");
                }
            }
        }
        finally
        {
            // A descriptor that was only read from has nothing to lose.
            _ = Close(descriptor);
        }
    }

    /// <summary>Removes what processes left behind that ended while they wrote.</summary>
    public static void DeleteLeftovers(string folder)
    {
        var oldest = DateTime.UtcNow - LeftoverAge;
        foreach (var path in Directory.EnumerateFiles(folder, $".*{TemporarySuffix}").Where(path => File.GetLastWriteTimeUtc(path) < oldest))
        {
            File.Delete(path);
        }
    }

    private static void Write(string path, ReadOnlySpan<byte> content)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using var file = new FileStream(path, options);
        file.Write(content);
        file.Flush(flushToDisk: true);
    }

    private static bool TryLink(string temporary, string path)
    {
        if (Link(temporary, path) == 0)
        {
            return true;
        }

        return Marshal.GetLastPInvokeError() == FileExists
            ? false
            : throw Failure($"'{path}' cannot be linked: the folder must be writable and on a file system with hard links");
    }

    [SupportedOSPlatform("windows")]
    private static bool TryMove(string temporary, string path)
    {
        try
        {
            File.Move(temporary, path, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            return false;
        }
    }

    private static IOException Failure(string what)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{what}: {Marshal.GetPInvokeErrorMessage(error)}.", error);
    }

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string existing, string name);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
