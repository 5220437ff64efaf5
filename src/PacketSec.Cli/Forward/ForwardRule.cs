using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using PacketSec.Cli.Net;

namespace PacketSec.Cli.Forward;

/// <summary>A forwarding as the command line has it: <c>[BIND:]PORT:HOST:PORT</c>.</summary>
/// <param name="Bind">Where the port is opened.</param>
/// <param name="Port">The port; 0 lets the system choose.</param>
/// <param name="Host">The target's host, without brackets.</param>
/// <param name="TargetPort">The target's port.</param>
internal sealed record ForwardRule(IPAddress Bind, int Port, string Host, int TargetPort)
{
    /// <summary>Gets whether datagrams are forwarded, and not connections.</summary>
    public bool IsUdp { get; init; }

    /// <summary>Gets whether the peer opens the port, and this side connects to the target.</summary>
    public bool IsRemote { get; init; }

    /// <summary>Gets the target, for people.</summary>
    public string Target => $"{(Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host)}:{TargetPort}";

    /// <summary>Gets the target's protocol, for people.</summary>
    public string Protocol => IsUdp ? "UDP" : "TCP";

    /// <summary>Reads a rule.</summary>
    /// <param name="text">The text.</param>
    /// <param name="rule">The rule.</param>
    /// <param name="problem">A sentence that says what is wrong and what to write.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out ForwardRule? rule, [NotNullWhen(false)] out string? problem)
    {
        rule = null;
        problem = null;
        var parts = Split(text);
        if (parts.Count is not (3 or 4))
        {
            problem = $"'{text}' is no forwarding: write [BIND:]PORT:HOST:PORT, an IPv6 address in brackets.";
            return false;
        }

        var bind = IPAddress.Loopback;
        if (parts.Count == 4 && parts[0] != "localhost" && !IPAddress.TryParse(parts[0].Trim('[', ']'), out bind))
        {
            problem = $"'{parts[0]}' is no address to open a port on: write an IP address or localhost.";
            return false;
        }

        if (!ushort.TryParse(parts[^3], NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            problem = $"'{parts[^3]}' is no port: write a number up to 65535.";
            return false;
        }

        if (!TryParseTarget($"{parts[^2]}:{parts[^1]}", out var target, out problem))
        {
            return false;
        }

        rule = new(bind ?? IPAddress.Loopback, port, target.Host, target.Port);
        return true;
    }

    /// <summary>Reads a target.</summary>
    public static bool TryParseTarget(string text, [NotNullWhen(true)] out HostPort? target, [NotNullWhen(false)] out string? problem)
    {
        if (!HostPort.TryParse(text, out target, out problem))
        {
            return false;
        }

        if (target.Port == 0 || !ForwardRequest.IsHost(target.Host))
        {
            problem = $"'{text}' is no target: write a host and a port that is not 0; an address has no zone.";
            return false;
        }

        return true;
    }

    /// <summary>Returns what asks the far side for a connection, or a flow, of this rule.</summary>
    public ForwardRequest ToConnect() => new(IsUdp ? ForwardKind.ConnectUdp : ForwardKind.ConnectTcp, Host, TargetPort);

    /// <summary>Returns what asks the peer to open the port.</summary>
    public ForwardRequest ToListen() => new(IsUdp ? ForwardKind.ListenUdp : ForwardKind.ListenTcp, Bind.ToString(), Port);

    private static List<string> Split(string text)
    {
        var parts = new List<string>();
        var (start, depth) = (0, 0);
        for (var i = 0; i < text.Length; i++)
        {
            depth += text[i] switch { '[' => 1, ']' => -1, _ => 0 };
            if (text[i] == ':' && depth == 0)
            {
                parts.Add(text[start..i]);
                start = i + 1;
            }
        }

        parts.Add(text[start..]);
        return parts;
    }
}
