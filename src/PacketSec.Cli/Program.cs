using PacketSec.Cli;
using Spectre.Console;

var terminal = Console.IsOutputRedirected ? null : AnsiConsole.Console;
return await CliApplication.RunAsync(args, Console.In, Console.Out, Console.Error, terminal);
