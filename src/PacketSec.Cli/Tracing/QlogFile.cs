using System.CommandLine;
using PacketSec.Protocol.Streams.Tracing;

namespace PacketSec.Cli.Tracing;

/// <summary>
/// Writes what happens to connections into a file: JSON text sequences (RFC 7464) with the events of qlog. Connections only put events into a buffer; a
/// thread of its own writes them. What does not fit into the buffer is counted, and the count is written.
/// </summary>
internal sealed class QlogFile : IDisposable
{
    private const int Capacity = 32_768;
    private static readonly TimeSpan WriteInterval = TimeSpan.FromMilliseconds(10);

    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _stop = new();
    private readonly QlogWriter _writer;
    private readonly string _path;
    private readonly Reporter _reporter;
    private readonly Thread _thread;
    private QlogEntry[] _filling = new QlogEntry[Capacity];
    private QlogEntry[] _writing = new QlogEntry[Capacity];
    private int _count;
    private long _dropped;
    private int _connections;
    private Exception? _failure;

    private QlogFile(FileStream file, string path, string title, bool isDialler, Reporter reporter)
    {
        _path = path;
        _reporter = reporter;
        _writer = new(file, title, isDialler);
        _thread = new(WriteAll) { IsBackground = true, Name = "psec trace" };
        _thread.Start();
    }

    /// <summary>Makes the option <c>--trace</c>.</summary>
    public static Option<string?> CreateOption() => new("--trace")
    {
        Description = "Write packets, losses, round trips and windows of the connections to this file (qlog as JSON text sequences), for psec plot and qvis.",
        HelpName = "FILE",
    };

    /// <summary>Begins a trace.</summary>
    /// <param name="path">The file, which replaces an older trace but nothing else; null traces nothing.</param>
    /// <param name="title">What is traced.</param>
    /// <param name="isDialler">Whether this side dials.</param>
    /// <param name="reporter">Is told at the end when the file could not be written.</param>
    /// <exception cref="CliException">The file cannot be written, or is something else than a trace.</exception>
    public static QlogFile? Open(string? path, string title, bool isDialler, Reporter reporter)
    {
        if (path is null)
        {
            return null;
        }

        try
        {
            if (!IsReplaceable(path))
            {
                throw new CliException(ExitCodes.File, $"'{path}' exists and is no trace: name another file by --trace.");
            }

            return new(new(path, FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 16), path, title, isDialler, reporter);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliException(ExitCodes.File, $"The trace '{path}' cannot be written: {error.Message} Name another file by --trace.", error);
        }
    }

    /// <summary>Returns what the next connection tells its events to.</summary>
    public IConnectionTrace ForConnection() => new Sink(this, Interlocked.Increment(ref _connections));

    /// <summary>Writes what is left and closes the file. No event is taken any more.</summary>
    public void Dispose()
    {
        if (_stop.IsSet)
        {
            return;
        }

        _stop.Set();
        _thread.Join();
        try
        {
            _writer.Dispose();
        }
        catch (IOException failure)
        {
            _failure ??= failure;
        }

        if (_failure is { } problem)
        {
            _reporter.Problem($"The trace '{_path}' is incomplete: {problem.Message}");
        }
    }

    private static bool IsReplaceable(string path)
    {
        // Pipes and devices have no length.
        if (new FileInfo(path) is not { Exists: true, Length: > 0 })
        {
            return true;
        }

        using var file = File.OpenRead(path);
        return file.ReadByte() == QlogWriter.RecordSeparator;
    }

    private void Add(int connection, in TraceEvent happening)
    {
        lock (_gate)
        {
            if (_count == Capacity)
            {
                _dropped++;
                return;
            }

            _filling[_count++] = new(connection, happening);
        }
    }

    private void WriteAll()
    {
        bool isLast;
        do
        {
            isLast = _stop.Wait(WriteInterval);
            WriteBatch();
        }
        while (!isLast);
    }

    private void WriteBatch()
    {
        int count;
        long dropped;
        lock (_gate)
        {
            (_filling, _writing) = (_writing, _filling);
            (count, dropped) = (_count, _dropped);
            (_count, _dropped) = (0, 0);
        }

        try
        {
            if (_failure is null)
            {
                _writer.Write(_writing.AsSpan(0, count), dropped);
            }
        }
        catch (IOException failure)
        {
            _failure = failure;
        }
    }

    private sealed class Sink(QlogFile file, int connection) : IConnectionTrace
    {
        public void Add(in TraceEvent happening) => file.Add(connection, happening);
    }
}

/// <summary>An event of one of the connections.</summary>
internal readonly record struct QlogEntry(int Connection, TraceEvent Event);
