namespace PacketSec.Libp2p.Addresses;

/// <summary>One component of a <see cref="Multiaddress"/>.</summary>
/// <param name="Protocol">What it is.</param>
/// <param name="Value">Its value as canonical text; empty where it has none.</param>
public readonly record struct MultiaddressComponent(MultiaddressProtocol Protocol, string Value);
