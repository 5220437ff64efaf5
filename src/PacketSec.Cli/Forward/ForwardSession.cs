using System.Collections.Concurrent;
using System.Net.Sockets;

namespace PacketSec.Cli.Forward;

/// <summary>Forwards over one connection: what this side's ports take to the peer, and what the peer asks for.</summary>
internal sealed partial class ForwardSession : IDisposable
{
    private const int ProtocolError = 1;

    // What is told of a peer that asks for one refused target after the other.
    private const int MostTold = 64;

    private static readonly TimeSpan RequestTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ConnectTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan WatchPause = TimeSpan.FromSeconds(10);

    private readonly PacketSecConnection _connection;
    private readonly ForwardPolicy _policy;
    private readonly ForwardTally _tally;
    private readonly Reporter _reporter;
    private readonly CancellationTokenSource _over = new();
    private readonly ConcurrentDictionary<long, ForwardRule> _rules = new();
    private readonly ConcurrentDictionary<Task, bool> _running = new();
    private readonly HashSet<string> _told = [];
    private int _connections;

    public ForwardSession(PacketSecConnection connection, ForwardPolicy policy, ForwardTally tally, Reporter reporter)
    {
        _connection = connection;
        _policy = policy;
        _tally = tally;
        _reporter = reporter;
        Over = _over.Token;
        Flows = new(connection, policy, tally);
    }

    public FlowTable Flows { get; }

    /// <summary>Gets a token that is cancelled when the connection is over.</summary>
    public CancellationToken Over { get; }

    /// <summary>Gets what connections for forwarding permit: streams for all connections, flows and ports, and no reader that stalls all others.</summary>
    public static PacketSecConnectionOptions Options { get; } = new()
    {
        // A terminal that says nothing for a while is still open.
        KeepAlive = TimeSpan.FromSeconds(10),
        MaxStreams = 4 * ForwardPolicy.DefaultCount,
        MaxUnidirectionalStreams = 0,
        MaxStreamWindow = 2 << 20,
        MaxConnectionWindow = 256 << 20,
    };

    /// <summary>Serves the peer until the connection ends.</summary>
    /// <returns>How it ended.</returns>
    public async Task<PacketSecConnectionClosed> RunAsync()
    {
        var datagrams = Flows.RunAsync();
        try
        {
            await foreach (var stream in _connection.AcceptAllStreamsAsync())
            {
                _ = Track(ServeAsync(stream));
            }
        }
        catch (ObjectDisposedException)
        {
            // This side ended it.
        }

        var end = await _connection.Closed;
        await _over.CancelAsync();
        await Task.WhenAll(_running.Keys);
        await datagrams;
        return end;
    }

    /// <summary>Carries a TCP connection that came to a port of this side.</summary>
    /// <param name="socket">The connection; closed when the task is complete.</param>
    /// <param name="request">What asks the peer for the rest of the way.</param>
    public Task CarryAsync(Socket socket, ForwardRequest request) => Track(CarryTcpAsync(socket, request));

    /// <summary>Asks the peer to open a port. It stays open until the connection ends.</summary>
    /// <returns>The port.</returns>
    /// <exception cref="CliException">The peer does not.</exception>
    /// <exception cref="PacketSecConnectionException">The connection ended.</exception>
    public async Task<int> ListenAsync(ForwardRule rule, CancellationToken cancellationToken)
    {
        var stream = await _connection.OpenStreamAsync(cancellationToken);
        _rules[stream.Id] = rule;
        var answer = await AskAsync(stream, rule.ToListen(), cancellationToken);
        if (answer.Code == ForwardCode.Done)
        {
            _ = Track(KeepAsync(stream));
            return answer.Port;
        }

        _rules.TryRemove(stream.Id, out _);
        await stream.DisposeAsync();
        throw new CliException(
            answer.Code == ForwardCode.NotPermitted ? ExitCodes.Refused : ExitCodes.Failed,
            answer.Code == ForwardCode.NotPermitted
                ? $"{_connection.RemotePeerId} does not permit to listen on {rule.Bind}, port {rule.Port}: start psec forward serve there with --permit-listen {rule.Port}, and with --public for other addresses than loopback."
                : $"{_connection.RemotePeerId} cannot listen on {rule.Bind}, port {rule.Port}: it is in use there, or not its address.");
    }

    /// <summary>Begins to keep the connection from falling silent, until it ends.</summary>
    /// <returns>Whether the peer answers, as all who forward do.</returns>
    /// <exception cref="PacketSecConnectionException">The connection ended.</exception>
    public async Task<bool> WatchAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(RequestTime, _policy.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var stream = await _connection.OpenStreamAsync(either.Token);
            var answer = await AskAsync(stream, new(ForwardKind.Watch), either.Token);
            _ = Track(KeepWatchingAsync(stream));
            return answer.Code == ForwardCode.Done;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    public void Dispose() => _over.Dispose();

    /// <summary>Asks the peer for something on a stream that was just opened.</summary>
    public async Task<ForwardAnswer> AskAsync(PacketSecStream stream, ForwardRequest request, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(request.ToBytes(), cancellationToken);
        try
        {
            return await ForwardAnswer.ReadAsync(stream, request.Kind, cancellationToken);
        }
        catch (ForwardProtocolException error)
        {
            await _connection.CloseAsync(ProtocolError, error.Message);
            throw new PacketSecConnectionException(PacketSecConnectionError.ProtocolViolation, error.Message);
        }
    }

    /// <summary>Opens a stream to the peer.</summary>
    public ValueTask<PacketSecStream> OpenStreamAsync(CancellationToken cancellationToken) => _connection.OpenStreamAsync(cancellationToken);

    /// <summary>Tells that the peer did not do what a port of this side needs.</summary>
    public void TellRefused(ForwardRequest request, ForwardCode code)
    {
        _tally.CountRefused();
        var what = request.Kind == ForwardKind.Accepted ? "what came to its port" : TargetOf(request);
        Tell(code, what, code switch
        {
            ForwardCode.NotPermitted => $"{_connection.RemotePeerId} does not permit {what}: start psec forward serve there with --permit {what}.",
            ForwardCode.Unreachable => $"{_connection.RemotePeerId} cannot reach {what}: check that something listens there.",
            _ => $"{_connection.RemotePeerId} carries as much as it may, and not {what}: end something first.",
        });
    }

    public Task Track(Task task)
    {
        _running[task] = true;
        _ = task.ContinueWith(done => _running.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
        return task;
    }

    private static string TargetOf(ForwardRequest request)
        => $"{(request.Host.Contains(':', StringComparison.Ordinal) ? $"[{request.Host}]" : request.Host)}:{request.Port}";

    private static bool IsOver(Exception error) => error is PacketSecConnectionException or ObjectDisposedException or OperationCanceledException;

    private async Task CarryTcpAsync(Socket socket, ForwardRequest request)
    {
        try
        {
            //= spec/forward.md#forward-tcp-count
            if (Interlocked.Increment(ref _connections) > _policy.MostConnections)
            {
                TcpPump.Abort(socket);
                _tally.CountRefused();
                return;
            }

            await using var stream = await _connection.OpenStreamAsync(Over);
            var answer = await AskAsync(stream, request, Over);
            if (answer.Code != ForwardCode.Done)
            {
                TellRefused(request, answer.Code);
                TcpPump.Abort(socket);
                return;
            }

            _tally.CountConnection();
            await TcpPump.RunAsync(socket, stream, Over);
        }
        catch (Exception error) when (IsOver(error))
        {
            TcpPump.Abort(socket);
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }

    private async Task KeepAsync(PacketSecStream control)
    {
        await using (control)
        {
            var rule = _rules[control.Id];
            await control.ReadAsync(new byte[1], Over).AsTask().ContinueWith(static _ => { }, TaskScheduler.Default);
            _rules.TryRemove(control.Id, out _);
            if (!Over.IsCancellationRequested && !_connection.Closed.IsCompleted)
            {
                _reporter.Problem($"{_connection.RemotePeerId} closed its port {rule.Port} for {rule.Target}.");
            }
        }
    }

    private async Task KeepWatchingAsync(PacketSecStream stream)
    {
        await using (stream)
        {
            try
            {
                var beat = new byte[1];
                do
                {
                    await Task.Delay(WatchPause, _policy.Time, Over);
                    await stream.WriteAsync(beat, Over);
                }
                while (await stream.ReadAsync(beat, Over) > 0);
            }
            catch (Exception error) when (IsOver(error))
            {
                // The connection has ended, as is told elsewhere.
            }
        }
    }

    private void Tell(ForwardCode code, string what, string text)
    {
        lock (_told)
        {
            if (_told.Count == MostTold || !_told.Add($"{code} {what}"))
            {
                return;
            }
        }

        _reporter.Problem(text);
    }
}
