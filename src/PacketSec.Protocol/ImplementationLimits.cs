namespace PacketSec.Protocol;

/// <summary>
/// Bounds on everything that a peer or a stranger can make grow. Larger figures cost memory under attack, smaller ones refuse honest peers
/// sooner; each has a drop reason or an error, and a test at the bound and one past it.
/// </summary>
public static class ImplementationLimits
{
    /// <summary>Datagrams that wait for a session: two round trips of 150 ms at 3,000 datagrams/s. Past it: <see cref="SealResult.QueueFull"/>.</summary>
    public const int QueuedDatagrams = 1024;

    /// <summary>Bytes that wait for a session. Past it: <see cref="SealResult.QueueFull"/>.</summary>
    public const int QueuedBytes = 1024 * 1024;

    /// <summary>Half-open handshakes of one remote address. Past it the oldest that is answered goes; while none is: <see cref="DropReason.AddressHandshakesFull"/>.</summary>
    public const int HandshakesPerAddress = 4;

    /// <summary>Half-open handshakes of one network (/24, /64). Past it: <see cref="DropReason.PrefixHandshakesFull"/>.</summary>
    public const int HandshakesPerPrefix = 256;

    /// <summary>Half-open handshakes in all, about 2 KiB each. Past it: <see cref="DropReason.HandshakesFull"/>.</summary>
    public const int Handshakes = 2048;

    /// <summary>
    /// Handshake messages of one network that are worked on in one second, some 300 us each. Past it: <see cref="DropReason.PrefixRate"/>.
    /// </summary>
    public const int WorkPerPrefixPerSecond = 1000;

    /// <summary>
    /// First messages with its identity from the address of a live session that are worked on in one second; a channel rekeys once in 45 s. Past it:
    /// <see cref="DropReason.PrefixRate"/>.
    /// </summary>
    public const int WorkPerChannelPerSecond = 8;

    /// <summary>Networks whose rate is remembered; when full, a network not yet counted shares one common count.</summary>
    public const int TrackedPrefixes = 8192;

    /// <summary>
    /// Handshake messages that wait for, or are in, work in one endpoint; as many again from addresses of live sessions. Past it:
    /// <see cref="DropReason.WorkFull"/>.
    /// </summary>
    public const int EndpointWork = 256;

    /// <summary>
    /// Different answers to one first message that are accepted under an agreement, each a session until one proves itself; and such sessions in all.
    /// Past it: <see cref="DropReason.NoHandshake"/>.
    /// </summary>
    public const int AnswersPerFirstMessage = 4;

    /// <summary>Answers to one's own first message that are worked on at once. Past it: <see cref="DropReason.WorkFull"/>.</summary>
    public const int PeerWork = 4;

    /// <summary>Datagrams kept for a handshake that is not complete. Past it: <see cref="DropReason.EarlyDataFull"/>.</summary>
    public const int EarlyPackets = SpecLimits.EarlyPackets;

    /// <summary>Bytes kept for a handshake that is not complete. Past it: <see cref="DropReason.EarlyDataFull"/>.</summary>
    public const int EarlyBytes = SpecLimits.EarlyBytes;

    /// <summary>Bytes kept for all incomplete handshakes of an endpoint together. Past it: <see cref="DropReason.EarlyDataFull"/>.</summary>
    public const int EarlyBytesTotal = 4 * 1024 * 1024;

    /// <summary>Datagrams that wait for the application of a channel. Past it: <see cref="DropReason.ReceiveQueueFull"/>.</summary>
    public const int ReceivedDatagrams = 1024;

    /// <summary>Bytes that wait for the application of a channel. Past it: <see cref="DropReason.ReceiveQueueFull"/>.</summary>
    public const int ReceivedBytes = 1024 * 1024;

    /// <summary>The largest handshake message: an RSA-4096 claim with room for unknown fields. Past it: <see cref="DropReason.TooLong"/>.</summary>
    public const int HandshakeMessageSize = 2048;

    /// <summary>Live sessions per role: previous, current and next. A further one ends the oldest.</summary>
    public const int SessionsPerRole = 3;

    /// <summary>Peers that may share one remote address. Past it a dial fails, and a finished handshake is <see cref="DropReason.Refused"/>.</summary>
    public const int PeersPerAddress = 4;

    /// <summary>Inbound channels of one endpoint, the default of its option. Past it: <see cref="DropReason.Refused"/>.</summary>
    public const int InboundChannels = 16384;

    /// <summary>The default for the longest datagram sent: the IPv6 minimum MTU of 1,280 bytes less IP and UDP headers.</summary>
    public const int DatagramSize = 1232;

    /// <summary>The largest UDP payload over IPv4.</summary>
    public const int MaxUdpPayload = 65507;

    /// <summary>Proposals of one remote address that are being served. Past it the oldest that drew no first packet goes; while none is: <see cref="DropReason.AddressProposalsFull"/>.</summary>
    public const int ProposalsPerAddress = 4;

    /// <summary>Addresses of one network (/24, /64) whose proposals are being served; as many again with a cookie. Past it: a retry, or <see cref="DropReason.PrefixProposalsFull"/>.</summary>
    public const int ProposalsPerPrefix = 256;

    /// <summary>Addresses whose proposals are being served, some 2 KiB each; as many again with a cookie. Past it: a retry, or <see cref="DropReason.ProposalsFull"/>.</summary>
    public const int Proposals = 1024;

    /// <summary>Requests to repeat a proposal with a cookie that are taken in one attempt. Past it: <see cref="DropReason.RetriesExhausted"/>.</summary>
    public const int RetriesPerAttempt = 3;

    /// <summary>The longest string with a cookie that is taken up, in bytes. Past it: <see cref="DropReason.NotOffered"/>.</summary>
    public const int RetryTextSize = 128;

    /// <summary>
    /// Sessions of <c>secret-handshake-1</c> that one endpoint accepts within a minute, 24 bytes each: three times what its inbound channels need to be
    /// renewed. Past it: <see cref="DropReason.HandshakesFull"/>.
    /// </summary>
    public const int AcceptedPerMinute = 65536;

    /// <summary>
    /// Finishes of <c>secret-handshake-1</c> that verified within a minute and are remembered, so that the application is asked once. Past it the oldest is
    /// forgotten, and may be asked about again.
    /// </summary>
    public const int AskedPerMinute = 16384;

    /// <summary>What an initiator of <c>mychips-1</c> may tell of its user, in bytes. Past it: <see cref="DropReason.TooLong"/>.</summary>
    public const int CertificateSize = 1024;

    /// <summary>
    /// Handshakes of one key by <c>mychips-1</c> that are answered and wait for their first packet. A further one displaces the oldest.
    /// </summary>
    public const int UnconfirmedPerKey = 4;

    /// <summary>
    /// Pairs of a ticket and the key that opened a channel by it, remembered for 10 minutes. Past it the oldest is forgotten: its key may then use
    /// the ticket again within that time.
    /// </summary>
    public const int OpenedTickets = 16384;

    /// <summary>Schemes that a dial may propose, or an endpoint serve.</summary>
    public const int Schemes = 16;

    /// <summary>The longest name of a scheme in bytes of UTF-8.</summary>
    public const int SchemeNameSize = 64;
}
