using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using PacketSec.Cli.Net;
using PacketSec.Cli.P2p;
using PacketSec.Cli.Transfer;
using PacketSec.Libp2p;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec p2p</c>: talks to hosts of libp2p that have the transport, by their own protocols and by one for files.</summary>
internal static class P2pCommand
{
    private const int DefaultPort = 4001;

    public static Command Create(CliContext context) => new("p2p", "Talk to hosts of libp2p over this transport; psec listen --p2p is one.")
    {
        CreatePing(context),
        CreateIdentify(context),
        CreateSend(context),
        CreateReceive(context),
    };

    private static Command CreatePing(CliContext context)
    {
        var address = EndpointOptions.CreatePeerArgument();
        var count = EndpointOptions.Bounded(new("--count") { Description = "How many pings to send.", HelpName = "N", DefaultValueFactory = _ => 4 }, 1, int.MaxValue);
        var interval = EndpointOptions.CreateNumber("--interval", "SECONDS", "The time from one ping to the next.", 1, 0);
        var command = new Command("ping", "Measure round trips to a host, by /ipfs/ping/1.0.0.") { address, count, interval };
        SetDialAction(context, command, address, (parsed, reporter, host, cancellationToken) => PingAsync(
            reporter, host, parsed.GetValue(count), TimeSpan.FromSeconds(parsed.GetValue(interval)), cancellationToken));
        return command;
    }

    private static Command CreateIdentify(CliContext context)
    {
        var address = EndpointOptions.CreatePeerArgument();
        var command = new Command("identify", "Print what a host tells of itself, by /ipfs/id/1.0.0.") { address };
        SetDialAction(context, command, address, (_, reporter, host, cancellationToken) => IdentifyAsync(reporter, host, cancellationToken));
        return command;
    }

    private static Command CreateSend(CliContext context)
    {
        var file = new Argument<string>("FILE") { Description = "The file; the receiver stores it under its name, without the folder." };
        var address = EndpointOptions.CreatePeerArgument();
        var command = new Command("send", $"Send a file to a host that runs psec p2p receive, by {FileProtocol.ProtocolId}.") { file, address };
        SetDialAction(context, command, address, async (parsed, reporter, host, cancellationToken) =>
        {
            var sender = FileSender.Open(parsed.GetRequiredValue(file));
            var sending = FileProtocol.SendAsync(host, sender, cancellationToken);
            await TransferProgress.FollowAsync(reporter, parsed.GetValue(context.Json) ? null : context.Terminal, sender.Meter, sending);
            await sending;
            SendCommand.PrintSent(reporter, sender, tries: 1);
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command CreateReceive(CliContext context)
    {
        var into = new Option<string>("--into") { Description = "The folder that files go into.", HelpName = "FOLDER", DefaultValueFactory = _ => "." };
        var once = new Option<bool>("--once") { Description = "End when one file is stored." };
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace files that exist; without it they are refused." };
        var command = new Command("receive", "Be a host that stores the files which peers send by psec p2p send.") { into, once, overwrite };
        var access = new AccessOptions(command);
        var endpoint = new EndpointOptions(command, new(IPAddress.IPv6Any, DefaultPort), SchemeOptions.ForListener(command));
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var reporter = new Reporter(context, parsed.GetValue(context.Json));
            var list = access.Load(parsed);
            var folder = ReceiveFolder.Open(parsed.GetRequiredValue(into), parsed.GetValue(overwrite));
            var tickets = await endpoint.Schemes.OpenTicketsAsync(context, parsed);
            await using var local = endpoint.OpenHost(context, reporter, parsed, AccessOptions.Authorize(list), tickets);
            using var done = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var receiver = new FileReceiver(folder, reporter, context.Time);
            FileProtocol.Serve(local.Host, receiver, reporter, () =>
            {
                if (parsed.GetValue(once))
                {
                    done.Cancel();
                }
            });
            await new HostRun(local, reporter).RunAsync(
                endpoint.BindOf(parsed),
                bound => ListenCommand.PrintListening(reporter, local.Host.PeerId, bound, endpoint.Schemes, parsed, list?.Count, "send to"),
                done.Token);
            receiver.Tally.Print(reporter);
            return parsed.GetValue(once) && !receiver.Tally.HasStored ? ExitCodes.Interrupted : ExitCodes.Success;
        });
        return command;
    }

    private static void SetDialAction(
        CliContext context, Command command, Argument<PeerAddress?> address, Func<ParseResult, Reporter, DialledHost, CancellationToken, Task<int>> action)
    {
        var endpoint = new EndpointOptions(command, new(IPAddress.IPv6Any, 0), SchemeOptions.ForDialler(command, address));
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var reporter = new Reporter(context, parsed.GetValue(context.Json));
            await using var host = await DialledHost.DialAsync(context, reporter, parsed, endpoint, parsed.GetValue(address), cancellationToken);
            try
            {
                return await action(parsed, reporter, host, cancellationToken);
            }
            catch (Libp2pException error)
            {
                throw P2pErrors.From(error, $"{host.Connection.RemotePeerId}");
            }
        });
    }

    private static async Task<int> PingAsync(Reporter reporter, DialledHost host, int count, TimeSpan interval, CancellationToken cancellationToken)
    {
        var times = new List<double>();
        try
        {
            for (var number = 1; number <= count; number++)
            {
                var started = Stopwatch.GetTimestamp();
                var time = (await host.Connection.PingAsync(cancellationToken)).TotalMicroseconds;
                times.Add(time);
                PrintPing(reporter, host, number, time);
                var left = interval - Stopwatch.GetElapsedTime(started);
                if (number < count && left > TimeSpan.Zero)
                {
                    await Task.Delay(left, cancellationToken);
                }
            }
        }
        catch (OperationCanceledException) when (times.Count > 0)
        {
            // Ctrl-C is how a ping may end.
        }

        var (shortest, mean, longest) = (times.Min(), times.Average(), times.Max());
        var text = string.Create(CultureInfo.InvariantCulture, $"{times.Count} answered; min/mean/max {shortest:0}/{mean:0}/{longest:0} us");
        reporter.Summary(
            "summary",
            text,
            [
                ("answered", $"{times.Count}"), ("shortest", string.Create(CultureInfo.InvariantCulture, $"{shortest:0} us")),
                ("mean", string.Create(CultureInfo.InvariantCulture, $"{mean:0} us")), ("longest", string.Create(CultureInfo.InvariantCulture, $"{longest:0} us")),
            ],
            line =>
            {
                line.WriteNumber("answered", times.Count);
                line.WriteNumber("min_us", Math.Round(shortest, 1));
                line.WriteNumber("mean_us", Math.Round(mean, 1));
                line.WriteNumber("max_us", Math.Round(longest, 1));
            });
        return ExitCodes.Success;
    }

    private static void PrintPing(Reporter reporter, DialledHost host, int number, double microseconds)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{number}: {host.Connection.RemotePeerId} answers in {microseconds:0} us");
        reporter.Line(Tone.Plain, "ping", text, line =>
        {
            line.WriteNumber("number", number);
            line.WriteNumber("us", Math.Round(microseconds, 1));
        });
    }

    private static async Task<int> IdentifyAsync(Reporter reporter, DialledHost host, CancellationToken cancellationToken)
    {
        var told = await host.Connection.IdentifyAsync(cancellationToken);
        List<(string Name, string Value)> rows =
        [
            ("peer", host.Connection.RemotePeerId.ToString()), ("agent", Printable(told.AgentVersion)), ("protocol version", Printable(told.ProtocolVersion)),
            ("sees this side at", told.ObservedAddress?.ToString() ?? "-"),
            .. told.ListenAddresses.Select(listens => ("listens at", listens.ToString())), .. told.Protocols.Select(protocol => ("speaks", Printable(protocol))),
        ];
        reporter.Summary("identify", string.Join('\n', rows.Select(row => $"{row.Name}: {row.Value}")), rows, line =>
        {
            line.WriteString("peer", host.Connection.RemotePeerId.ToString());
            line.WriteString("agent", told.AgentVersion);
            line.WriteString("protocol_version", told.ProtocolVersion);
            line.WriteString("observed", told.ObservedAddress?.ToString());
            WriteList(line, "addresses", told.ListenAddresses.Select(listens => listens.ToString()));
            WriteList(line, "protocols", told.Protocols);
        });
        return ExitCodes.Success;
    }

    // What a peer tells is text of its choice: a terminal gets none of its control characters.
    private static string Printable(string? text) => text is null ? "-" : string.Concat(text.Select(character => char.IsControl(character) ? '?' : character));

    private static void WriteList(System.Text.Json.Utf8JsonWriter line, string name, IEnumerable<string> values)
    {
        line.WriteStartArray(name);
        foreach (var value in values)
        {
            line.WriteStringValue(value);
        }

        line.WriteEndArray();
    }
}
