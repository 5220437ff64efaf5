using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using PacketSec.Libp2p.Addresses;
using PacketSec.Protocol.Identity;

namespace PacketSec.Cli.Net;

/// <summary>The multiaddresses at which a listener can be dialled.</summary>
internal static class ListenAddresses
{
    /// <summary>Returns them: of the machine's unicast addresses where the socket is bound to all, those of the loopback interface last.</summary>
    /// <param name="local">What the socket is bound to.</param>
    /// <param name="peer">Who listens.</param>
    /// <param name="direct">The scheme that is served directly: its addresses pin it, behind those that negotiate; null for none.</param>
    public static IReadOnlyList<Multiaddress> Of(IPEndPoint local, PeerId peer, string? direct)
    {
        var plain = Expand(local.Address).Select(address => Multiaddress.FromEndPoint(new(address, local.Port))).ToList();
        var pinned = direct is null ? [] : plain.Select(address => Multiaddress.Parse($"{address}/psec-scheme/{direct}"));
        return [.. plain.Concat(pinned).Select(address => address.WithPeer(peer))];
    }

    private static IEnumerable<IPAddress> Expand(IPAddress bound)
    {
        var isDual = bound.Equals(IPAddress.IPv6Any);
        if (!isDual && !bound.Equals(IPAddress.Any))
        {
            return [bound];
        }

        // A link-local address means something on its link only, and multiaddresses have no zone.
        return NetworkInterface.GetAllNetworkInterfaces()
            .Where(card => card.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown)
            .SelectMany(card => card.GetIPProperties().UnicastAddresses)
            .Select(unicast => unicast.Address)
            .Where(address => address.AddressFamily == AddressFamily.InterNetwork || (isDual && !address.IsIPv6LinkLocal))
            .Distinct()
            .OrderBy(IPAddress.IsLoopback)
            .ThenBy(address => address.AddressFamily);
    }
}
