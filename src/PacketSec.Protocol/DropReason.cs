namespace PacketSec.Protocol;

/// <summary>
/// Why a datagram or a message was dropped. Each drop is counted once under one reason; none of them changes any state that matters.
/// </summary>
public enum DropReason
{
    /// <summary>Not dropped.</summary>
    None,

    /// <summary>Shorter than a header, or than the smallest message of its kind.</summary>
    TooShort,

    /// <summary>Longer than any message of its kind.</summary>
    TooLong,

    /// <summary>A handshake body that does not parse, or that lacks a field it must have.</summary>
    Malformed,

    /// <summary>An identity key of a kind or size that is not accepted.</summary>
    UnsupportedKey,

    /// <summary>A handshake message with a header counter that no message of its direction has.</summary>
    UnexpectedHandshake,

    /// <summary>A counter of 3 to 15, which is reserved.</summary>
    ReservedCounter,

    /// <summary>A counter seen before.</summary>
    Replayed,

    /// <summary>A counter behind the replay window.</summary>
    TooOld,

    /// <summary>No key of this address opens it.</summary>
    NotAuthentic,

    /// <summary>A signature or claim that does not verify.</summary>
    BadSignature,

    /// <summary>A Diffie-Hellman result of zero: a low-order public key.</summary>
    LowOrderKey,

    /// <summary>The keys named in the first and in the last message of a handshake differ.</summary>
    KeyMismatch,

    /// <summary>The remote key is one's own: a reflection.</summary>
    OwnKey,

    /// <summary>The remote proved another identity than the one that was called.</summary>
    WrongIdentity,

    /// <summary>Another identity holds a live session at this address.</summary>
    AddressHeldByAnother,

    /// <summary>The application, or a limit on inbound channels, said no.</summary>
    Refused,

    /// <summary>From an address that nothing is known of.</summary>
    UnknownAddress,

    /// <summary>A first message, where no direct scheme is served.</summary>
    NoDirectScheme,

    /// <summary>A handshake message that answers nothing outstanding: late, repeated, or made up.</summary>
    NoHandshake,

    /// <summary>Too many half-open handshakes of this address.</summary>
    AddressHandshakesFull,

    /// <summary>Too many half-open handshakes of this network.</summary>
    PrefixHandshakesFull,

    /// <summary>Too many half-open handshakes in all.</summary>
    HandshakesFull,

    /// <summary>Too many handshake messages of this network in this second.</summary>
    PrefixRate,

    /// <summary>The queue of handshake work is full.</summary>
    WorkFull,

    /// <summary>The store of data that came before its handshake was complete is full.</summary>
    EarlyDataFull,

    /// <summary>A session that is past its life, or that has ended.</summary>
    SessionEnded,

    /// <summary>The channel is closed.</summary>
    ChannelClosed,

    /// <summary>Authentic, but the application's receive queue is full.</summary>
    ReceiveQueueFull,

    /// <summary>The endpoint is closing and takes nothing new.</summary>
    EndpointClosing,

    /// <summary>A proposal that lists no scheme served here.</summary>
    NoCommonScheme,

    /// <summary>An accept or a reject from an address to which no own proposal is outstanding, or a request to repeat another proposal than that.</summary>
    NoProposal,

    /// <summary>An accept of what was not proposed.</summary>
    NotOffered,

    /// <summary>A proposal with our own ID: it was sent back.</summary>
    Reflected,

    /// <summary>A copy of a proposal whose attempt is won.</summary>
    NegotiationOver,

    /// <summary>A first packet bound to a transcript that is neither a negotiation's here nor a channel's.</summary>
    UnknownTranscript,

    /// <summary>Too many proposals of this address that are being served.</summary>
    AddressProposalsFull,

    /// <summary>Too many proposals of this network that are being served.</summary>
    PrefixProposalsFull,

    /// <summary>Too many proposals that are being served.</summary>
    ProposalsFull,

    /// <summary>A fourth request to repeat a proposal with a cookie.</summary>
    RetriesExhausted,

    /// <summary>An answer would make more bytes than came from an address that is not validated.</summary>
    Amplification,

    /// <summary>A ticket that is not known, or is revoked.</summary>
    TicketUnknown,

    /// <summary>A ticket that is past its last second.</summary>
    TicketExpired,

    /// <summary>A ticket whose uses are gone.</summary>
    TicketUsed,

    /// <summary>A ticket that is bound to another key or user.</summary>
    TicketBoundToAnother,

    /// <summary>A ticket for another purpose.</summary>
    TicketPurposeDiffers,

    /// <summary>A site that is not in the directory.</summary>
    UnknownSite,

    /// <summary>More came than the endpoint's own threads could take.</summary>
    Overload,
}

/// <summary>Counts drops by reason. Written under its owner's exclusion; read by anyone.</summary>
public sealed class DropCounters
{
    private static readonly int Reasons = Enum.GetValues<DropReason>().Length;

    private readonly long[] _counts = new long[Reasons];

    /// <summary>Gets how many datagrams were dropped for a reason.</summary>
    /// <param name="reason">The reason.</param>
    public long this[DropReason reason] => Volatile.Read(ref _counts[(int)reason]);

    /// <summary>Gets how many were dropped in all.</summary>
    public long Total
    {
        get
        {
            long total = 0;
            for (var i = 1; i < _counts.Length; i++)
            {
                total += Volatile.Read(ref _counts[i]);
            }

            return total;
        }
    }

    internal void Add(DropReason reason) => _counts[(int)reason]++;
}
