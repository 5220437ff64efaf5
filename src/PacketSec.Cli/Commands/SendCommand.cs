using System.CommandLine;
using System.Globalization;
using System.Net;
using PacketSec.Cli.Net;
using PacketSec.Cli.Tracing;
using PacketSec.Cli.Transfer;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec send FILE ADDRESS</c>: sends a file to a peer that runs <c>psec receive</c>.</summary>
internal static class SendCommand
{
    public static Command Create(CliContext context)
    {
        var file = new Argument<string>("FILE") { Description = "The file; the receiver stores it under its name, without the folder." };
        var address = EndpointOptions.CreatePeerArgument();
        var retry = EndpointOptions.CreateNumber(
            "--retry", "SECONDS", "When the connection is lost in the middle: dial again and go on, until nothing more arrived for this long.", 60, 0);
        var trace = QlogFile.CreateOption();
        var command = new Command("send", "Send a file to a peer that runs psec receive; go on where an earlier try ended.") { file, address, retry, trace };
        var endpoint = new EndpointOptions(command, new(IPAddress.IPv6Any, 0), SchemeOptions.ForDialler(command, address));
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var reporter = new Reporter(context, parsed.GetValue(context.Json));
            var sender = FileSender.Open(parsed.GetRequiredValue(file));
            using var qlog = QlogFile.Open(parsed.GetValue(trace), "psec send", isDialler: true, reporter);
            await using var local = endpoint.Open(context, reporter, parsed);
            var dial = endpoint.Schemes.ToConnectOptions(parsed);
            using var ticket = dial.Ticket;
            var run = new SendRun(local, PeerAddress.AllOf(parsed.GetValue(address), ticket), dial, TimeSpan.FromSeconds(parsed.GetValue(retry)), reporter, qlog);
            var sending = run.RunAsync(sender, cancellationToken);
            await TransferProgress.FollowAsync(reporter, parsed.GetValue(context.Json) ? null : context.Terminal, sender.Meter, sending);
            await sending;
            PrintSent(reporter, sender, run.Tries);
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>Prints what was sent.</summary>
    public static void PrintSent(Reporter reporter, FileSender sender, int tries)
    {
        var meter = sender.Meter;
        var hash = Convert.ToHexStringLower(sender.Hash!);
        var seconds = string.Create(CultureInfo.InvariantCulture, $"{meter.Elapsed.TotalSeconds:0.000}");
        var rate = TransferProgress.Rate(meter.Rate);
        reporter.Summary(
            "sent",
            $"sent {meter.Name}: {meter.Size} bytes, {sender.ResumedFrom} of them before, {tries} {(tries == 1 ? "try" : "tries")}, {seconds} s, {rate}, SHA-256 {hash}, the same at both sides",
            [
                ("file", meter.Name), ("bytes", $"{meter.Size}"), ("of them there before", $"{sender.ResumedFrom}"), ("tries", $"{tries}"),
                ("seconds", seconds), ("rate", rate), ("SHA-256, both sides", hash),
            ],
            line =>
            {
                line.WriteString("name", meter.Name);
                line.WriteNumber("bytes", meter.Size);
                line.WriteNumber("resumed_from", sender.ResumedFrom);
                line.WriteNumber("moved", meter.Moved);
                line.WriteNumber("tries", tries);
                line.WriteNumber("seconds", Math.Round(meter.Elapsed.TotalSeconds, 6));
                line.WriteNumber("bytes_per_second", Math.Round(meter.Rate));
                line.WriteString("sha256", hash);
            });
    }
}
