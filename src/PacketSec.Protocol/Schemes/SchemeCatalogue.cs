using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.P2pke;

namespace PacketSec.Protocol.Schemes;

/// <summary>The schemes that there are. A new one is registered here, and lives in a folder of its own.</summary>
internal sealed class SchemeCatalogue(IReadOnlyList<SchemeTraits> schemes)
{
    public static SchemeCatalogue Default { get; } = new([new(P2pkeScheme.Name, HidesIdentity: false)]);

    public IEnumerable<string> Names => schemes.Select(scheme => scheme.Name);

    public bool Hides(string name) => schemes.Any(scheme => scheme.Name == name && scheme.HidesIdentity);

    /// <summary>Checks the schemes that an endpoint serves.</summary>
    /// <exception cref="ArgumentException">One is unknown, or they hide identities and give them away at once.</exception>
    public void CheckServed(IReadOnlyList<string> served, string? direct, bool allowMixture)
    {
        foreach (var name in served)
        {
            CheckKnown(name);
        }

        if (served.Count > ImplementationLimits.Schemes)
        {
            throw new ArgumentException($"An endpoint serves at most {ImplementationLimits.Schemes} schemes; {served.Count} are listed.");
        }

        if (direct is not null)
        {
            CheckKnown(direct);
        }

        //= spec/psec.md#list-mixed
        IReadOnlyList<string> all = direct is null ? served : [.. served, direct];
        if (!allowMixture && IsMixed(all))
        {
            throw new ArgumentException(
                $"The endpoint would serve schemes that hide identities beside others, which show its key to whoever asks: {string.Join(", ", all)}."
                + " Serve only the ones or only the others, or allow the mixture.");
        }
    }

    /// <summary>Checks what a dial proposes.</summary>
    /// <exception cref="ArgumentException">The list is empty, too long or unknown, or mixes what hides identities with what does not.</exception>
    public void CheckProposal(ProposalOptions proposal)
    {
        ArgumentNullException.ThrowIfNull(proposal);
        if (proposal.Schemes is null || proposal.Schemes.Count is 0 or > ImplementationLimits.Schemes)
        {
            throw new ArgumentException($"A proposal lists 1 to {ImplementationLimits.Schemes} schemes.");
        }

        foreach (var name in proposal.Schemes)
        {
            CheckKnown(name);
        }

        //= spec/psec.md#list-hiding
        if (proposal.HidePeerId && proposal.Schemes.FirstOrDefault(name => !Hides(name)) is { } open)
        {
            throw new ArgumentException(
                $"A hidden dial lists only schemes that hide identities, and '{open}' does not: leave it out, or do not hide the peer ID.");
        }

        if (!proposal.AllowMixture && IsMixed(proposal.Schemes))
        {
            throw new ArgumentException(
                $"The dial lists schemes that hide identities beside others, and an attacker would choose: {string.Join(", ", proposal.Schemes)}."
                + " List only the ones or only the others, or allow the mixture.");
        }
    }

    private bool IsMixed(IReadOnlyList<string> names) => names.Any(Hides) && !names.All(Hides);

    private void CheckKnown(string? name)
    {
        if (!schemes.Any(scheme => scheme.Name == name))
        {
            throw new ArgumentException($"No scheme named '{name}' is known; there is: {string.Join(", ", Names)}.");
        }
    }
}
