using PacketSec.Cli.Transfer;
using PacketSec.Libp2p.Hosting;
using PacketSec.Libp2p.Psec;
using PacketSec.Libp2p.Transports;

namespace PacketSec.Cli.P2p;

/// <summary>Files over streams of a host: <c>Transfer/README.md</c> has what is said on them.</summary>
internal static class FileProtocol
{
    /// <summary>What multistream-select agrees on.</summary>
    public const string ProtocolId = "/psec/file/1";

    // The sender closes when it has the result; one that does not is left.
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(5);

    /// <summary>Sends a file to a peer that is dialled, once.</summary>
    /// <exception cref="CliException">It cannot be done.</exception>
    public static async Task SendAsync(DialledHost host, FileSender sender, CancellationToken cancellationToken)
    {
        await using var stream = await host.Connection.OpenStreamAsync(ProtocolId, cancellationToken);
        try
        {
            await sender.RunAsync(host.Transport, ((TransportStream)stream).Inner, cancellationToken);
        }
        catch (TransferException error)
        {
            throw new CliException(error.ExitCode, error.Message, error);
        }
        catch (TransferProtocolException error)
        {
            throw new CliException(ExitCodes.Protocol, error.Message, error);
        }
        catch (PacketSecConnectionException error)
        {
            throw new CliException(ExitCodes.PeerClosed, $"{error.Message} The same command goes on where this one ended.", error);
        }
    }

    /// <summary>Serves files that peers send.</summary>
    /// <param name="host">The host.</param>
    /// <param name="receiver">Takes them.</param>
    /// <param name="reporter">Is told of peers that do not keep to the protocol.</param>
    /// <param name="stored">Is called when a file is stored, and its sender has the result or has had the time for it.</param>
    public static void Serve(Libp2pHost host, FileReceiver receiver, Reporter reporter, Action stored)
        => host.Handle(ProtocolId, (connection, stream, cancellationToken) => ReceiveAsync(connection, stream, receiver, reporter, stored, cancellationToken));

    private static async Task ReceiveAsync(
        PeerConnection connection, IStream stream, FileReceiver receiver, Reporter reporter, Action stored, CancellationToken cancellationToken)
    {
        try
        {
            var inner = ((TransportStream)stream).Inner;
            if (!await receiver.ReceiveAsync(((TransportConnection)connection.Transport).Inner, inner, cancellationToken))
            {
                return;
            }
        }
        catch (TransferProtocolException error)
        {
            reporter.Problem($"{connection.RemotePeerId}: {error.Message}");
            stream.Reset(1);
            stream.StopSending(1);
            return;
        }

        await ((Task)connection.Closed).WaitAsync(Farewell, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stored();
    }
}
