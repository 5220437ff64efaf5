using PacketSec.Crypto;
using PacketSec.Protocol;

namespace PacketSec.Adversary.Parties;

/// <summary>What a party reports.</summary>
internal enum PartyEventKind
{
    /// <summary>Its access list was asked about somebody.</summary>
    Asked,

    /// <summary>It reports somebody as connected: as far as it can know, that one is there and has accepted.</summary>
    Opened,

    /// <summary>It delivered a payload from somebody.</summary>
    Delivered,

    /// <summary>It learned who is at the other end, though it called somebody else.</summary>
    Learned,
}

/// <summary>Something that a party reported.</summary>
/// <param name="At">When.</param>
/// <param name="Kind">What.</param>
/// <param name="Key">Who, as an Ed25519 public key.</param>
/// <param name="Payload">The payload, where there is one.</param>
internal sealed record PartyEvent(Instant At, PartyEventKind Kind, byte[] Key, byte[] Payload);

/// <summary>What an access list says.</summary>
internal enum Answer
{
    Yes,
    No,

    /// <summary>Nothing for five seconds, then no.</summary>
    SlowNo,

    /// <summary>Nothing ever.</summary>
    Never,

    /// <summary>It fails.</summary>
    Fails,
}

/// <summary>How somebody takes part.</summary>
internal sealed record PartySetup
{
    public required string Name { get; init; }

    public required Persona Self { get; init; }

    public required NetworkAddress Address { get; init; }

    /// <summary>Gets the seed of all that the party draws.</summary>
    public required ulong Randomness { get; init; }

    public ICryptoProvider Crypto { get; init; } = CryptoProvider.Default;

    /// <summary>Gets the access list, asked by Ed25519 key; null lets everybody in without a question.</summary>
    public Func<byte[], Answer>? List { get; init; }

    /// <summary>Gets a value indicating whether the party has the network's key, where a scheme has one.</summary>
    public bool IsMember { get; init; } = true;

    /// <summary>Gets a value indicating whether the party holds a ticket of whom it dials, where a scheme has tickets.</summary>
    public bool HasTicket { get; init; }

    /// <summary>Gets those that the party knows beforehand, where a scheme needs to be told.</summary>
    public IReadOnlyList<Face> Known { get; init; } = [];
}

/// <summary>One end of a protocol in a game: what is played, be it the machines themselves or a control.</summary>
internal interface IParty : IDisposable
{
    NetworkAddress Address { get; }

    IReadOnlyList<PartyEvent> Events { get; }

    /// <summary>Calls somebody at an address.</summary>
    void Dial(Face peer, NetworkAddress at);

    /// <summary>Sends a payload.</summary>
    /// <returns>Whether it went out sealed: for the machines this means that the peer is verified.</returns>
    bool TrySend(Face peer, ReadOnlySpan<byte> payload);

    /// <summary>Loses all but the key.</summary>
    void Restart();

    /// <summary>Returns all state that a datagram could change, as text.</summary>
    string StateDigest(bool withHalfOpen);

    /// <summary>Returns every run of bytes that the party's objects hold.</summary>
    IEnumerable<byte[]> Memory();
}

internal static class PartyExtensions
{
    public static int Count(this IParty party, PartyEventKind kind) => party.Events.Count(happened => happened.Kind == kind);

    public static bool Has(this IParty party, PartyEventKind kind, Face who) => party.Events.Any(happened => happened.Kind == kind && who.Is(happened.Key));

    public static bool HasReceived(this IParty party, Face from, ReadOnlySpan<byte> payload)
    {
        foreach (var happened in party.Events)
        {
            if (happened.Kind == PartyEventKind.Delivered && from.Is(happened.Key) && payload.SequenceEqual(happened.Payload))
            {
                return true;
            }
        }

        return false;
    }
}
