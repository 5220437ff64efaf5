using System.CommandLine;
using System.Net;
using PacketSec.Cli.Net;

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
        var allow = new Option<string[]>("--allow")
        {
            Description = "Let this identity in and no other; can be repeated, and combined with --allow-file.",
            HelpName = "PEER",
        };
        var allowFile = new Option<string?>("--allow-file")
        {
            Description = "Let the identities in that the file lists, one in each line; # begins a comment.",
            HelpName = "FILE",
        };
        var command = new Command("listen", "Accept channels; print the datagrams that come, or echo them.") { echo, allow, allowFile };
        var endpoint = new EndpointOptions(command, new(IPAddress.IPv6Any, DefaultPort), SchemeOptions.ForListener(command), EndpointOptions.CreateShardsOption());
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var list = AccessList.Load(parsed.GetValue(allow) ?? [], parsed.GetValue(allowFile));
            var reporter = new Reporter(context, parsed.GetValue(context.Json));
            var tickets = await endpoint.Schemes.OpenTicketsAsync(context, parsed);
            await using var local = endpoint.Open(
                context, reporter, parsed, list is null ? null : (identity, _) => ValueTask.FromResult(list.Contains(identity.PeerId)), tickets);
            PrintListening(reporter, local.Endpoint, endpoint.Schemes.SchemesOf(parsed), endpoint.Schemes.DirectOf(parsed), list?.Count);
            await ServeAllAsync(reporter, local.Endpoint, parsed.GetValue(echo), cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }

    private static void PrintListening(Reporter reporter, PacketSecEndpoint endpoint, IReadOnlyList<string> schemes, string? direct, int? allowed)
    {
        var local = endpoint.LocalEndPoint;
        var host = local.Address.Equals(IPAddress.IPv6Any) || local.Address.Equals(IPAddress.Any)
            ? "HOST"
            : local.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{local.Address}]" : local.Address.ToString();
        var who = allowed is { } count ? $" for {count} {(count == 1 ? "identity" : "identities")}" : "";
        var how = $" by {SchemeOptions.NamesOf(schemes)}{(direct is null ? "" : $", directly by {direct}")}";
        reporter.Line(Tone.Good, "listening", $"listening on {local}{who}{how}; dial {endpoint.PeerId}@{host}:{local.Port}", line =>
        {
            line.WriteString("peer", endpoint.PeerId.ToString());
            line.WriteString("local", local.ToString());
            line.WriteNumber("port", local.Port);
            line.WriteStartArray("schemes");
            foreach (var scheme in schemes)
            {
                line.WriteStringValue(scheme);
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
