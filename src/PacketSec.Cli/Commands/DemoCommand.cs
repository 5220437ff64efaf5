using System.CommandLine;
using PacketSec.Cli.Demo;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec demo</c>: two endpoints talk to each other in this process.</summary>
internal static class DemoCommand
{
    private const string Rekey = "rekey";
    private const string Identity = "identity";

    public static Command Create(CliContext context)
    {
        var broken = new Option<string?>("--break")
        {
            Description = "Break something on purpose, which the demo must notice: the renewal of keys, or the server's identity.",
        };
        broken.AcceptOnlyFromAmong(Rekey, Identity);
        var command = new Command("demo", "Show a handshake, traffic across renewed keys and a clean close between two endpoints on loopback.")
        {
            broken,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var reporter = new Reporter(context, parsed.GetValue(context.Json));
            var failures = await new DemoRun(reporter, parsed.GetValue(broken) switch
            {
                Rekey => DemoBreak.Rekey,
                Identity => DemoBreak.Identity,
                _ => DemoBreak.None,
            }).RunAsync(cancellationToken);
            return failures.Count == 0
                ? ExitCodes.Success
                : throw new CliException(ExitCodes.Failed, $"The demo failed: {string.Join("; ", failures)}.");
        });
        return command;
    }
}
