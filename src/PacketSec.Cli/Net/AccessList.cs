using PacketSec.Protocol.Identity;

namespace PacketSec.Cli.Net;

/// <summary>The identities that <c>psec listen</c> lets in.</summary>
internal static class AccessList
{
    /// <summary>Reads the list.</summary>
    /// <param name="peers">Peer IDs from the command line.</param>
    /// <param name="file">A file with one peer ID in each line; blank lines, and what follows a #, do not count.</param>
    /// <returns>The list, or null when neither is given: everybody may come then.</returns>
    /// <exception cref="CliException">Something is no peer ID, or the file cannot be read.</exception>
    public static HashSet<PeerId>? Load(string[] peers, string? file)
    {
        if (peers.Length == 0 && file is null)
        {
            return null;
        }

        // A and -A of Ed25519 have the same X25519 form: who knows the key of one knows that of the other.
        var list = new HashSet<PeerId>(PeerId.AccessListComparer);
        foreach (var text in peers)
        {
            list.Add(PeerId.TryParse(text, out var id)
                ? id
                : throw new CliException(ExitCodes.Usage, $"--allow '{text}' is no peer ID: it looks like 12D3KooW..., as psec id prints it."));
        }

        var lines = file is null ? [] : ReadLines(file);
        for (var i = 0; i < lines.Length; i++)
        {
            var text = lines[i].Split('#')[0].Trim();
            if (text.Length > 0)
            {
                list.Add(PeerId.TryParse(text, out var id)
                    ? id
                    : throw new CliException(
                        ExitCodes.File, $"'{file}', line {i + 1}: '{text}' is no peer ID; it looks like 12D3KooW..., as psec id prints it."));
            }
        }

        return list;
    }

    private static string[] ReadLines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCodes.File, $"The access list cannot be read: {error.Message}", error);
        }
    }
}
