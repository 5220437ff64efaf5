using PacketSec.Cli;
using Spectre.Console;

IAnsiConsole? terminal = null;
if (!Console.IsOutputRedirected)
{
    // The terminal folds long lines itself; folded here, an address that is copied would have a line end in it.
    const int UnfoldedWidth = 4096;
    terminal = AnsiConsole.Console;
    terminal.Profile.Width = UnfoldedWidth;
}

return await CliApplication.RunAsync(args, Console.In, Console.Out, Console.Error, terminal);
