using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Cli.Tickets;

/// <summary>A file whose first line is the text or the link of a ticket, such as what <c>psec ticket issue</c> prints: on a command line it would show to all users of the machine.</summary>
internal static class TicketFile
{
    // Longer than any ticket's link, and short enough to read.
    private const int MaxSize = 16 * 1024;

    /// <summary>Reads a ticket, which the caller disposes.</summary>
    /// <exception cref="CliException">The file cannot be read, or holds no ticket.</exception>
    public static Ticket Read(string file)
    {
        try
        {
            using var reader = new StreamReader(file);
            var text = new char[MaxSize];
            var content = text.AsSpan(0, reader.ReadBlock(text)).TrimStart();
            var end = content.IndexOfAny('\r', '\n');
            var isTicket = Ticket.TryParse(end < 0 ? content : content[..end], out var ticket, out var problem);
            Array.Clear(text);
            return isTicket ? ticket! : throw new CliException(ExitCodes.File, $"'{file}' holds no ticket: {problem}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCodes.File, $"The ticket '{file}' cannot be read: {error.Message}", error);
        }
    }
}
