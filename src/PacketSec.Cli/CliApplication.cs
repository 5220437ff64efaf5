using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using PacketSec.Cli.Commands;
using Spectre.Console;

namespace PacketSec.Cli;

/// <summary>The <c>psec</c> tool: its commands, and how an error becomes one line and an exit code.</summary>
internal static class CliApplication
{
    // Channels and endpoints close within half a second; a loaded machine gets more.
    private static readonly TimeSpan ClosingTime = TimeSpan.FromSeconds(5);

    /// <summary>Runs one command line. Ctrl-C and SIGTERM cancel it.</summary>
    /// <param name="args">The arguments without the program's name.</param>
    /// <param name="input">Standard input.</param>
    /// <param name="output">Standard output: results only.</param>
    /// <param name="error">Standard error: one line for each error.</param>
    /// <param name="terminal">Standard output as a terminal; null when it is a file or a pipe.</param>
    /// <param name="time">The clock of the protocol's deadlines and timers; null is the system's.</param>
    /// <param name="closesAtOnce">Leaves the pauses between the copies of a closing message out.</param>
    /// <param name="cancellationToken">Cancels the command.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(
        string[] args,
        TextReader input,
        TextWriter output,
        TextWriter error,
        IAnsiConsole? terminal = null,
        TimeProvider? time = null,
        bool closesAtOnce = false,
        CancellationToken cancellationToken = default)
    {
        var context = new CliContext(input, output, error) { Terminal = terminal, Time = time ?? TimeProvider.System, ClosesAtOnce = closesAtOnce };
        var parsed = CreateRoot(context).Parse(args);

        // Where help is asked for, what else is missing does not matter.
        if (parsed.Action is ParseErrorAction)
        {
            var help = string.Join(' ', NamesUpwards(parsed.CommandResult).Reverse().Append("--help"));
            var problems = string.Join(' ', parsed.Errors.Select(problem => problem.Message));
            error.WriteLine($"psec: {string.Join(' ', problems.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))} See: {help}");
            return ExitCodes.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = output,
                    Error = error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = ClosingTime,
                },
                cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
        catch (CliException failure)
        {
            error.WriteLine($"psec: {failure.Message}");
            return failure.ExitCode;
        }
        catch (PlatformNotSupportedException missing)
        {
            error.WriteLine($"psec: {missing.Message}");
            return ExitCodes.MissingLibrary;
        }
    }

    private static RootCommand CreateRoot(CliContext context)
    {
        var root = CreateCommands(context);
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new ExitCodeHelp((SynchronousCommandLineAction)help.Action!);
        return root;
    }

    private static RootCommand CreateCommands(CliContext context) => new("Authenticated, encrypted datagrams between two peers over UDP.")
    {
        context.Json,
        VersionCommand.Create(context),
        KeygenCommand.Create(context),
        IdCommand.Create(context),
        ConvertCommand.Create(context),
        VectorsCommand.Create(context),
        ListenCommand.Create(context),
        DialCommand.Create(context),
        PingCommand.Create(context),
        SendCommand.Create(context),
        ReceiveCommand.Create(context),
        P2pCommand.Create(context),
        ForwardCommand.Create(context),
        DemoCommand.Create(context),
        TicketCommand.Create(context),
        InspectCommand.Create(context),
        PlotCommand.Create(context),
        BenchCommand.Create(context),
    };

    private static IEnumerable<string> NamesUpwards(CommandResult command)
    {
        for (var current = command; current is not null; current = current.Parent as CommandResult)
        {
            yield return current.Parent is null ? "psec" : current.Command.Name;
        }
    }

    /// <summary>The help of a command; that of <c>psec</c> itself lists the exit codes.</summary>
    private sealed class ExitCodeHelp(SynchronousCommandLineAction help) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var result = help.Invoke(parseResult);
            if (parseResult.CommandResult.Command is RootCommand)
            {
                var output = parseResult.InvocationConfiguration.Output;
                output.WriteLine("Exit codes:");
                foreach (var (code, meaning) in ExitCodes.Meanings)
                {
                    output.WriteLine($"  {code,-4} {meaning}");
                }
            }

            return result;
        }
    }
}
