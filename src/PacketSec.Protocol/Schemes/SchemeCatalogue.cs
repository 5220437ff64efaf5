using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Protocol.Schemes.NoiseXX;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Schemes.SecretHandshake;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes;

/// <summary>The schemes that there are. A new one is registered here, and lives in a folder of its own.</summary>
internal sealed class SchemeCatalogue(IEnumerable<Scheme> schemes)
{
    // Walked for each handshake message, so that it must not be behind an interface.
    private readonly Scheme[] _schemes = [.. schemes];

    public static SchemeCatalogue Default { get; } = new([new P2pkeScheme(), new NoiseXXScheme(), new SecretHandshakeScheme(), new MyChipsScheme()]);

    public IReadOnlyList<Scheme> All => _schemes;

    public IEnumerable<string> Names => _schemes.Select(scheme => scheme.Name);

    public bool Hides(string name) => _schemes.Any(scheme => scheme.Name == name && scheme.HidesIdentity);

    public bool HidesAll(IReadOnlyList<string> names) => names.Count > 0 && names.All(Hides);

    /// <summary>Checks that an identity can be called by all schemes of a dial.</summary>
    /// <exception cref="ArgumentException">It cannot; the message says why.</exception>
    public void CheckCallable(PeerId peer, ProposalOptions? proposal, string directScheme, Ticket? ticket = null, bool hasSiteId = false)
    {
        IReadOnlyList<string> names = proposal?.Schemes ?? [directScheme];
        foreach (var scheme in names.Select(Find))
        {
            if (scheme.WhyNotTo(peer) is { } reason)
            {
                throw new ArgumentException(reason);
            }

            //= spec/mychips.md#which-first
            if (scheme.NeedsIntroduction && ticket is null && !hasSiteId)
            {
                throw new ArgumentException($"{scheme.Name} needs a ticket of the site that is dialled, or a site ID of one's own that it knows.");
            }
        }

        if (ticket is not null && !names.Any(name => Find(name).NeedsIntroduction))
        {
            throw new ArgumentException($"None of these schemes takes a ticket: {string.Join(", ", names)}.");
        }

        if (ticket is not null && (!peer.TryGetPublicKey(out var key) || !key.Equals(ticket.SiteKey)))
        {
            throw new ArgumentException("The ticket is of another site than the one that is dialled.");
        }
    }

    /// <summary>Tells whether a dial may come to a scheme whose packets begin with letters.</summary>
    public bool MayHaveLetters(ProposalOptions? proposal, string directScheme) => (proposal?.Schemes ?? [directScheme]).Any(name => Find(name).HasLetters);

    /// <summary>Finds a scheme that was checked.</summary>
    public Scheme Find(string name)
    {
        foreach (var scheme in _schemes)
        {
            if (scheme.Name == name)
            {
                return scheme;
            }
        }

        throw new ArgumentException($"No scheme named '{name}' is known; there is: {string.Join(", ", Names)}.", nameof(name));
    }

    /// <summary>Tells which message of which scheme a datagram is, by its first bytes; several schemes may share the form of their messages.</summary>
    public HandshakeStep StepOf(ReadOnlySpan<byte> datagram, out Scheme? scheme)
    {
        foreach (var candidate in _schemes)
        {
            if (candidate.StepOf(datagram) is var step && step != HandshakeStep.None)
            {
                scheme = candidate;
                return step;
            }
        }

        scheme = null;
        return HandshakeStep.None;
    }

    /// <summary>Tells why a word below the data counters that is no handshake message is dropped.</summary>
    //= spec/p2pke.md#reserved-counters
    public DropReason ReasonFor(PacketCounter counter)
    {
        foreach (var scheme in _schemes)
        {
            if (scheme.OwnsCounter(counter.Value))
            {
                return DropReason.UnexpectedHandshake;
            }
        }

        return DropReason.ReservedCounter;
    }

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
        if (!_schemes.Any(scheme => scheme.Name == name))
        {
            throw new ArgumentException($"No scheme named '{name}' is known; there is: {string.Join(", ", Names)}.");
        }
    }
}
