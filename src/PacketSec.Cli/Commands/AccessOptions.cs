using System.CommandLine;
using PacketSec.Cli.Net;
using PacketSec.Protocol.Identity;

namespace PacketSec.Cli.Commands;

/// <summary>The options of the commands that serve: who is let in.</summary>
internal sealed class AccessOptions
{
    private readonly Option<string[]> _allow = new("--allow")
    {
        Description = "Let this identity in and no other; can be repeated, and combined with --allow-file.",
        HelpName = "PEER",
    };

    private readonly Option<string?> _allowFile = new("--allow-file")
    {
        Description = "Let the identities in that the file lists, one in each line; # begins a comment.",
        HelpName = "FILE",
    };

    public AccessOptions(Command command)
    {
        command.Options.Add(_allow);
        command.Options.Add(_allowFile);
    }

    /// <summary>Returns who is let in; null for everybody.</summary>
    /// <exception cref="CliException">Something is no peer ID, or the file cannot be read.</exception>
    public HashSet<PeerId>? Load(ParseResult parsed) => AccessList.Load(parsed.GetValue(_allow) ?? [], parsed.GetValue(_allowFile));

    /// <summary>Returns what an endpoint asks about each who comes; null where nobody is asked about.</summary>
    public static Func<PeerIdentity, CancellationToken, ValueTask<bool>>? Authorize(HashSet<PeerId>? list)
        => list is null ? null : (identity, _) => ValueTask.FromResult(list.Contains(identity.PeerId));
}
