using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using PacketSec.Protocol.Identity;

namespace PacketSec.Libp2p.Addresses;

/// <summary>What an address means to the transport over PSEC.</summary>
/// <param name="Host">The IP address or the name.</param>
/// <param name="HostKind">Which of them.</param>
/// <param name="Port">The UDP port.</param>
/// <param name="Peer">The peer, where the address names one.</param>
/// <param name="Schemes">The schemes that it pins; empty where it pins none.</param>
internal sealed record PsecTarget(string Host, MultiaddressProtocol HostKind, int Port, PeerId? Peer, IReadOnlyList<string> Schemes)
{
    /// <summary>Reads an address.</summary>
    /// <param name="address">The address.</param>
    /// <param name="target">What it means.</param>
    //= spec/libp2p.md#address-form
    public static bool TryFrom(Multiaddress address, [NotNullWhen(true)] out PsecTarget? target)
    {
        target = null;
        var components = address.Components;
        if (components.Count < 2 || components[1].Protocol != MultiaddressProtocol.Udp || !IsHost(components[0].Protocol))
        {
            return false;
        }

        var next = 2;
        var schemes = new List<string>();
        if (next < components.Count && components[next].Protocol == MultiaddressProtocol.Psec)
        {
            for (next++; next < components.Count && components[next].Protocol == MultiaddressProtocol.PsecScheme; next++)
            {
                if (schemes.Contains(components[next].Value))
                {
                    return false;
                }

                schemes.Add(components[next].Value);
            }
        }

        var peer = address.PeerId;
        if (next + (peer is null ? 0 : 1) != components.Count)
        {
            return false;
        }

        var port = int.Parse(components[1].Value, CultureInfo.InvariantCulture);
        target = new(components[0].Value, components[0].Protocol, port, peer, schemes);
        return true;
    }

    private static bool IsHost(MultiaddressProtocol protocol)
        => protocol is MultiaddressProtocol.Ip4 or MultiaddressProtocol.Ip6
            or MultiaddressProtocol.Dns or MultiaddressProtocol.Dns4 or MultiaddressProtocol.Dns6;
}
