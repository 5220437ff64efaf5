using PacketSec.Protocol;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Internal;

/// <summary>What other threads ask of the endpoint's thread, which alone moves the machines but for sealing.</summary>
internal abstract record DriverMessage
{
    private DriverMessage()
    {
    }

    /// <summary>Handshake work has run.</summary>
    public sealed record WorkDone(HandshakeJob Job) : DriverMessage;

    /// <summary>The application dials.</summary>
    public sealed record Connect(Dial Dial) : DriverMessage;

    /// <summary>The application gave a dial up.</summary>
    public sealed record CancelConnect(Dial Dial) : DriverMessage;

    /// <summary>The application answered.</summary>
    public sealed record Decide(DecisionId Id, bool Allow) : DriverMessage;

    /// <summary>The store of tickets answered.</summary>
    public sealed record DecideTicket(DecisionId Id, TicketOutcome Outcome) : DriverMessage;

    /// <summary>The application has the outcome of a dial.</summary>
    public sealed record DialOver(Dial Dial) : DriverMessage;

    /// <summary>The application closes a channel.</summary>
    public sealed record CloseChannel(PeerDriver Peer) : DriverMessage;

    /// <summary>The application closes the endpoint.</summary>
    public sealed record CloseEndpoint : DriverMessage;

    /// <summary>Something failed that cannot fail while the endpoint is sound.</summary>
    public sealed record Fail(Exception Error) : DriverMessage;
}
