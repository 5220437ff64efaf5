using System.Net;
using PacketSec.Protocol;

namespace PacketSec.Simulation.Network;

/// <summary>Makes addresses for simulations.</summary>
public static class Addresses
{
    /// <summary>Parses a text such as <c>10.0.0.1:4001</c> or <c>[2001:db8::1]:4001</c>.</summary>
    public static NetworkAddress Parse(string text) => NetworkAddress.FromEndPoint(IPEndPoint.Parse(text));

    /// <summary>Returns an IPv4 address by its number: 10.x.y.z.</summary>
    public static NetworkAddress Host(int number, ushort port = 4001)
        => NetworkAddress.FromEndPoint(new(new IPAddress([10, (byte)((number >> 16) & 0xFF), (byte)((number >> 8) & 0xFF), (byte)(number & 0xFF)]), port));
}
