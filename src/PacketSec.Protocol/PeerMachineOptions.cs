using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Protocol;

/// <summary>What a <see cref="PeerMachine"/> is made of.</summary>
public sealed class PeerMachineOptions
{
    // Far below what nanoseconds in 64 bits hold, and far beyond what anybody waits.
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(3650);

    /// <summary>Gets the cryptographic provider.</summary>
    public required ICryptoProvider Crypto { get; init; }

    /// <summary>Gets the source of all randomness.</summary>
    public required IRandomSource Random { get; init; }

    /// <summary>Gets the own identity; it outlives the machine.</summary>
    public required IdentityKey Identity { get; init; }

    /// <summary>Gets the key of the network that <c>secret-handshake-1</c> is spoken in; null for none. It outlives the machine.</summary>
    public NetworkKey? NetworkKey { get; init; }

    /// <summary>Gets the identity of the peer.</summary>
    public required PeerId RemotePeer { get; init; }

    /// <summary>Gets the calendar, for time stamps on the wire.</summary>
    public required WallClock WallClock { get; init; }

    /// <summary>Gets what a channel that the peer opened by negotiation proposes when it starts over.</summary>
    public ProposalOptions Proposal { get; init; } = new() { Schemes = [P2pkeScheme.SchemeName] };

    /// <summary>Gets the ages at which sessions change.</summary>
    public SessionLifetimes Lifetimes { get; init; } = SessionLifetimes.Default;

    /// <summary>Gets how long a channel lives without a live session, 10 minutes by default, 3,650 days at most; null is for ever.</summary>
    public TimeSpan? IdleTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Gets how long a channel of <c>mychips-1</c> that the other side began may carry no data before this side closes it, 60 s by default, 3,650 days at
    /// most; null leaves it to <see cref="IdleTimeout"/>. Whoever began such a channel never closes it for that.
    /// </summary>
    public TimeSpan? SiteIdleTimeout { get; init; } = SpecLimits.SiteIdleTimeout;

    /// <summary>Gets how long a silent path is left alone before an empty packet goes out: 15 s to 3,650 days; null is never.</summary>
    public TimeSpan? Keepalive { get; init; }

    /// <summary>Gets the longest datagram sent, UDP payload in bytes: 256 to 65,507.</summary>
    public int MaxDatagramSize { get; init; } = ImplementationLimits.DatagramSize;

    /// <summary>Gets the name by which other sites know this one, for <c>mychips-1</c>: 1 to 255 bytes of UTF-8; null where none do.</summary>
    public string? SiteId { get; init; }

    /// <summary>
    /// Gets what this side tells of its user when it initiates <c>mychips-1</c>: up to <see cref="ImplementationLimits.CertificateSize"/> bytes, sent once
    /// the keys are agreed on.
    /// </summary>
    public ReadOnlyMemory<byte> Certificate { get; init; }

    /// <summary>
    /// Gets a value indicating whether a dial by ticket tells the certificate in its first message, as MyCHIPs itself does, and not once the keys are
    /// agreed on: then whoever gets the other side's key later can read it in a recording. False by default.
    /// </summary>
    public bool CertificateWithTicket { get; init; }

    /// <summary>Gets the schemes that there are.</summary>
    internal SchemeCatalogue Catalogue { get; init; } = SchemeCatalogue.Default;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxDatagramSize, 256);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxDatagramSize, ImplementationLimits.MaxUdpPayload);
        if (Keepalive < TimeSpan.FromSeconds(15) || Keepalive > LongestWait)
        {
            throw new ArgumentException("A keepalive is 15 s to 3,650 days; null turns it off.");
        }

        if (IdleTimeout <= TimeSpan.Zero || IdleTimeout > LongestWait)
        {
            throw new ArgumentException("An idle timeout is positive and 3,650 days at most; null is for ever.");
        }

        if (SiteIdleTimeout <= TimeSpan.Zero || SiteIdleTimeout > LongestWait)
        {
            throw new ArgumentException("An idle timeout of sites is positive and 3,650 days at most; null leaves it to the idle timeout of all channels.");
        }

        CheckIntroduction(SiteId, Certificate, MaxDatagramSize);
        Lifetimes.Validate();
    }

    /// <summary>Checks what an initiator says of itself.</summary>
    //= spec/mychips.md#finish-once
    internal static void CheckIntroduction(string? siteId, ReadOnlyMemory<byte> certificate, int maxDatagramSize)
    {
        if (siteId is not null)
        {
            TicketText.Check(siteId, 1, nameof(SiteId));
        }

        if (certificate.Length > Math.Min(ImplementationLimits.CertificateSize, maxDatagramSize - MyChipsScheme.MinFinish))
        {
            throw new ArgumentException($"A certificate has at most {ImplementationLimits.CertificateSize} bytes, and fits into one datagram.");
        }
    }

    /// <summary>Checks that a first message holds a ticket and what stands beside it.</summary>
    //= spec/mychips.md#certificate-in-first
    internal static void CheckFirst(Ticket? ticket, int certificateLength, int maxDatagramSize)
    {
        if (ticket is not null && MyChipsScheme.FirstLength(ticket.Conditions, certificateLength) is var length && length > maxDatagramSize)
        {
            throw new ArgumentException(
                $"The first message with this ticket and certificate has {length} bytes, and a datagram takes {maxDatagramSize}: shorten the certificate, or "
                + "leave it to the first transport packet.");
        }
    }
}
