namespace PacketSec.Cli.Transfer;

/// <summary>The folder that files are received into, and the names that are being received. Thread-safe.</summary>
internal sealed class ReceiveFolder
{
    /// <summary>How many files are received at once.</summary>
    public const int MostTransfers = 16;

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
