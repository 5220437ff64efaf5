using PacketSec.Internal;

namespace PacketSec.Cli.Transfer;

/// <summary>The folder that files are received into, and the names that are being received. Thread-safe.</summary>
internal sealed class ReceiveFolder
{
    /// <summary>How many files are received at once.</summary>
    public const int MostTransfers = 16;

    private const int UnixNoPermission = 13;
    private const int UnixInvalid = 22;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);
    private readonly string _path;

    private ReceiveFolder(string path, bool overwrites) => (_path, Overwrites) = (path, overwrites);

    /// <summary>Gets whether a file that exists is replaced.</summary>
    public bool Overwrites { get; }

    /// <exception cref="CliException">There is no such folder.</exception>
    public static ReceiveFolder Open(string path, bool overwrites) => Directory.Exists(path)
        ? new(Path.GetFullPath(path), overwrites)
        : throw new CliException(ExitCodes.File, $"There is no folder '{path}'. Make it first, or name another by --into.");

    /// <summary>Returns where a file of a checked name is when it is complete.</summary>
    public string FileOf(string name) => Path.Combine(_path, name);

    /// <summary>Returns where it is until then.</summary>
    public string PartOf(string name) => FileOf(name) + FileName.PartSuffix;

    /// <summary>Gets the bytes that are free.</summary>
    /// <exception cref="IOException">The system does not tell.</exception>
    public long Free() => new DriveInfo(_path).AvailableFreeSpace;

    /// <summary>Has the names of files on the disk before it returns, where the file system does that when it is told.</summary>
    /// <exception cref="IOException">It failed.</exception>
    public void Flush()
    {
        try
        {
            DurableFiles.FlushFolder(_path);
        }
        catch (IOException error) when (error.HResult is UnixNoPermission or UnixInvalid)
        {
            // A folder that only takes files cannot be opened, and some file systems of the network flush none.
        }
    }

    /// <summary>Keeps a name for one transfer, until <see cref="Leave"/>.</summary>
    /// <returns>False when it is being received, or too much is.</returns>
    public bool TryEnter(string name)
    {
        lock (_gate)
        {
            return _names.Count < MostTransfers && _names.Add(name);
        }
    }

    public void Leave(string name)
    {
        lock (_gate)
        {
            _names.Remove(name);
        }
    }
}
