using System.Diagnostics;
using PacketSec.Cli.Net;
using PacketSec.Cli.Tracing;

namespace PacketSec.Cli.Transfer;

/// <summary>Sends a file to a peer, and dials again when the way there is lost.</summary>
/// <param name="local">This side.</param>
/// <param name="addresses">The peer, at one address or several.</param>
/// <param name="dial">How it is dialled.</param>
/// <param name="patience">How long to go on without a byte more at the peer, once the way there is lost.</param>
/// <param name="reporter">Is told of connections and interruptions.</param>
/// <param name="trace">What connections are traced into; null for nowhere.</param>
internal sealed class SendRun(
    LocalEndpoint local, IReadOnlyList<PeerAddress> addresses, PacketSecConnectOptions dial, TimeSpan patience, Reporter reporter, QlogFile? trace)
{
    private const int ProtocolError = 1;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private PacketSecChannel? _channel;
    private long _lostAt;
    private long _movedBefore;
    private TimeSpan _pause;

    /// <summary>Gets how often the transfer began.</summary>
    public int Tries { get; private set; }

    /// <summary>Sends the file.</summary>
    /// <param name="sender">The file.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="CliException">It cannot be done.</exception>
    public async Task RunAsync(FileSender sender, CancellationToken cancellationToken)
    {
        try
        {
            while (await TryAsync(sender, cancellationToken) is { } lost)
            {
                await PauseAsync(sender, lost, cancellationToken);
            }
        }
        finally
        {
            await DropChannelAsync();
        }
    }

    /// <returns>Null when the file is there, otherwise why it may be tried again.</returns>
    private async Task<CliException?> TryAsync(FileSender sender, CancellationToken cancellationToken)
    {
        try
        {
            _channel ??= await ConnectAsync(cancellationToken);
        }
        catch (CliException error) when (Tries > 0 && error.ExitCode is ExitCodes.Unreachable or ExitCodes.PeerClosed)
        {
            return error;
        }

        Tries++;
        await using var connection = PacketSecConnection.Open(_channel, new() { MaxUnidirectionalStreams = 0, Trace = trace?.ForConnection() });
        PrintConnected(connection);
        try
        {
            await sender.RunAsync(connection, cancellationToken);
            return null;
        }
        catch (PacketSecConnectionException error)
        {
            var failure = new CliException(ExitCodeOf(error.Error), Describe(error), error);
            if (!MayPass(error.Error))
            {
                throw failure;
            }

            if (error.Error != PacketSecConnectionError.PeerRestarted)
            {
                await DropChannelAsync();
            }

            return failure;
        }
        catch (TransferException error)
        {
            var failure = new CliException(error.ExitCode, error.Message, error);
            if (!error.MayPass)
            {
                throw failure;
            }

            await DropChannelAsync();
            return failure;
        }
        catch (TransferProtocolException error)
        {
            await connection.CloseAsync(ProtocolError, error.Message);
            throw new CliException(ExitCodes.Protocol, error.Message, error);
        }
    }

    private async Task<PacketSecChannel> ConnectAsync(CancellationToken cancellationToken)
    {
        if (_lostAt == 0)
        {
            return await local.ConnectAsync(addresses, dial, cancellationToken);
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var left = patience - Stopwatch.GetElapsedTime(_lostAt);
        limit.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        try
        {
            return await local.ConnectAsync(addresses, dial, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CliException(ExitCodes.Unreachable, $"{addresses[0].Peer} does not answer any more.");
        }
    }

    private void PrintConnected(PacketSecConnection connection) => reporter.Status(
        Tone.Good, "connected", $"connected to {connection.RemotePeerId} at {connection.RemoteAddress} by {connection.Channel.Scheme}", line =>
        {
            line.WriteString("peer", connection.RemotePeerId.ToString());
            line.WriteString("remote", connection.RemoteAddress.ToString());
            line.WriteString("own_peer", local.Endpoint.PeerId.ToString());
            line.WriteString("scheme", connection.Channel.Scheme);
            line.WriteNumber("try", Tries);
        });

    private async Task PauseAsync(FileSender sender, CliException lost, CancellationToken cancellationToken)
    {
        if (_lostAt == 0 || sender.Meter.Moved > _movedBefore)
        {
            (_lostAt, _movedBefore, _pause) = (Stopwatch.GetTimestamp(), sender.Meter.Moved, FirstPause);
        }

        if (Stopwatch.GetElapsedTime(_lostAt) + _pause > patience)
        {
            throw new CliException(
                lost.ExitCode, $"{lost.Message} Nothing more arrived for {patience.TotalSeconds} s; the same command goes on where this one ended.", lost);
        }

        reporter.Line(Tone.Note, "interrupted", $"interrupted at {sender.Meter.Position} bytes: {lost.Message} Trying again.", line =>
        {
            line.WriteString("name", sender.Meter.Name);
            line.WriteNumber("bytes", sender.Meter.Position);
            line.WriteString("reason", lost.Message);
        });
        await Task.Delay(_pause, cancellationToken);
        _pause = _pause * 2 < LongestPause ? _pause * 2 : LongestPause;
    }

    private async Task DropChannelAsync()
    {
        if (_channel is { } channel)
        {
            _channel = null;
            await channel.DisposeAsync();
        }
    }

    private string Describe(PacketSecConnectionException error) => error.Error switch
    {
        PacketSecConnectionError.PeerRestarted => $"{addresses[0].Peer} has started anew.",
        PacketSecConnectionError.IdleTimeout => $"Nothing was heard of {addresses[0].Peer} for too long.",
        PacketSecConnectionError.ChannelClosed or PacketSecConnectionError.ClosedByPeer => $"{addresses[0].Peer} closed the connection.",
        PacketSecConnectionError.StreamReset => $"{addresses[0].Peer} gave the transfer up.",
        PacketSecConnectionError.PeerWithoutStreams => $"{addresses[0].Peer} does not take files: it must run psec receive.",
        _ => error.Message,
    };

    private static bool MayPass(PacketSecConnectionError error) => error is PacketSecConnectionError.IdleTimeout or PacketSecConnectionError.PeerRestarted
        or PacketSecConnectionError.ChannelClosed or PacketSecConnectionError.ClosedByPeer or PacketSecConnectionError.StreamReset;

    private static int ExitCodeOf(PacketSecConnectionError error) => error switch
    {
        PacketSecConnectionError.IdleTimeout or PacketSecConnectionError.ChannelClosed or PacketSecConnectionError.PeerRestarted => ExitCodes.Unreachable,
        PacketSecConnectionError.ClosedByPeer => ExitCodes.PeerClosed,
        _ => ExitCodes.Protocol,
    };
}
