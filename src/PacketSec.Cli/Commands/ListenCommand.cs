using System.CommandLine;
using System.Net;
using PacketSec.Cli.Net;
using PacketSec.Cli.P2p;
using PacketSec.Protocol.Identity;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec listen</c>: accepts channels, and echoes or prints what comes.</summary>
internal static class ListenCommand
{
    private const int DefaultPort = 4001;

    // The largest UDP payload: whatever a peer sends fits.
    private const int BufferSize = 65_535;

    public static Command Create(CliContext context)
    {
        var echo = new Option<bool>("--echo") { Description = "Send every datagram back; without it they are printed, one line each." };
        var p2p = new Option<bool>("--p2p") { Description = "Be a host of libp2p instead: answer psec p2p ping and identify, and those of other hosts." };
        var command = new Command("listen", "Accept channels; print the datagrams that come, or echo them.") { echo, p2p };
        var access = new AccessOptions(command);
        var endpoint = new EndpointOptions(command, new(IPAddress.IPv6Any, DefaultPort), SchemeOptions.ForListener(command), EndpointOptions.CreateShardsOption());
        command.Validators.Add(result =>
        {
            if (result.GetValue(echo) && result.GetValue(p2p))
            {
                result.AddError("--echo is about datagrams, and --p2p about streams: leave one of them out.");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var list = access.Load(parsed);
            var reporter = new Reporter(context, parsed.GetValue(context.Json));
            var tickets = await endpoint.Schemes.OpenTicketsAsync(context, parsed);
            if (parsed.GetValue(p2p))
            {
                await using var host = endpoint.OpenHost(context, reporter, parsed, AccessOptions.Authorize(list), tickets);
                return await new HostRun(host, reporter).RunAsync(
                    endpoint.BindOf(parsed),
                    bound => PrintListening(reporter, host.Host.PeerId, bound, endpoint.Schemes, parsed, list?.Count, "dial"),
                    cancellationToken);
            }

            await using var local = endpoint.Open(context, reporter, parsed, AccessOptions.Authorize(list), tickets);
            PrintListening(reporter, local.Endpoint.PeerId, local.Endpoint.LocalEndPoint, endpoint.Schemes, parsed, list?.Count, "dial");
            await ServeAllAsync(reporter, local.Endpoint, parsed.GetValue(echo), cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>Prints where an endpoint listens, for whom and how.</summary>
    /// <param name="reporter">Prints it.</param>
    /// <param name="peer">Who listens.</param>
    /// <param name="local">What the socket is bound to.</param>
    /// <param name="options">The schemes that it serves.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="allowed">How many identities are let in; null for everybody.</param>
    /// <param name="command">What the other side does with the address.</param>
    public static void PrintListening(
        Reporter reporter, PeerId peer, IPEndPoint local, SchemeOptions options, ParseResult parsed, int? allowed, string command)
    {
        var (schemes, direct) = (options.SchemesOf(parsed), options.DirectOf(parsed));
        var addresses = ListenAddresses.Of(local, peer, direct);
        var host = local.Address.Equals(IPAddress.IPv6Any) || local.Address.Equals(IPAddress.Any)
            ? "HOST"
            : local.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{local.Address}]" : local.Address.ToString();
        var who = allowed is { } count ? $" for {count} {(count == 1 ? "identity" : "identities")}" : "";
        var how = $" by {SchemeOptions.NamesOf(schemes)}{(direct is null ? "" : $", directly by {direct}")}";
        reporter.Line(Tone.Good, "listening", $"listening on {local}{who}{how}; {command} {peer}@{host}:{local.Port}{string.Concat(addresses.Select(address => $"\n  or {address}"))}", line =>
        {
            line.WriteString("peer", peer.ToString());
            line.WriteString("local", local.ToString());
            line.WriteNumber("port", local.Port);
            line.WriteStartArray("schemes");
            foreach (var scheme in schemes)
            {
                line.WriteStringValue(scheme);
            }

            line.WriteEndArray();
            line.WriteStartArray("addresses");
            foreach (var address in addresses)
            {
                line.WriteStringValue(address.ToString());
            }

            line.WriteEndArray();
            if (direct is not null)
            {
                line.WriteString("direct", direct);
            }

            if (allowed is { } number)
            {
                line.WriteNumber("allowed", number);
            }
        });
    }

    private static async Task ServeAllAsync(Reporter reporter, PacketSecEndpoint endpoint, bool echo, CancellationToken cancellationToken)
    {
        var served = 0L;
        var serving = new Dictionary<long, Task>();
        try
        {
            await foreach (var channel in endpoint.AcceptAllAsync(cancellationToken))
            {
                serving.Add(++served, ServeAsync(reporter, channel, served, echo));
                foreach (var (number, task) in serving.Where(entry => entry.Value.IsCompleted).ToList())
                {
                    serving.Remove(number);
                    await task;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C and SIGTERM are how a listener ends.
        }
        catch (PacketSecException error)
        {
            throw Failures.From(error);
        }

        await endpoint.DisposeAsync();
        await Task.WhenAll(serving.Values);
        var statistics = endpoint.GetStatistics();
        reporter.Summary(
            "summary",
            $"{served} channels, {statistics.DatagramsReceived} datagrams received, {statistics.DatagramsSent} sent",
            [
                ("channels", $"{served}"), ("sessions", $"{statistics.Sessions}"),
                ("datagrams received", $"{statistics.DatagramsReceived}"), ("datagrams sent", $"{statistics.DatagramsSent}"),
                ("dropped", string.Join(", ", statistics.Drops.Select(drop => $"{drop.Value} {drop.Key}"))),
            ],
            line =>
            {
                line.WriteNumber("channels", served);
                line.WriteNumber("sessions", statistics.Sessions);
                line.WriteNumber("received", statistics.DatagramsReceived);
                line.WriteNumber("sent", statistics.DatagramsSent);
                line.WriteStartObject("drops");
                foreach (var (reason, count) in statistics.Drops)
                {
                    line.WriteNumber(reason.ToString(), count);
                }

                line.WriteEndObject();
            });
    }

    private static async Task ServeAsync(Reporter reporter, PacketSecChannel channel, long number, bool echo)
    {
        await using (channel)
        {
            var peer = channel.RemotePeerId;
            reporter.Line(Tone.Good, "accepted", $"channel {number}: {peer} from {channel.RemoteAddress}", line =>
            {
                line.WriteNumber("channel", number);
                line.WriteString("peer", peer.ToString());
                line.WriteString("remote", channel.RemoteAddress.ToString());
            });
            var watching = new ChannelWatcher(channel, reporter, resultsOnly: false).RunAsync($"channel {number}");
            if (echo)
            {
                // A full queue or buffer loses the echo, as the network may.
                channel.OnDatagram(datagram => channel.TrySend(datagram));
            }
            else
            {
                await PrintAllAsync(reporter, channel);
            }

            await watching;
        }
    }

    private static async Task PrintAllAsync(Reporter reporter, PacketSecChannel channel)
    {
        var buffer = new byte[BufferSize];
        try
        {
            while (true)
            {
                var length = await channel.ReceiveAsync(buffer);
                reporter.Datagram(channel.RemotePeerId, buffer.AsSpan(0, length), withPeer: true);
            }
        }
        catch (PacketSecException)
        {
            // The channel is over; its last event tells why.
        }
    }
}
