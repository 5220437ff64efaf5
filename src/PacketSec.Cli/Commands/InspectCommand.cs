using System.CommandLine;
using System.Text;
using PacketSec.Cli.Inspect;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec inspect</c>: says what datagrams are, without keys.</summary>
internal static class InspectCommand
{
    private const string StandardInput = "-";

    public static Command Create(CliContext context)
    {
        var sources = new Argument<string[]>("FILE|-|HEX")
        {
            Description = "Capture files (pcap, pcapng), files with one datagram in hexadecimal on each line, - for standard input (the default), or "
                + "datagrams in hexadecimal.",
            DefaultValueFactory = _ => [StandardInput],
        };
        var port = new Option<int[]>("--port")
        {
            Description = "In captures look at this UDP port only; can be repeated. Without it, at all of them.",
            HelpName = "N",
        };
        port.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int[]>() is { } numbers && numbers.Any(number => number is < 1 or > ushort.MaxValue))
            {
                result.AddError($"--port takes 1 to {ushort.MaxValue}.");
            }
        });
        var command = new Command("inspect", "Say what datagrams are: PSEC frames, handshake messages, sealed packets. No keys are needed or used.")
        {
            sources, port,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var names = parsed.GetValue(sources) ?? [];
            var run = new InspectRun(
                new Reporter(context, parsed.GetValue(context.Json)), (parsed.GetValue(port) ?? []).ToHashSet(), names.Length > 1, cancellationToken);

            // Reading from a terminal or a pipe cannot be cancelled; it is left behind.
            await Task.Run(() => ReadAll(context, run, names), cancellationToken).WaitAsync(cancellationToken);
            return run.ExitCode;
        });
        return command;
    }

    private static void ReadAll(CliContext context, InspectRun run, string[] names)
    {
        for (var i = 0; i < names.Length; i++)
        {
            if (names[i] == StandardInput)
            {
                Guard(StandardInput, () => run.ReadFile(StandardInput, OpenInput(context)));
            }
            else if (!Path.Exists(names[i]))
            {
                run.Read(i + 1, ParseArgument(names[i]));
            }
            else
            {
                var name = names[i];
                Guard(name, () =>
                {
                    using var file = new FileStream(name, new FileStreamOptions { BufferSize = 0 });
                    run.ReadFile(name, file);
                });
            }
        }
    }

    private static byte[] ParseArgument(string text)
        => HexText.Parse(Encoding.UTF8.GetBytes(text), out var datagram) is { } problem
            ? throw new CliException(ExitCodes.File, $"There is no file '{text}', and as a datagram in hexadecimal {problem}.")
            : datagram;

    // Captures are no text. Tests hand over readers of either kind.
    private static Stream OpenInput(CliContext context)
        => ReferenceEquals(context.Input, Console.In) ? Console.OpenStandardInput()
            : context.Input is StreamReader reader ? reader.BaseStream
            : new MemoryStream(Encoding.UTF8.GetBytes(context.Input.ReadToEnd()));

    private static void Guard(string name, Action read)
    {
        try
        {
            read();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCodes.File, $"'{name}' cannot be read: {error.Message}", error);
        }
    }
}
