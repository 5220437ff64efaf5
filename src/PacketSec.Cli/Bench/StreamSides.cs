using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using PacketSec.Cli.Net;
using PacketSec.Protocol.Identity;

namespace PacketSec.Cli.Bench;

/// <summary>The receiving process of a benchmark of streams: it counts what comes, and says so on its standard output.</summary>
internal static class StreamReceiver
{
    public const string CommandName = "stream-receive";
    private const int BufferSize = 256 * 1024;
    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Serves one connection, and ends with standard input.</summary>
    public static async Task RunAsync(CliContext context, DatagramPath path, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

        // The console's reader blocks whoever reads it.
        var input = Task.Run(context.Input.ReadToEnd, CancellationToken.None);
        using var watch = new Timer(_ => CancelWhen(input, end), null, WatchInterval, WatchInterval);
        await using var local = BenchEndpoint.Open(path, error: context.Error);
        context.PrintJson("listening", line =>
        {
            line.WriteString("peer", local.Endpoint.PeerId.ToString());
            line.WriteNumber("port", local.Endpoint.LocalEndPoint.Port);
            line.WriteString("path", local.Endpoint.PathDescription);
        });
        await using var connection = PacketSecConnection.Open(await local.Endpoint.AcceptAsync(end.Token));
        await foreach (var stream in connection.AcceptAllStreamsAsync(end.Token))
        {
            var before = Environment.CpuUsage.TotalTime;
            var count = await CountAsync(stream, end.Token);
            var used = Environment.CpuUsage.TotalTime - before;
            context.PrintJson("received", line =>
            {
                line.WriteNumber("bytes", count);
                line.WriteNumber("cpu_us", used.TotalMicroseconds);
            });
            await context.Output.FlushAsync(end.Token);
        }
    }

    private static void CancelWhen(Task input, CancellationTokenSource end)
    {
        if (input.IsCompleted)
        {
            end.Cancel();
        }
    }

    private static async Task<long> CountAsync(PacketSecStream stream, CancellationToken cancellationToken)
    {
        await using (stream)
        {
            var buffer = new byte[BufferSize];
            var total = 0L;
            for (int count; (count = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
            {
                total += count;
            }

            BinaryPrimitives.WriteInt64BigEndian(buffer, total);
            await stream.WriteAsync(buffer.AsMemory(0, sizeof(long)), cancellationToken);
            stream.CompleteWrites();
            return total;
        }
    }
}

/// <summary>The sending process, which is this one, and the other that it has started.</summary>
internal sealed class PacketSecStreams : IStreamContestant
{
    private const int BufferSize = 256 * 1024;

    private readonly LineChild _receiver;
    private readonly LocalEndpoint _local;
    private readonly PacketSecConnection _connection;
    private readonly byte[] _buffer = new byte[BufferSize];

    private PacketSecStreams(LineChild receiver, LocalEndpoint local, PacketSecConnection connection)
        => (_receiver, _local, _connection) = (receiver, local, connection);

    public string Name => "packetsec";

    /// <summary>Gets the way of the datagrams.</summary>
    public string PathDescription => _local.Endpoint.PathDescription;

    /// <summary>Gets the largest UDP payload that has arrived.</summary>
    public int PathMtu => _connection.GetStatistics().PathMtu;

    /// <summary>Starts the other process and connects to it.</summary>
    /// <param name="path">The way of the datagrams.</param>
    /// <param name="pathName">The same, for the other process.</param>
    /// <param name="options">This side's connection.</param>
    /// <param name="error">Where the library's errors go.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="CliException">It cannot be done.</exception>
    public static async Task<PacketSecStreams> OpenAsync(
        DatagramPath path, string pathName, PacketSecConnectionOptions options, TextWriter error, CancellationToken cancellationToken)
    {
        var receiver = LineChild.StartSelf("The receiving psec", "bench", StreamReceiver.CommandName, "--path", pathName);
        var local = BenchEndpoint.Open(path, error: error);
        try
        {
            var listening = await receiver.ReadAsync(cancellationToken);
            if (!PeerId.TryParse(listening.GetProperty("peer").GetString()!, out var peer))
            {
                throw new CliException(ExitCodes.Failed, "The receiving psec does not tell its peer ID.");
            }

            var channel = await local.Endpoint.ConnectAsync(new(IPAddress.Loopback, listening.GetProperty("port").GetInt32()), peer, cancellationToken);
            return new(receiver, local, PacketSecConnection.Open(channel, options));
        }
        catch (Exception failure)
        {
            receiver.Dispose();
            await local.DisposeAsync();
            if (failure is PacketSecException dial)
            {
                throw Failures.From(dial);
            }

            throw;
        }
    }

    public async Task<StreamRun> RunAsync(long bytes, CancellationToken cancellationToken)
    {
        var before = Environment.CpuUsage.TotalTime;
        var begun = Stopwatch.GetTimestamp();
        await using var stream = await _connection.OpenStreamAsync(cancellationToken);
        for (var left = bytes; left > 0; left -= Math.Min(left, _buffer.Length))
        {
            await stream.WriteAsync(_buffer.AsMemory(0, (int)Math.Min(left, _buffer.Length)), cancellationToken);
        }

        stream.CompleteWrites();
        var count = new byte[sizeof(long)];
        await stream.ReadExactlyAsync(count, cancellationToken);
        var elapsed = Stopwatch.GetElapsedTime(begun);
        var used = Environment.CpuUsage.TotalTime - before;
        var told = await _receiver.ReadAsync(cancellationToken);
        return BinaryPrimitives.ReadInt64BigEndian(count) == bytes && told.GetProperty("bytes").GetInt64() == bytes
            ? new(bytes, elapsed, used, TimeSpan.FromMicroseconds(told.GetProperty("cpu_us").GetDouble()))
            : throw new CliException(ExitCodes.Failed, "The receiver counted another number of bytes than was sent: please report it.");
    }

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        await _local.DisposeAsync();
        _receiver.Dispose();
    }
}

/// <summary>Two processes of Node.js with the binding of quinn.</summary>
internal sealed class QuicStreams : IStreamContestant
{
    private const string Script = "bench.mjs";
    private const string Node = "node";

    private readonly LineChild _receiver;
    private readonly LineChild _sender;

    private QuicStreams(LineChild receiver, LineChild sender) => (_receiver, _sender) = (receiver, sender);

    public string Name => "quinn";

    /// <summary>Returns the folder with the QUIC peer, or says what is missing.</summary>
    /// <param name="given">The folder; null looks for <c>interop/quic</c> here and above.</param>
    /// <param name="missing">What to do.</param>
    public static string? Find(string? given, out string missing)
    {
        missing = string.Empty;
        var folder = given is not null ? new DirectoryInfo(given) : FoldersUpwards()
            .Select(above => new DirectoryInfo(Path.Combine(above.FullName, "interop", "quic")))
            .FirstOrDefault(one => File.Exists(Path.Combine(one.FullName, Script)));
        if (folder is null || !File.Exists(Path.Combine(folder.FullName, Script)))
        {
            missing = $"{Script} is not in {given ?? "interop/quic"}: name the folder interop/quic of PacketSec's repository by --quic";
            return null;
        }

        if (!Directory.Exists(Path.Combine(folder.FullName, "node_modules")))
        {
            missing = $"the QUIC peer is not installed: (cd {folder.FullName} && npm ci); it is there for Linux on x64 with glibc";
            return null;
        }

        return folder.FullName;
    }

    public static async Task<QuicStreams> OpenAsync(string folder, CancellationToken cancellationToken)
    {
        var script = Path.Combine(folder, Script);
        var receiver = LineChild.Start("The receiving node", Node, script, "receive");
        try
        {
            var port = (await receiver.ReadAsync(cancellationToken)).GetProperty("port").GetInt32();
            return new(receiver, LineChild.Start("The sending node", Node, script, "send", $"{port}"));
        }
        catch
        {
            receiver.Dispose();
            throw;
        }
    }

    public async Task<StreamRun> RunAsync(long bytes, CancellationToken cancellationToken)
    {
        _sender.Say($"{bytes}");
        var sent = await _sender.ReadAsync(cancellationToken);
        var received = await _receiver.ReadAsync(cancellationToken);
        return new(
            bytes,
            TimeSpan.FromSeconds(sent.GetProperty("seconds").GetDouble()),
            TimeSpan.FromMicroseconds(sent.GetProperty("cpu_us").GetDouble()),
            TimeSpan.FromMicroseconds(received.GetProperty("cpu_us").GetDouble()));
    }

    public ValueTask DisposeAsync()
    {
        _sender.Dispose();
        _receiver.Dispose();
        return ValueTask.CompletedTask;
    }

    private static IEnumerable<DirectoryInfo> FoldersUpwards()
    {
        for (var folder = new DirectoryInfo(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
        {
            yield return folder;
        }
    }
}
