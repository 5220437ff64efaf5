using PacketSec.Cli.Net;

namespace PacketSec.Cli.Tickets;

/// <summary>Folders of tickets as commands use them: each failure is one line that says what to do.</summary>
internal static class TicketFolder
{
    /// <summary>Opens a folder, which is made where there is none. What is wrong with its files goes to standard error.</summary>
    public static FileTicketStore Open(CliContext context, string folder) => FileTicketStore.Open(folder, new ErrorLog(context.Error, verbose: true));

    /// <summary>Opens a folder that there is.</summary>
    public static FileTicketStore OpenExisting(CliContext context, string folder) => Directory.Exists(folder)
        ? Open(context, folder)
        : throw new CliException(ExitCodes.File, $"There is no folder of tickets '{folder}': psec ticket issue makes it.");

    /// <summary>Turns what the store throws into the command's end.</summary>
    public static async Task<T> GuardAsync<T>(string folder, Func<Task<T>> action)
    {
        try
        {
            return await action();
        }
        catch (UnauthorizedAccessException error)
        {
            throw new CliException(ExitCodes.File, error.Message, error);
        }
        catch (IOException error)
        {
            throw new CliException(ExitCodes.File, $"The folder of tickets '{folder}' cannot be used: {error.Message}", error);
        }
    }
}
