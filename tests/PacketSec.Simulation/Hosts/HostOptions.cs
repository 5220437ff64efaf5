using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Simulation.Hosts;

/// <summary>How a simulated host is set up. What is not said is as in production.</summary>
public sealed record HostOptions
{
    /// <summary>The provider; real cryptography is the default.</summary>
    public ICryptoProvider Crypto { get; init; } = CryptoProvider.Default;

    /// <summary>The seed of the identity, 32 bytes; null takes one from the world's generator.</summary>
    public byte[]? IdentitySeed { get; init; }

    /// <summary>The seed of the host's randomness; null takes one from the world's generator.</summary>
    public ulong? RandomSeed { get; init; }

    /// <summary>The direct scheme that it serves, or null for none.</summary>
    public string? DirectScheme { get; init; } = "p2pke-1";

    /// <summary>The key of the network that it is in; null for none.</summary>
    public NetworkKey? NetworkKey { get; init; }

    /// <summary>The schemes that it accepts proposals for.</summary>
    public IReadOnlyList<string> Schemes { get; init; } = [];

    /// <summary>Whether these, and the direct one, may hide identities and not hide them.</summary>
    public bool AllowMixture { get; init; }

    /// <summary>What it proposes when it dials; null dials in direct mode.</summary>
    public ProposalOptions? Proposal { get; init; }

    public int InboundChannels { get; init; } = ImplementationLimits.InboundChannels;

    public SessionLifetimes Lifetimes { get; init; } = SessionLifetimes.Default;

    public TimeSpan? Keepalive { get; init; }

    public TimeSpan? IdleTimeout { get; init; } = TimeSpan.FromMinutes(10);

    public TimeSpan? SiteIdleTimeout { get; init; } = SpecLimits.SiteIdleTimeout;

    public int MaxDatagramSize { get; init; } = ImplementationLimits.DatagramSize;

    /// <summary>
    /// The most that cryptographic work takes, each piece a random part of it, so that its completion races with datagrams and timers. Zero runs it
    /// inline.
    /// </summary>
    public TimeSpan WorkLatency { get; init; }

    /// <summary>The steps of the driver's timers: a deadline is met at the next step. Zero meets it exactly.</summary>
    public TimeSpan TimerStep { get; init; }

    /// <summary>Answers whether an identity may connect, or throws <see cref="ApplicationFailedException"/>; null asks nobody.</summary>
    public Func<PublicKey, Verdict>? Application { get; init; }

    /// <summary>The name that other sites know it by, for <c>mychips-1</c>.</summary>
    public string? SiteId { get; init; }

    /// <summary>The sites that it knows by name.</summary>
    public IReadOnlyDictionary<string, PublicKey>? Sites { get; init; }

    /// <summary>Whether it is a site that all others like it in its world know by name and key, and the other way round.</summary>
    public bool IsKnownSite { get; init; }

    /// <summary>The ticket that it dials a peer by, if it has one.</summary>
    public Func<PeerId, Ticket?>? TicketFor { get; init; }

    /// <summary>The store of its own tickets; without one nobody comes in by a ticket.</summary>
    public Func<PublicKey, PresentedTicket, TicketOutcome>? Tickets { get; init; }

    /// <summary>The schemes that there are.</summary>
    internal SchemeCatalogue Catalogue { get; init; } = SchemeCatalogue.Default;

    /// <summary>How long the application thinks.</summary>
    public TimeSpan DecisionLatency { get; init; }
}

/// <summary>What an application says about an identity.</summary>
public enum Verdict
{
    Allow,
    Refuse,

    /// <summary>It never answers.</summary>
    Silent,
}

/// <summary>What an application or a store of tickets throws that fails on purpose; the host takes it for a no, as the driver does with every exception.</summary>
public sealed class ApplicationFailedException : Exception;

/// <summary>Something that a machine reported.</summary>
/// <param name="At">When.</param>
/// <param name="Peer">Whose machine it was; null for the endpoint's.</param>
/// <param name="Event">The event.</param>
public sealed record HostEvent(Instant At, PeerId? Peer, object Event);
