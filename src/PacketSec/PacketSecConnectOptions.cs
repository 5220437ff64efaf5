using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec;

/// <summary>How one dial agrees on a scheme. What is not said is as the endpoint's options have it.</summary>
public sealed record PacketSecConnectOptions
{
    /// <summary>Gets the schemes to propose, the first choice first; null proposes those that the endpoint serves.</summary>
    public IReadOnlyList<string>? Schemes { get; init; }

    /// <summary>
    /// Gets the scheme that the peer is known to serve without negotiation; then nothing is proposed. Null negotiates, unless the endpoint has no
    /// <see cref="PacketSecEndpointOptions.Schemes"/> and only a <see cref="PacketSecEndpointOptions.DirectScheme"/>.
    /// </summary>
    public string? DirectScheme { get; init; }

    /// <summary>
    /// Gets a value indicating whether the proposal hides the own peer ID. All of its schemes must hide identities; null, the default, hides it where
    /// they all do.
    /// </summary>
    public bool? HidePeerId { get; init; }

    /// <summary>Gets a value indicating whether the proposal carries the first packet of the first scheme, which saves a round trip.</summary>
    public bool EmbedFirstPacket { get; init; } = true;

    /// <summary>Gets a value indicating whether schemes that hide identities may be proposed beside others: an attacker then chooses.</summary>
    public bool AllowSchemeMixture { get; init; }

    /// <summary>Gets a ticket of the site that is dialled, for <c>mychips-1</c>; null without one. Copied by the dial: the caller disposes its own.</summary>
    public Ticket? Ticket { get; init; }

    /// <summary>Returns the proposal, or null for direct mode.</summary>
    /// <exception cref="ArgumentException">The options contradict each other, or name what is unknown.</exception>
    /// <exception cref="PacketSecException">No scheme is left to talk by.</exception>
    internal ProposalOptions? ToProposal(PacketSecEndpointOptions endpoint)
    {
        if (DirectScheme is not null)
        {
            if (Schemes is not null || HidePeerId == true)
            {
                throw new ArgumentException("A direct dial negotiates nothing: leave Schemes and HidePeerId out, or DirectScheme.");
            }

            endpoint.Catalogue.CheckServed([], DirectScheme, allowMixture: true);
            return null;
        }

        var schemes = Schemes ?? endpoint.Schemes;
        if (schemes.Count == 0 && Schemes is null)
        {
            return endpoint.DirectScheme is not null
                ? null
                : throw new PacketSecException(
                    PacketSecError.NoCommonScheme, "No scheme is left to talk by: set Schemes or DirectScheme in the endpoint's or the dial's options.");
        }

        var proposal = new ProposalOptions
        {
            // The list is the caller's, and is looked at whenever the channel starts over.
            Schemes = [.. schemes],
            HidePeerId = HidePeerId ?? endpoint.Catalogue.HidesAll(schemes),
            EmbedFirstPacket = EmbedFirstPacket,
            AllowMixture = AllowSchemeMixture || (Schemes is null && endpoint.AllowSchemeMixture),
        };
        endpoint.Catalogue.CheckProposal(proposal);
        return proposal;
    }
}
