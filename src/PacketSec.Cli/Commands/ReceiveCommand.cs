using System.CommandLine;
using System.Net;
using PacketSec.Cli.Tracing;
using PacketSec.Cli.Transfer;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec receive</c>: stores the files that peers send.</summary>
internal static class ReceiveCommand
{
    private const int DefaultPort = 4001;

    public static Command Create(CliContext context)
    {
        var into = new Option<string>("--into") { Description = "The folder that files go into.", HelpName = "FOLDER", DefaultValueFactory = _ => "." };
        var once = new Option<bool>("--once") { Description = "End when one file is stored." };
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace files that exist; without it they are refused." };
        var trace = QlogFile.CreateOption();
        var command = new Command("receive", "Store the files that peers send by psec send.") { into, once, overwrite, trace };
        var access = new AccessOptions(command);
        var endpoint = new EndpointOptions(command, new(IPAddress.IPv6Any, DefaultPort), SchemeOptions.ForListener(command), EndpointOptions.CreateShardsOption());
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var reporter = new Reporter(context, parsed.GetValue(context.Json));
            var list = access.Load(parsed);
            var folder = ReceiveFolder.Open(parsed.GetRequiredValue(into), parsed.GetValue(overwrite));
            var tickets = await endpoint.Schemes.OpenTicketsAsync(context, parsed);
            using var qlog = QlogFile.Open(parsed.GetValue(trace), "psec receive", isDialler: false, reporter);
            await using var local = endpoint.Open(context, reporter, parsed, AccessOptions.Authorize(list), tickets);
            ListenCommand.PrintListening(reporter, local.Endpoint.PeerId, local.Endpoint.LocalEndPoint, endpoint.Schemes, parsed, list?.Count, "send to");
            using var run = new ReceiveRun(local.Endpoint, folder, reporter, context.Time, qlog);
            return await run.RunAsync(parsed.GetValue(once), cancellationToken);
        });
        return command;
    }
}
