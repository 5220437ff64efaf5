using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using PacketSec.Crypto;
using PacketSec.Libp2p.Addresses;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Cli.Net;

/// <summary>Who to dial and where: <c>PEER@host:port</c>, or a multiaddress as <c>spec/libp2p.md</c> has them.</summary>
/// <param name="Peer">The expected identity.</param>
/// <param name="Location">Where it is.</param>
internal sealed record PeerAddress(PeerId Peer, HostPort Location)
{
    /// <summary>Gets the schemes that the address pins: one is dialled directly, several are what is proposed; none leaves it to the command.</summary>
    public IReadOnlyList<string> Schemes { get; init; } = [];

    /// <summary>Gets the family of addresses that the host's name stands for; null is any.</summary>
    public AddressFamily? Family { get; init; }

    /// <summary>Reads an address.</summary>
    /// <param name="text">The text.</param>
    /// <param name="address">The address.</param>
    /// <param name="problem">A sentence that says what is wrong and what to write.</param>
    /// <returns>Whether the text is one.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out PeerAddress? address, [NotNullWhen(false)] out string? problem)
    {
        address = null;
        if (text.StartsWith('/'))
        {
            return TryParseMultiaddress(text, out address, out problem);
        }

        var at = text.IndexOf('@', StringComparison.Ordinal);
        if (at < 0)
        {
            problem = $"'{text}' names no identity: write PEER@host:port, where PEER is what psec id prints for the peer's key, or a multiaddress.";
            return false;
        }

        if (!PeerId.TryParse(text.AsSpan(0, at), out var peer))
        {
            problem = $"'{text[..at]}' is no peer ID: it looks like 12D3KooW..., as psec id prints it.";
            return false;
        }

        if (!HostPort.TryParse(text[(at + 1)..], out var location, out problem))
        {
            return false;
        }

        if (location.Port == 0)
        {
            problem = "Port 0 is nobody's: write the port that the peer listens on.";
            return false;
        }

        address = new(peer, location);
        return true;
    }

    /// <summary>Returns where to dial a peer: where the caller says; else where the ticket says, the first choice first.</summary>
    /// <param name="given">What the caller says.</param>
    /// <param name="ticket">The ticket to dial by; null only where the caller says.</param>
    /// <exception cref="CliException">Neither says it.</exception>
    public static IReadOnlyList<PeerAddress> AllOf(PeerAddress? given, Ticket? ticket)
    {
        if (given is not null)
        {
            return [given];
        }

        var peer = PeerId.FromPublicKey(ticket!.SiteKey, CryptoProvider.Default);
        return ticket.Addresses.Count > 0
            ? [.. ticket.Addresses.Select(address => TryParse($"{peer}@{address}", out var parsed, out var problem) ? parsed : throw new CliException(ExitCodes.File, problem))]
            : throw new CliException(ExitCodes.Usage, $"The ticket names no address: ask its issuer where to dial, and write {peer}@host:port.");
    }

    /// <summary>Returns how to dial it: as the address pins, and otherwise as the command line says.</summary>
    /// <param name="options">What the command line says.</param>
    /// <exception cref="CliException">They contradict each other.</exception>
    public PacketSecConnectOptions Pin(PacketSecConnectOptions options)
    {
        if (Schemes.Count == 0)
        {
            return options;
        }

        if (options.DirectScheme is not null && (Schemes.Count > 1 || Schemes[0] != options.DirectScheme))
        {
            throw new CliException(ExitCodes.Usage, $"The address pins {string.Join(", ", Schemes)}: leave --direct {options.DirectScheme} out.");
        }

        if (Schemes.Count > 1)
        {
            return options with { Schemes = Schemes };
        }

        return options.HidePeerId == true
            ? throw new CliException(ExitCodes.Usage, $"The address pins {Schemes[0]}, which is dialled without a proposal to hide in: leave --hidden out.")
            : options with { DirectScheme = Schemes[0] };
    }

    /// <summary>Returns the address as a multiaddress.</summary>
    public Multiaddress ToMultiaddress()
    {
        var kind = Location.Address is { } ip
            ? ip.AddressFamily == AddressFamily.InterNetwork ? "ip4" : "ip6"
            : Family switch { AddressFamily.InterNetwork => "dns4", AddressFamily.InterNetworkV6 => "dns6", _ => "dns" };
        var pins = string.Concat(Schemes.Select(scheme => $"/psec-scheme/{scheme}"));
        return Multiaddress.Parse($"/{kind}/{Location.Host}/udp/{Location.Port}/psec{pins}/p2p/{Peer}");
    }

    /// <summary>Looks the host up.</summary>
    /// <param name="local">The address that the dialling socket is bound to.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The addresses that the socket can reach, at least one, in the order in which to try them.</returns>
    /// <exception cref="CliException">There are none.</exception>
    public async Task<IReadOnlyList<IPEndPoint>> ResolveAsync(IPAddress local, CancellationToken cancellationToken)
    {
        IPAddress[] found;
        try
        {
            found = Location.Address is { } literal
                ? [literal]
                : await Dns.GetHostAddressesAsync(Location.Host, Family ?? AddressFamily.Unspecified, cancellationToken);
        }
        catch (SocketException error)
        {
            throw new CliException(
                ExitCodes.Unreachable,
                $"The host name '{Location.Host}' cannot be looked up ({error.Message}): check its spelling, or write the address.",
                error);
        }

        // [::] reaches both families, any other address its own.
        var isDual = local.Equals(IPAddress.IPv6Any);
        IPEndPoint[] reachable =
        [
            .. found.Where(address => isDual || address.AddressFamily == local.AddressFamily).Distinct()
                .Select(address => new IPEndPoint(address, Location.Port)),
        ];
        return reachable.Length > 0
            ? reachable
            : throw new CliException(
                ExitCodes.Unreachable,
                $"'{Location.Host}' cannot be reached from {local}, which is of the other address family: bind [::]:0 for both.");
    }

    public override string ToString() => Location.Address?.AddressFamily == AddressFamily.InterNetworkV6
        ? $"{Peer}@[{Location.Host}]:{Location.Port}"
        : $"{Peer}@{Location.Host}:{Location.Port}";

    private static bool TryParseMultiaddress(string text, [NotNullWhen(true)] out PeerAddress? address, [NotNullWhen(false)] out string? problem)
    {
        address = null;
        if (!Multiaddress.TryParse(text, out var parsed, out problem))
        {
            problem = $"'{text}' is no multiaddress: {problem}";
            return false;
        }

        if (!PsecTarget.TryFrom(parsed, out var target) || target.Port == 0)
        {
            problem = $"'{text}' is no address to dial: write /ip4|ip6|dns|dns4|dns6/HOST/udp/PORT[/psec[/psec-scheme/SCHEME]...]/p2p/PEER.";
            return false;
        }

        if (target.Peer is not { } peer)
        {
            problem = $"'{text}' names no identity: put /p2p/ and the peer ID behind it.";
            return false;
        }

        if (target.Schemes.FirstOrDefault(scheme => !SchemeCatalogue.Default.Names.Contains(scheme)) is { } unknown)
        {
            problem = $"No scheme is named '{unknown}'; there is: {string.Join(", ", SchemeCatalogue.Default.Names)}.";
            return false;
        }

        AddressFamily? family = target.HostKind switch
        {
            MultiaddressProtocol.Dns4 => AddressFamily.InterNetwork,
            MultiaddressProtocol.Dns6 => AddressFamily.InterNetworkV6,
            _ => null,
        };
        var literal = target.HostKind is MultiaddressProtocol.Ip4 or MultiaddressProtocol.Ip6 ? IPAddress.Parse(target.Host) : null;
        address = new(peer, new(target.Host, literal, target.Port)) { Schemes = target.Schemes, Family = family };
        return true;
    }
}
