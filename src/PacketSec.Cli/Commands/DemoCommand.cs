using System.CommandLine;
using PacketSec.Cli.Demo;
using PacketSec.Cli.Net;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec demo</c>: two endpoints talk to each other in this process.</summary>
internal static class DemoCommand
{
    private const string Rekey = "rekey";
    private const string Identity = "identity";
    private const string Leader = "leader";

    public static Command Create(CliContext context)
    {
        var broken = new Option<string?>("--break")
        {
            Description = "Break something on purpose, which the demo must notice: the renewal of keys, the server's identity, or who leads when two "
                + "dial each other. Only the part that is broken runs.",
        };
        broken.AcceptOnlyFromAmong(Rekey, Identity, Leader);
        var pcap = Capture.CreateOption();
        var command = new Command(
            "demo", "Show a negotiation, traffic across renewed keys and a clean close, and then two that dial each other at once, all on loopback.")
        {
            broken, pcap,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var reporter = new Reporter(context, parsed.GetValue(context.Json));
            using var capture = Capture.Open(parsed.GetValue(pcap), reporter);
            var teller = new DemoTeller(reporter);
            var what = parsed.GetValue(broken) switch
            {
                Rekey => DemoBreak.Rekey,
                Identity => DemoBreak.Identity,
                Leader => DemoBreak.Leader,
                _ => DemoBreak.None,
            };
            List<string> failures = [];
            if (what != DemoBreak.Leader)
            {
                failures.AddRange(await new DemoRun(teller, what, capture).RunAsync(cancellationToken));
            }

            if (what is DemoBreak.None or DemoBreak.Leader)
            {
                failures.AddRange(await new MeetingRun(teller, what, capture).RunAsync(cancellationToken));
            }

            return failures.Count == 0
                ? ExitCodes.Success
                : throw new CliException(ExitCodes.Failed, $"The demo failed: {string.Join("; ", failures)}.");
        });
        return command;
    }
}
