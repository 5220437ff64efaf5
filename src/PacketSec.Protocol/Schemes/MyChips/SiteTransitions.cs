using System.Text;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes.MyChips;

/// <summary>The life of a connection between two sites, from the first message on; once it is open its session goes on by a table of its own.</summary>
internal enum SiteState
{
    /// <summary>There is no connection.</summary>
    None,

    /// <summary>Responder: an <c>I</c> came, and is being verified.</summary>
    Ticket,

    /// <summary>Responder: the site is named, by an <c>N</c> or by its live session at the address, and its <c>K</c> is being verified.</summary>
    Id,

    /// <summary>Responder: the first message verified; the store or the application is asked.</summary>
    Request,

    /// <summary>Responder: <c>A</c> is sent. Over a stream that would be all; here the first <c>T</c> shows that it is no replay.</summary>
    Answered,

    /// <summary>Initiator: the first message is sent.</summary>
    Pending,

    /// <summary>There is a session.</summary>
    Open,
}

/// <summary>What moves a connection from state to state.</summary>
internal enum SiteEvent
{
    /// <summary>An <c>I</c> came.</summary>
    TicketCame,

    /// <summary>An <c>N</c> with its <c>K</c> came.</summary>
    NameCame,

    /// <summary>A <c>K</c> alone came.</summary>
    RenewalCame,

    /// <summary>The first message came once more.</summary>
    CopyCame,

    /// <summary>The first message verified, and somebody is to be asked.</summary>
    Verified,

    /// <summary>A <c>K</c> alone verified: nobody is asked.</summary>
    RenewalVerified,

    /// <summary>The first message does not open, is of an unknown site, or proves another key than it says.</summary>
    Unverified,

    /// <summary>The store or the application said yes.</summary>
    Allowed,

    /// <summary>The store or the application said no.</summary>
    Denied,

    /// <summary>The first <c>T</c> verified.</summary>
    TransportOpened,

    /// <summary>The first message of a dial is made and sent.</summary>
    Dialled,

    /// <summary>An <c>A</c> opened; a further one is of a responder that has lost its memory since.</summary>
    AnswerOpened,

    /// <summary>Its time is over, there is no place for it, it was given up, or it was closed.</summary>
    Over,
}

/// <summary>The transition table of connections between sites, as data: the specification prints it and a test compares.</summary>
internal static class SiteTransitions
{
    private static readonly Dictionary<(SiteState, SiteEvent), SiteState> Table = new()
    {
        [(SiteState.None, SiteEvent.TicketCame)] = SiteState.Ticket,
        [(SiteState.None, SiteEvent.NameCame)] = SiteState.Id,
        [(SiteState.None, SiteEvent.RenewalCame)] = SiteState.Id,
        [(SiteState.None, SiteEvent.Dialled)] = SiteState.Pending,
        [(SiteState.Ticket, SiteEvent.CopyCame)] = SiteState.Ticket,
        [(SiteState.Ticket, SiteEvent.Verified)] = SiteState.Request,
        [(SiteState.Ticket, SiteEvent.Unverified)] = SiteState.None,
        [(SiteState.Ticket, SiteEvent.Over)] = SiteState.None,
        [(SiteState.Id, SiteEvent.CopyCame)] = SiteState.Id,
        [(SiteState.Id, SiteEvent.Verified)] = SiteState.Request,
        [(SiteState.Id, SiteEvent.RenewalVerified)] = SiteState.Answered,
        [(SiteState.Id, SiteEvent.Unverified)] = SiteState.None,
        [(SiteState.Id, SiteEvent.Over)] = SiteState.None,
        [(SiteState.Request, SiteEvent.CopyCame)] = SiteState.Request,
        [(SiteState.Request, SiteEvent.Allowed)] = SiteState.Answered,
        [(SiteState.Request, SiteEvent.Denied)] = SiteState.None,
        [(SiteState.Request, SiteEvent.Over)] = SiteState.None,
        [(SiteState.Answered, SiteEvent.CopyCame)] = SiteState.Answered,
        [(SiteState.Answered, SiteEvent.TransportOpened)] = SiteState.Open,
        [(SiteState.Answered, SiteEvent.Over)] = SiteState.None,
        [(SiteState.Pending, SiteEvent.AnswerOpened)] = SiteState.Open,
        [(SiteState.Pending, SiteEvent.Over)] = SiteState.None,
        [(SiteState.Open, SiteEvent.AnswerOpened)] = SiteState.Open,
        [(SiteState.Open, SiteEvent.Over)] = SiteState.None,
    };

    /// <summary>Returns the next state, or false where the event means nothing in this state.</summary>
    public static bool TryNext(SiteState state, SiteEvent what, out SiteState next) => Table.TryGetValue((state, what), out next);

    /// <summary>Returns what a first message is to a responder.</summary>
    public static SiteEvent EventOf(ReadOnlySpan<byte> first) => first[0] switch
    {
        Letters.Ticket => SiteEvent.TicketCame,
        Letters.Site => SiteEvent.NameCame,
        _ => SiteEvent.RenewalCame,
    };

    /// <summary>Returns what a responder's state is to the machinery of all schemes.</summary>
    public static ResponderState ToResponderState(SiteState state) => state switch
    {
        SiteState.Ticket or SiteState.Id => ResponderState.Working,
        SiteState.Request => ResponderState.Asking,
        SiteState.Answered => ResponderState.Answered,
        SiteState.Open => ResponderState.Deciding,
        _ => ResponderState.Over,
    };

    /// <summary>Prints the table as Markdown, a row for each event; a dash stands for "no change".</summary>
    public static string ToMarkdown()
    {
        var states = Enum.GetValues<SiteState>();
        var text = new StringBuilder("| event |");
        foreach (var state in states)
        {
            text.Append(' ').Append(state).Append(" |");
        }

        text.Append("\n| --- |");
        text.Insert(text.Length, " --- |", states.Length).Append('\n');
        foreach (var what in Enum.GetValues<SiteEvent>())
        {
            text.Append("| ").Append(what).Append(" |");
            foreach (var state in states)
            {
                text.Append(' ').Append(TryNext(state, what, out var next) ? next.ToString() : "–").Append(" |");
            }

            text.Append('\n');
        }

        return text.ToString();
    }
}
