using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.P2pke;

namespace PacketSec.Cli.Net;

/// <summary>How the library's errors become exit codes and lines.</summary>
internal static class Failures
{
    /// <summary>Returns the failure of a call of the library.</summary>
    public static CliException From(PacketSecException error) => new(ExitCodeOf(error.Error), error.Message, error);

    /// <summary>Returns the failure of a dial, with what may be wrong in how it agrees on a scheme.</summary>
    /// <param name="error">The library's error.</param>
    /// <param name="peer">Who was dialled.</param>
    /// <param name="direct">The scheme that was dialled without negotiation; null where one was negotiated.</param>
    /// <param name="schemes">What was proposed otherwise.</param>
    public static CliException OfDial(PacketSecException error, PeerId peer, string? direct, IReadOnlyList<string> schemes) => new(
        ExitCodeOf(error.Error),
        error.Error switch
        {
            PacketSecError.TimedOut when SchemeCatalogue.Default.HidesAll(direct is null ? schemes : [direct])
                => $"{error.Message} With a scheme that hides identities a wrong peer ID, network key or way to agree on the scheme, and a refusal, look the same.",
            PacketSecError.TimedOut when direct is not null
                => $"{error.Message} It must also serve {direct} directly (psec listen --direct {direct}); if it negotiates, dial without --direct.",
            PacketSecError.TimedOut => $"{error.Message} If it is one that does not negotiate, dial with --direct {P2pkeScheme.SchemeName}.",
            PacketSecError.NoCommonScheme
                => $"{peer} accepts none of the schemes proposed: name one that it serves by --scheme, or by --direct if it does not negotiate, or ask its operator.",
            _ => error.Message,
        },
        error);

    /// <summary>Returns the failure of a command whose channel ended early.</summary>
    public static CliException Ended(PacketSecError reason, PeerId peer) => new(ExitCodeOf(reason), Describe(reason, peer));

    private static string Describe(PacketSecError reason, PeerId peer) => reason switch
    {
        PacketSecError.Refused => $"{peer} refused the channel: ask its operator to allow this side's peer ID.",
        PacketSecError.NoCommonScheme => $"{peer} and this side have no scheme in common any more: compare what both serve and propose (--scheme).",
        PacketSecError.WrongIdentity => $"Another identity took the place of {peer}: if the peer has a new key, dial its new peer ID.",
        PacketSecError.TimedOut => $"{peer} did not answer: check that it runs and that no firewall drops its UDP.",
        PacketSecError.PeerClosed => $"{peer} closed the channel: dial again if there is more to say.",
        PacketSecError.IdleTimeout => $"{peer} has gone: check that it runs, and dial again.",
        PacketSecError.ProtocolViolation => $"{peer} broke the protocol: compare the versions of both sides.",
        PacketSecError.EndpointClosed => "The local endpoint failed: --verbose tells why.",
        PacketSecError.TooLarge => "A datagram is too large.",
    };

    private static int ExitCodeOf(PacketSecError error) => error switch
    {
        PacketSecError.Refused => ExitCodes.Refused,
        PacketSecError.NoCommonScheme or PacketSecError.ProtocolViolation => ExitCodes.Protocol,
        PacketSecError.WrongIdentity => ExitCodes.WrongIdentity,
        PacketSecError.TimedOut or PacketSecError.IdleTimeout => ExitCodes.Unreachable,
        PacketSecError.PeerClosed => ExitCodes.PeerClosed,
        PacketSecError.EndpointClosed => ExitCodes.Failed,
        PacketSecError.TooLarge => ExitCodes.Usage,
    };
}
