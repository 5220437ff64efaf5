using System.CommandLine;
using System.Net;
using PacketSec.Cli.Net;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec ping ADDRESS</c>: measures round trips to a peer that echoes.</summary>
internal static class PingCommand
{
    private const double ShortestInterval = 0.001;

    public static Command Create(CliContext context)
    {
        var address = EndpointOptions.CreatePeerArgument();
        var count = EndpointOptions.Bounded(
            new("--count") { Description = "How many datagrams to send; without it ping runs until Ctrl-C.", HelpName = "N" }, 1, int.MaxValue);
        var interval = EndpointOptions.CreateNumber("--interval", "SECONDS", "The time from one datagram to the next.", 1, ShortestInterval);
        var size = DialCommand.CreateSizeOption(64);
        var deadline = EndpointOptions.CreateNumber("--deadline", "SECONDS", "End after this time, however many came back; 0 is never.", 0, 0);
        var command = new Command("ping", "Measure round trips to a peer that runs psec listen --echo; exit 1 if nothing comes back.")
        {
            address, count, interval, size, deadline,
        };
        var endpoint = new EndpointOptions(command, new(IPAddress.IPv6Any, 0), SchemeOptions.ForDialler(command, address));
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var end = parsed.GetValue(deadline);
            var howMany = parsed.GetValue(count);
            var plan = new PingPlan(
                howMany == 0 ? null : howMany,
                parsed.GetValue(size),
                TimeSpan.FromSeconds(parsed.GetValue(interval)),
                end == 0 ? null : TimeSpan.FromSeconds(end));
            return await RunAsync(context, parsed, endpoint, parsed.GetValue(address), plan, cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        CliContext context, ParseResult parsed, EndpointOptions options, PeerAddress? address, PingPlan plan, CancellationToken cancellationToken)
    {
        var reporter = new Reporter(context, parsed.GetValue(context.Json));
        await using var local = options.Open(context, reporter, parsed);
        var dial = options.Schemes.ToConnectOptions(parsed);
        using var ticket = dial.Ticket;
        await using var channel = await local.ConnectAsync(PeerAddress.AllOf(address, ticket), dial, cancellationToken);
        var watcher = await DialCommand.PrintConnectedAsync(reporter, local, channel);
        var watching = watcher.RunAsync("ping");
        using var run = new PingRun(channel, plan, reporter);
        await run.RunAsync(cancellationToken);
        var end = channel.Closed.IsCompletedSuccessfully ? await channel.Closed : null;
        await channel.DisposeAsync();
        await watching;
        run.PrintSummary();
        if (end is { } reason)
        {
            return DialCommand.Fail(reporter, watcher, reason, channel.RemotePeerId);
        }

        return run.Received > 0 ? ExitCodes.Success : ExitCodes.Failed;
    }
}
