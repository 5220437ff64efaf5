using System.Net;
using Microsoft.Extensions.Logging;
using PacketSec.Internal;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Sessions;

namespace PacketSec;

/// <summary>How an endpoint is made. Read once, by <see cref="PacketSecEndpoint.Bind"/>.</summary>
public sealed record PacketSecEndpointOptions
{
    /// <summary>Gets the own identity. The caller disposes it, after the endpoint.</summary>
    public required PacketSecIdentity Identity { get; init; }

    /// <summary>
    /// Gets the address to bind, by default <c>[::]</c> with a port that the system chooses. <c>[::]</c> serves IPv6 and IPv4, and IPv4 alone, with
    /// a warning in the log, on a machine without IPv6.
    /// </summary>
    public IPEndPoint LocalEndPoint { get; init; } = new(IPAddress.IPv6Any, 0);

    /// <summary>
    /// Gets the schemes that are agreed on by negotiation: those that others' proposals are accepted for, and those that dials propose, the first choice
    /// first. An empty list negotiates nothing.
    /// </summary>
    public IReadOnlyList<string> Schemes { get; init; } = [P2pkeScheme.SchemeName];

    /// <summary>
    /// Gets the scheme that is served without negotiation too, to peers that know it beforehand, such as <c>p2pke-1</c> to its reference implementation.
    /// Null, the default, serves none. Where <see cref="Schemes"/> is empty, dials use it.
    /// </summary>
    public string? DirectScheme { get; init; }

    /// <summary>
    /// Gets the key of the network that <c>secret-handshake-1</c> is spoken in: with it nobody outside the network is even answered, and nobody there can
    /// be called. Null, the default, is none. The caller disposes it, after the endpoint.
    /// </summary>
    public NetworkKey? NetworkKey { get; init; }

    /// <summary>Gets a value indicating whether schemes that hide identities may be served beside others, which show this side's key to whoever asks.</summary>
    public bool AllowSchemeMixture { get; init; }

    /// <summary>
    /// Gets the question whether an identity may have a channel; null lets all in. Asked once for a channel, after the handshake proved the identity, on
    /// a thread of the pool, for many identities at once. An exception, and no answer within 10 s (then the token is cancelled), are "no". Answer at
    /// once where you can: a dialler in direct mode may take a session for open after 100 ms without an answer.
    /// </summary>
    public Func<PeerIdentity, CancellationToken, ValueTask<bool>>? Authorize { get; init; }

    /// <summary>
    /// Gets the store of the tickets that sites come in by, for <c>mychips-1</c>; null, the default, lets none in by a ticket. The clock is that of
    /// <see cref="TimeProvider"/>.
    /// </summary>
    public ITicketStore? Tickets { get; init; }

    /// <summary>
    /// Gets the sites known by name and their Ed25519 keys, for <c>mychips-1</c>; null, the default, knows none. Read by several threads: a concurrent
    /// dictionary may change while the endpoint lives.
    /// </summary>
    public IReadOnlyDictionary<string, PublicKey>? Sites { get; init; }

    /// <summary>
    /// Gets the question whether a site of <see cref="Sites"/>, whose key is proven, may open a channel; null, the default, lets none in. Called as
    /// <see cref="Authorize"/> is, for each new channel; whoever gets a "no" hears nothing.
    /// </summary>
    public Func<PublicKey, string, CancellationToken, ValueTask<bool>>? AuthorizePeer { get; init; }

    /// <summary>Gets the name by which other sites know this one, for <c>mychips-1</c>: 1 to 255 bytes of UTF-8; null, the default, needs tickets.</summary>
    public string? SiteId { get; init; }

    /// <summary>
    /// Gets what this side tells of its user when it opens a channel by <c>mychips-1</c>: up to <see cref="ImplementationLimits.CertificateSize"/> bytes
    /// of the application's choice, readable for the other side alone.
    /// </summary>
    public ReadOnlyMemory<byte> Certificate { get; init; }

    /// <summary>
    /// Gets a value indicating whether a dial by ticket tells the certificate in its first message, as MyCHIPs itself does, and not once the keys are
    /// agreed on: then whoever gets the other side's key later can read it in a recording. False by default; the other side takes both.
    /// </summary>
    public bool CertificateWithTicket { get; init; }

    /// <summary>Gets the clock for all deadlines. The default also counts the time that the machine is suspended, where the system tells it.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Gets where log messages go; null logs nothing. Payloads and keys are never logged.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>Gets how long a channel lives without a live session, 10 minutes by default, 3,650 days at most; null is for ever.</summary>
    public TimeSpan? IdleTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Gets how long a channel of <c>mychips-1</c> that the other side began may carry no data before this side closes it, 60 s by default, 3,650 days at
    /// most; null leaves it to <see cref="IdleTimeout"/>. Whoever began such a channel never closes it for that.
    /// </summary>
    public TimeSpan? SiteIdleTimeout { get; init; } = SpecLimits.SiteIdleTimeout;

    /// <summary>Gets how long a silent path is left alone before an empty packet goes out, which keeps NATs open: 15 s to 3,650 days; null is never.</summary>
    public TimeSpan? Keepalive { get; init; }

    /// <summary>Gets the ages at which sessions are renewed and end. For tests and demonstrations: <see cref="SessionLifetimes.Shortened"/>.</summary>
    public SessionLifetimes SessionLifetimes { get; init; } = SessionLifetimes.Default;

    /// <summary>
    /// Gets the longest UDP payload to send, 256 to 65,507 bytes; 1,232 by default, which every IPv6 path takes. A datagram of the application is
    /// 20 bytes shorter: <see cref="PacketSecChannel.MaxDatagramSize"/>. Any size is received.
    /// </summary>
    public int MaxUdpPayload { get; init; } = ImplementationLimits.DatagramSize;

    /// <summary>Gets how many channels others may have open at once. Past it they are refused.</summary>
    public int InboundChannels { get; init; } = ImplementationLimits.InboundChannels;

    /// <summary>Gets how many channels may wait to be accepted, 256 by default. Past it they are refused.</summary>
    public int AcceptBacklog { get; init; } = 256;

    /// <summary>Gets how many datagrams may wait in a channel for the application. Past it new ones are dropped.</summary>
    public int ReceiveQueueDatagrams { get; init; } = ImplementationLimits.ReceivedDatagrams;

    /// <summary>Gets how many bytes may wait in a channel for the application. Past it new datagrams are dropped.</summary>
    public int ReceiveQueueBytes { get; init; } = ImplementationLimits.ReceivedBytes;

    /// <summary>Gets the wished size of the socket's receive buffer in bytes. The log tells when the system gives less, and what to set.</summary>
    public int SocketReceiveBufferBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Gets the wished size of the socket's send buffer in bytes.</summary>
    public int SocketSendBufferBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Gets how datagrams go to and come from the system. The default takes the best that the machine offers.</summary>
    public DatagramPath DatagramPath { get; init; }

    /// <summary>
    /// Gets how many sockets share the endpoint's port, each with a thread of its own that receives; 1 by default, 64 at most. Peers are spread over them
    /// by the system. More than one needs Linux; elsewhere one serves, and the log says so.
    /// </summary>
    public int Shards { get; init; } = 1;

    /// <summary>Gets what sees the datagrams of the socket as the network does; null is nothing.</summary>
    internal IDatagramTap? Tap { get; init; }

    /// <summary>
    /// Gets a value indicating whether the three closing messages go out at once. For tests of something else, each of which ends a channel: a peer on
    /// this machine misses none of them.
    /// </summary>
    internal bool ClosesAtOnce { get; init; }

    /// <summary>Gets the schemes that there are.</summary>
    internal SchemeCatalogue Catalogue { get; init; } = SchemeCatalogue.Default;

    /// <summary>Gets what is proposed where nothing else is said; null where nothing is negotiated.</summary>
    internal ProposalOptions? DefaultProposal => Schemes.Count == 0 ? null : new()
    {
        Schemes = Schemes,
        AllowMixture = AllowSchemeMixture,
        HidePeerId = Catalogue.HidesAll(Schemes),
    };

    internal void Validate()
    {
        if (Identity is null)
        {
            throw new ArgumentException("Identity cannot be null.");
        }

        ValidateSettings();
    }

    /// <summary>Checks all but the identity.</summary>
    internal void ValidateSettings()
    {
        if (LocalEndPoint is null || TimeProvider is null || SessionLifetimes is null)
        {
            throw new ArgumentException("LocalEndPoint, TimeProvider and SessionLifetimes cannot be null.");
        }

        if (Schemes is null)
        {
            throw new ArgumentException("Schemes cannot be null: an empty list negotiates nothing.");
        }

        Catalogue.CheckServed(Schemes, DirectScheme, AllowSchemeMixture);

        var longest = TimeSpan.FromDays(3650);
        if (Keepalive < TimeSpan.FromSeconds(15) || Keepalive > longest)
        {
            throw new ArgumentException("Keepalive is 15 s to 3,650 days; null turns it off.");
        }

        if (IdleTimeout <= TimeSpan.Zero || IdleTimeout > longest)
        {
            throw new ArgumentException("IdleTimeout is positive and 3,650 days at most; null is for ever.");
        }

        if (SiteIdleTimeout <= TimeSpan.Zero || SiteIdleTimeout > longest)
        {
            throw new ArgumentException("SiteIdleTimeout is positive and 3,650 days at most; null leaves it to IdleTimeout.");
        }

        CheckRange(MaxUdpPayload, 256, ImplementationLimits.MaxUdpPayload, nameof(MaxUdpPayload));
        CheckRange(InboundChannels, 1, int.MaxValue, nameof(InboundChannels));
        CheckRange(AcceptBacklog, 1, int.MaxValue, nameof(AcceptBacklog));
        CheckRange(ReceiveQueueDatagrams, 1, 1 << 20, nameof(ReceiveQueueDatagrams));
        CheckRange(ReceiveQueueBytes, ImplementationLimits.MaxUdpPayload, 1 << 30, nameof(ReceiveQueueBytes));
        PeerMachineOptions.CheckIntroduction(SiteId, Certificate, MaxUdpPayload);
        CheckRange(SocketReceiveBufferBytes, 1, int.MaxValue, nameof(SocketReceiveBufferBytes));
        CheckRange(Shards, 1, 64, nameof(Shards));
        CheckRange(SocketSendBufferBytes, 1, int.MaxValue, nameof(SocketSendBufferBytes));
        if (!Enum.IsDefined(DatagramPath))
        {
            throw new ArgumentException($"There is no DatagramPath {DatagramPath}.");
        }

        SessionLifetimes.Validate();
    }

    private static void CheckRange(int value, int lowest, int highest, string name)
    {
        if (value < lowest || value > highest)
        {
            throw new ArgumentException($"{name} is {value}; it may be {lowest} to {highest}.");
        }
    }
}
