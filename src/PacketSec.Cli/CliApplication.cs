using System.CommandLine;
using System.CommandLine.Parsing;
using PacketSec.Cli.Commands;

namespace PacketSec.Cli;

/// <summary>The <c>psec</c> tool: its commands, and how an error becomes one line and an exit code.</summary>
internal static class CliApplication
{
    /// <summary>Runs one command line. Ctrl-C and SIGTERM cancel it.</summary>
    /// <param name="args">The arguments without the program's name.</param>
    /// <param name="input">Standard input.</param>
    /// <param name="output">Standard output: results only.</param>
    /// <param name="error">Standard error: one line for each error.</param>
    /// <param name="cancellationToken">Cancels the command.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(
        string[] args, TextReader input, TextWriter output, TextWriter error, CancellationToken cancellationToken = default)
    {
        var parsed = CreateRoot(new CliContext(input, output, error)).Parse(args);
        if (parsed.Errors.Count > 0)
        {
            var help = string.Join(' ', NamesUpwards(parsed.CommandResult).Reverse().Append("--help"));
            var problems = string.Join(' ', parsed.Errors.Select(problem => problem.Message));
            error.WriteLine($"psec: {string.Join(' ', problems.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))} See: {help}");
            return ExitCodes.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(
                new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false }, cancellationToken);
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

    private static RootCommand CreateRoot(CliContext context) => new("Authenticated, encrypted datagrams between two peers over UDP.")
    {
        context.Json,
        VersionCommand.Create(context),
        KeygenCommand.Create(context),
        IdCommand.Create(context),
        ConvertCommand.Create(context),
        VectorsCommand.Create(context),
    };

    private static IEnumerable<string> NamesUpwards(CommandResult command)
    {
        for (var current = command; current is not null; current = current.Parent as CommandResult)
        {
            yield return current.Parent is null ? "psec" : current.Command.Name;
        }
    }
}
