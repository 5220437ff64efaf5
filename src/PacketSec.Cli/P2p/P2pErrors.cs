using PacketSec.Libp2p;

namespace PacketSec.Cli.P2p;

/// <summary>How the errors of a host become exit codes and lines.</summary>
internal static class P2pErrors
{
    /// <summary>Returns the failure of a call of a host.</summary>
    /// <param name="error">The host's error.</param>
    /// <param name="peer">The other side, for people.</param>
    public static CliException From(Libp2pException error, string peer) => new(ExitCodeOf(error.Error), Describe(error, peer), error);

    private static string Describe(Libp2pException error, string peer) => error.Error switch
    {
        Libp2pError.NoCommonProtocol => $"{peer} does not serve that: {error.Message}",
        Libp2pError.TimedOut => $"{peer} does not answer as a host of libp2p: it must run psec listen --p2p, psec p2p receive, or a host with this transport.",
        Libp2pError.Closed => $"{peer} ended the connection: {error.Message}",
        _ => error.Message,
    };

    private static int ExitCodeOf(Libp2pError error) => error switch
    {
        Libp2pError.UnsupportedAddress or Libp2pError.TooLarge => ExitCodes.Usage,
        Libp2pError.WrongPeer => ExitCodes.WrongIdentity,
        Libp2pError.Refused => ExitCodes.Refused,
        Libp2pError.TimedOut or Libp2pError.DialFailed => ExitCodes.Unreachable,
        Libp2pError.Closed or Libp2pError.StreamReset => ExitCodes.PeerClosed,
        Libp2pError.NoCommonProtocol or Libp2pError.Malformed => ExitCodes.Protocol,
    };
}
