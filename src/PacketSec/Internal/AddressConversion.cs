using PacketSec.Protocol;
using PacketSec.Udp;

namespace PacketSec.Internal;

/// <summary>Between the address of the sockets and that of the core, which do not know each other.</summary>
internal static class AddressConversion
{
    public static NetworkAddress ToNetworkAddress(this in UdpAddress address) => new(address.Bits, address.Port, address.ScopeId);

    public static UdpAddress ToUdpAddress(this in NetworkAddress address) => UdpAddress.FromBits(address.Address, address.Port, address.ScopeId);
}
