namespace PacketSec.Libp2p.Addresses;

/// <summary>The components that a <see cref="Multiaddress"/> may have; the number of each is its code in the binary form.</summary>
public enum MultiaddressProtocol
{
    /// <summary>An IPv4 address.</summary>
    Ip4 = 4,

    /// <summary>An IPv6 address, without a zone.</summary>
    Ip6 = 41,

    /// <summary>A name that is resolved to addresses of either family.</summary>
    Dns = 53,

    /// <summary>A name that is resolved to IPv4 addresses.</summary>
    Dns4 = 54,

    /// <summary>A name that is resolved to IPv6 addresses.</summary>
    Dns6 = 55,

    /// <summary>A UDP port.</summary>
    Udp = 273,

    /// <summary>A peer ID.</summary>
    P2p = 421,

    /// <summary>PSEC over what stands before it; it has no value.</summary>
    Psec = 0x300001,

    /// <summary>A scheme of PSEC that the peer is to be dialled by.</summary>
    PsecScheme = 0x300002,
}
