using System.Diagnostics;
using System.Net.Sockets;
using PacketSec.Cli.Net;
using PacketSec.Protocol.Identity;

namespace PacketSec.Cli.Forward;

/// <summary>The side that dials: opens its ports, asks the peer to open others, and dials again when the connection ends.</summary>
internal sealed class ForwardRun(
    LocalEndpoint local, IReadOnlyList<PeerAddress> addresses, PacketSecConnectOptions dial, ForwardPolicy policy, IReadOnlyList<ForwardRule> rules, Reporter reporter)
{
    private const long ProtocolError = 1;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly ForwardTally _tally = new();
    private ForwardSession? _session;
    private bool _hasBegun;

    private PeerId Peer => addresses[0].Peer;

    /// <summary>Runs until the token ends it.</summary>
    /// <exception cref="CliException">A port cannot be opened, or the peer cannot be reached or does not forward at the first time.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var entrances = new List<Entrance>();
        var running = new List<Task>();
        try
        {
            foreach (var rule in rules.Where(rule => !rule.IsRemote))
            {
                var entrance = Open(rule);
                entrances.Add(entrance);
                running.Add(entrance.RunAsync(() => Volatile.Read(ref _session), rule.ToConnect(), stop.Token));
                Print(rule, entrance.LocalEndPoint.ToString());
            }

            await ConnectAllAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Ctrl-C and SIGTERM are how forwarding ends.
        }
        finally
        {
            await stop.CancelAsync();
            foreach (var entrance in entrances)
            {
                await entrance.DisposeAsync();
            }

            await Task.WhenAll(running);
        }

        _tally.Print(reporter);
    }

    private Entrance Open(ForwardRule rule)
    {
        try
        {
            return Entrance.Open(rule.Bind, rule.Port, rule.IsUdp, policy, _tally);
        }
        catch (SocketException error)
        {
            throw new CliException(ExitCodes.Address, $"{rule.Protocol} port {rule.Port} on {rule.Bind} cannot be opened: {error.Message}", error);
        }
    }

    private async Task ConnectAllAsync(CancellationToken cancellationToken)
    {
        var pause = FirstPause;
        while (true)
        {
            var begun = Stopwatch.GetTimestamp();
            var why = await ConnectAsync(cancellationToken);
            pause = Stopwatch.GetElapsedTime(begun) > LongestPause ? FirstPause : pause;
            reporter.Line(Tone.Note, "interrupted", $"interrupted: {why} Dialling again.", line => line.WriteString("reason", why));
            await Task.Delay(pause, cancellationToken);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <returns>Why the connection ended, or could not be made again.</returns>
    private async Task<string> ConnectAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var channel = await local.ConnectAsync(addresses, dial, cancellationToken);
            while (true)
            {
                var end = await ForwardAsync(channel, cancellationToken);
                var isFinal = end.Error is PacketSecConnectionError.PeerWithoutStreams or PacketSecConnectionError.PeerOfAnotherVersion
                    or PacketSecConnectionError.ProtocolViolation or PacketSecConnectionError.RefusedByPeer
                    || (end.Error == PacketSecConnectionError.ClosedByPeer && end.Code == ProtocolError);
                if (isFinal && !_hasBegun)
                {
                    throw new CliException(ExitCodes.Protocol, $"{Peer} does not forward: it must run psec forward serve. {end.Reason}");
                }

                if (end.Error != PacketSecConnectionError.PeerRestarted)
                {
                    return $"the connection to {Peer} ended ({end.Error}{(end.Reason.Length > 0 ? $": {end.Reason}" : "")}).";
                }
            }
        }
        catch (CliException error) when (_hasBegun)
        {
            return error.Message;
        }
    }

    private async Task<PacketSecConnectionClosed> ForwardAsync(PacketSecChannel channel, CancellationToken cancellationToken)
    {
        await using var connection = PacketSecConnection.Open(channel, ForwardSession.Options);
        using var session = new ForwardSession(connection, policy, _tally, reporter);
        var running = session.RunAsync();
        try
        {
            // The watch is answered by whoever forwards, and by nobody else.
            if (!await session.WatchAsync(cancellationToken))
            {
                throw DoesNotForward();
            }

            foreach (var rule in rules.Where(rule => rule.IsRemote))
            {
                await ListenAsync(session, rule, cancellationToken);
            }

            _hasBegun = true;
            Volatile.Write(ref _session, session);
            PrintConnected(connection);
            return await running.WaitAsync(cancellationToken);
        }
        catch (PacketSecConnectionException error) when (error.Error is PacketSecConnectionError.StreamReset or PacketSecConnectionError.StreamStopped)
        {
            // Only the stream has ended, and the connection may live on for ever.
            throw DoesNotForward();
        }
        catch (PacketSecConnectionException)
        {
            return await running;
        }
        finally
        {
            Volatile.Write(ref _session, null);
            await connection.DisposeAsync();
            await running;
        }
    }

    private CliException DoesNotForward()
        => new(ExitCodes.Protocol, $"{Peer} does not forward, or has gone: it must run psec forward serve.");

    private async Task ListenAsync(ForwardSession session, ForwardRule rule, CancellationToken cancellationToken)
    {
        try
        {
            var port = await session.ListenAsync(rule, cancellationToken);
            Print(rule, new System.Net.IPEndPoint(rule.Bind, port).ToString());
        }
        catch (CliException error) when (_hasBegun)
        {
            reporter.Problem(error.Message);
        }
    }

    private void Print(ForwardRule rule, string port)
    {
        var text = rule.IsRemote
            ? $"forwarding {rule.Protocol} {port} of {Peer} to {rule.Target} here"
            : $"forwarding {rule.Protocol} {port} to {rule.Target} at {Peer}";
        reporter.Line(Tone.Good, "forwarding", text, line =>
        {
            line.WriteString("protocol", rule.Protocol);
            line.WriteBoolean("remote", rule.IsRemote);
            line.WriteString("port", port);
            line.WriteString("target", rule.Target);
        });
    }

    private void PrintConnected(PacketSecConnection connection) => reporter.Line(
        Tone.Good, "connected", $"connected to {connection.RemotePeerId} at {connection.RemoteAddress} by {connection.Channel.Scheme}", line =>
        {
            line.WriteString("peer", connection.RemotePeerId.ToString());
            line.WriteString("remote", connection.RemoteAddress.ToString());
            line.WriteString("own_peer", local.Endpoint.PeerId.ToString());
        });
}
