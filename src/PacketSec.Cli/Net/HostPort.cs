using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PacketSec.Cli.Net;

/// <summary>A host and a port as people write them: <c>192.0.2.1:4001</c>, <c>[2001:db8::1]:4001</c> or <c>peer.example:4001</c>.</summary>
/// <param name="Host">The name, or the address without brackets.</param>
/// <param name="Address">The address; null when the host is a name.</param>
/// <param name="Port">The port, 0 to 65535.</param>
internal sealed record HostPort(string Host, IPAddress? Address, int Port)
{
    /// <summary>Reads a host and a port.</summary>
    /// <param name="text">The text.</param>
    /// <param name="value">The host and port.</param>
    /// <param name="problem">A sentence that says what is wrong and what to write.</param>
    /// <returns>Whether the text is one.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out HostPort? value, [NotNullWhen(false)] out string? problem)
    {
        value = null;
        problem = null;
        var colon = text.LastIndexOf(':');
        if (colon < 0 || text.EndsWith(']'))
        {
            problem = $"'{text}' has no port: write host:port.";
            return false;
        }

        var (host, digits) = (text[..colon], text[(colon + 1)..]);
        if (!ushort.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            problem = $"'{digits}' is no port: write a number up to 65535.";
            return false;
        }

        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
            if (IPAddress.TryParse(host, out var v6) && v6.AddressFamily == AddressFamily.InterNetworkV6)
            {
                value = new(host, v6, port);
                return true;
            }

            problem = $"'{host}' is no IPv6 address.";
        }
        else if (host.Contains(':', StringComparison.Ordinal))
        {
            problem = $"'{text}' is not clear: write an IPv6 address in brackets, as in [2001:db8::1]:4001.";
        }
        else if (IPAddress.TryParse(host, out var v4))
        {
            // "127.1" and "2130706433" are addresses to the system, and mistakes here.
            if (v4.ToString() == host)
            {
                value = new(host, v4, port);
                return true;
            }

            problem = $"'{host}' is no IPv4 address of four numbers.";
        }
        else if (Uri.CheckHostName(host) == UriHostNameType.Dns)
        {
            value = new(host, null, port);
            return true;
        }
        else
        {
            problem = $"'{host}' is no host name and no address.";
        }

        return false;
    }
}
