using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PacketSec.Hosting;

/// <summary>
/// How a host's endpoint is made. All but <see cref="Identity"/> and <see cref="Endpoint"/> can come from a configuration. Checked when the host starts,
/// and read once.
/// </summary>
public sealed class PacketSecHostOptions
{
    /// <summary>
    /// Gets or sets the file of the own key, in any format that <see cref="PacketSecIdentity.Load"/> reads. Where there is none it is made; its folder
    /// exists. Either this or <see cref="Identity"/> is set.
    /// </summary>
    public string? KeyFile { get; set; }

    /// <summary>Gets or sets the own identity, for keys that are in no file. The application disposes it, after the host.</summary>
    public PacketSecIdentity? Identity { get; set; }

    /// <summary>
    /// Gets or sets the address and port to bind, such as <c>[::]:4001</c> or <c>192.0.2.1:4001</c>. The default, <c>[::]:0</c>, serves IPv6 and IPv4 at
    /// a port that the system chooses.
    /// </summary>
    public string Bind { get; set; } = "[::]:0";

    /// <summary>Gets or sets the schemes, as <see cref="PacketSecEndpointOptions.Schemes"/>; null, the default, is that one's default.</summary>
    public IReadOnlyList<string>? Schemes { get; set; }

    /// <summary>Gets or sets the scheme that is served without negotiation, as <see cref="PacketSecEndpointOptions.DirectScheme"/>; null is none.</summary>
    public string? DirectScheme { get; set; }

    /// <summary>
    /// Gets or sets a value indicating whether schemes that hide identities may be served beside others, as
    /// <see cref="PacketSecEndpointOptions.AllowSchemeMixture"/>.
    /// </summary>
    public bool AllowSchemeMixture { get; set; }

    /// <summary>Gets or sets the silence after which an empty packet goes out, as <see cref="PacketSecEndpointOptions.Keepalive"/>; null is never.</summary>
    public TimeSpan? Keepalive { get; set; }

    /// <summary>
    /// Gets or sets how many channels others may have open at once, and so how many handlers run, as
    /// <see cref="PacketSecEndpointOptions.InboundChannels"/>; null, the default, is that one's default.
    /// </summary>
    public int? InboundChannels { get; set; }

    /// <summary>
    /// Gets or sets the last word on the endpoint's options, for all that has no name here: <c>endpoint => endpoint with { Authorize = … }</c>. Called
    /// once, when the endpoint is bound; null changes nothing.
    /// </summary>
    public Func<PacketSecEndpointOptions, PacketSecEndpointOptions>? Endpoint { get; set; }

    /// <summary>Returns what is said here, but for <see cref="Endpoint"/>, as an endpoint's options.</summary>
    internal PacketSecEndpointOptions ToEndpointOptions(PacketSecIdentity identity, IPEndPoint localEndPoint)
    {
        var options = new PacketSecEndpointOptions
        {
            Identity = identity,
            LocalEndPoint = localEndPoint,
            DirectScheme = DirectScheme,
            AllowSchemeMixture = AllowSchemeMixture,
            Keepalive = Keepalive,
        };
        return options with
        {
            Schemes = Schemes ?? options.Schemes,
            InboundChannels = InboundChannels ?? options.InboundChannels,
        };
    }

    // The platform's parser takes "4001" for the address 0.0.15.161, and an address alone for one with port 0.
    internal static IPEndPoint? ParseAddress(string? text)
        => IPEndPoint.TryParse(text ?? "", out var address)
            && text!.EndsWith(string.Create(CultureInfo.InvariantCulture, $":{address.Port}"), StringComparison.Ordinal)
            && (address.AddressFamily == AddressFamily.InterNetwork || text.StartsWith('['))
            ? address
            : null;
}
