using System.Text;

namespace PacketSec.Protocol.Negotiation;

/// <summary>The life of an own proposal.</summary>
internal enum OwnProposalState
{
    /// <summary>A proposal of the peer is being served: that may make an own one needless.</summary>
    Joining,

    /// <summary>It is made, and its first packet is being made. It counts as outstanding.</summary>
    Preparing,

    /// <summary>It is sent, again and again.</summary>
    Outstanding,

    /// <summary>The same, and a reject came.</summary>
    Rejected,

    /// <summary>A handshake of the attempt proved itself.</summary>
    Won,

    /// <summary>Its time is over.</summary>
    Failed,

    /// <summary>The application gave up.</summary>
    Withdrawn,
}

/// <summary>What moves an own proposal from state to state.</summary>
internal enum OwnProposalEvent
{
    /// <summary>500 ms without progress of what was joined, or nothing left to join.</summary>
    JoinOver,

    /// <summary>The first packet is made, or none is wanted.</summary>
    FirstPacketMade,

    /// <summary>An accept of a listed scheme, an answer to the first packet, or a simultaneous hypothesis.</summary>
    HypothesisAdded,

    /// <summary>A reject, with no hypothesis but that of the first packet inside.</summary>
    Rejected,

    /// <summary>A finish verified, or a packet of a session that we initiated authenticated.</summary>
    Won,

    /// <summary>10 s since the attempt began; after a reject 3 s and two copies.</summary>
    TimeOver,

    /// <summary>The application gave up.</summary>
    Withdrawn,
}

/// <summary>The life of another peer's proposal at one endpoint.</summary>
internal enum RemoteProposalState
{
    /// <summary>We accepted it.</summary>
    Accepted,

    /// <summary>We accepted it, and a first packet came.</summary>
    AcceptedServing,

    /// <summary>It came while ours was outstanding.</summary>
    Simultaneous,

    /// <summary>The same, and a first packet came.</summary>
    SimultaneousServing,

    /// <summary>It belongs to an attempt that was won: copies draw nothing.</summary>
    Over,

    /// <summary>It is unknown again.</summary>
    Forgotten,
}

/// <summary>What moves another peer's proposal from state to state.</summary>
internal enum RemoteProposalEvent
{
    /// <summary>A first packet came under its transcript.</summary>
    FirstPacket,

    /// <summary>Our own proposal failed or was withdrawn.</summary>
    OwnEnded,

    /// <summary>An attempt was won under its transcript.</summary>
    Won,

    /// <summary>10 s since it came first; after a win 60 s.</summary>
    TimeOver,

    /// <summary>A fifth proposal takes its place.</summary>
    Displaced,
}

/// <summary>The transition tables of the negotiation, as data: the specification prints them and a test compares.</summary>
internal static class NegotiationTransitions
{
    private static readonly Dictionary<(OwnProposalState, OwnProposalEvent), OwnProposalState> Own = new()
    {
        [(OwnProposalState.Joining, OwnProposalEvent.JoinOver)] = OwnProposalState.Preparing,
        [(OwnProposalState.Joining, OwnProposalEvent.Won)] = OwnProposalState.Won,
        [(OwnProposalState.Joining, OwnProposalEvent.TimeOver)] = OwnProposalState.Failed,
        [(OwnProposalState.Joining, OwnProposalEvent.Withdrawn)] = OwnProposalState.Withdrawn,
        [(OwnProposalState.Preparing, OwnProposalEvent.FirstPacketMade)] = OwnProposalState.Outstanding,
        [(OwnProposalState.Preparing, OwnProposalEvent.HypothesisAdded)] = OwnProposalState.Preparing,
        [(OwnProposalState.Preparing, OwnProposalEvent.Won)] = OwnProposalState.Won,
        [(OwnProposalState.Preparing, OwnProposalEvent.TimeOver)] = OwnProposalState.Failed,
        [(OwnProposalState.Preparing, OwnProposalEvent.Withdrawn)] = OwnProposalState.Withdrawn,
        [(OwnProposalState.Outstanding, OwnProposalEvent.HypothesisAdded)] = OwnProposalState.Outstanding,
        [(OwnProposalState.Outstanding, OwnProposalEvent.Rejected)] = OwnProposalState.Rejected,
        [(OwnProposalState.Outstanding, OwnProposalEvent.Won)] = OwnProposalState.Won,
        [(OwnProposalState.Outstanding, OwnProposalEvent.TimeOver)] = OwnProposalState.Failed,
        [(OwnProposalState.Outstanding, OwnProposalEvent.Withdrawn)] = OwnProposalState.Withdrawn,
        [(OwnProposalState.Rejected, OwnProposalEvent.HypothesisAdded)] = OwnProposalState.Outstanding,
        [(OwnProposalState.Rejected, OwnProposalEvent.Won)] = OwnProposalState.Won,
        [(OwnProposalState.Rejected, OwnProposalEvent.TimeOver)] = OwnProposalState.Failed,
        [(OwnProposalState.Rejected, OwnProposalEvent.Withdrawn)] = OwnProposalState.Withdrawn,
    };

    private static readonly Dictionary<(RemoteProposalState, RemoteProposalEvent), RemoteProposalState> Remote = new()
    {
        [(RemoteProposalState.Accepted, RemoteProposalEvent.FirstPacket)] = RemoteProposalState.AcceptedServing,
        [(RemoteProposalState.Accepted, RemoteProposalEvent.Won)] = RemoteProposalState.Over,
        [(RemoteProposalState.Accepted, RemoteProposalEvent.TimeOver)] = RemoteProposalState.Forgotten,
        [(RemoteProposalState.Accepted, RemoteProposalEvent.Displaced)] = RemoteProposalState.Forgotten,
        [(RemoteProposalState.AcceptedServing, RemoteProposalEvent.FirstPacket)] = RemoteProposalState.AcceptedServing,
        [(RemoteProposalState.AcceptedServing, RemoteProposalEvent.Won)] = RemoteProposalState.Over,
        [(RemoteProposalState.AcceptedServing, RemoteProposalEvent.TimeOver)] = RemoteProposalState.Forgotten,
        [(RemoteProposalState.Simultaneous, RemoteProposalEvent.FirstPacket)] = RemoteProposalState.SimultaneousServing,
        [(RemoteProposalState.Simultaneous, RemoteProposalEvent.OwnEnded)] = RemoteProposalState.Forgotten,
        [(RemoteProposalState.Simultaneous, RemoteProposalEvent.Won)] = RemoteProposalState.Over,
        [(RemoteProposalState.Simultaneous, RemoteProposalEvent.TimeOver)] = RemoteProposalState.Forgotten,
        [(RemoteProposalState.Simultaneous, RemoteProposalEvent.Displaced)] = RemoteProposalState.Forgotten,
        [(RemoteProposalState.SimultaneousServing, RemoteProposalEvent.FirstPacket)] = RemoteProposalState.SimultaneousServing,
        [(RemoteProposalState.SimultaneousServing, RemoteProposalEvent.OwnEnded)] = RemoteProposalState.Forgotten,
        [(RemoteProposalState.SimultaneousServing, RemoteProposalEvent.Won)] = RemoteProposalState.Over,
        [(RemoteProposalState.SimultaneousServing, RemoteProposalEvent.TimeOver)] = RemoteProposalState.Forgotten,
        [(RemoteProposalState.Over, RemoteProposalEvent.TimeOver)] = RemoteProposalState.Forgotten,
    };

    /// <summary>Returns the next state, or false where the event means nothing in this state.</summary>
    public static bool TryNext(OwnProposalState state, OwnProposalEvent what, out OwnProposalState next) => Own.TryGetValue((state, what), out next);

    /// <summary>Returns the next state, or false where the event means nothing in this state.</summary>
    public static bool TryNext(RemoteProposalState state, RemoteProposalEvent what, out RemoteProposalState next)
        => Remote.TryGetValue((state, what), out next);

    /// <summary>Prints the table of own proposals as Markdown; a dash stands for "no change".</summary>
    public static string OwnToMarkdown() => ToMarkdown(Own);

    /// <summary>Prints the table of others' proposals as Markdown.</summary>
    public static string RemoteToMarkdown() => ToMarkdown(Remote);

    private static string ToMarkdown<TState, TEvent>(Dictionary<(TState, TEvent), TState> table)
        where TState : struct, Enum
        where TEvent : struct, Enum
    {
        var events = Enum.GetValues<TEvent>();
        var text = new StringBuilder("| state |");
        foreach (var what in events)
        {
            text.Append(' ').Append(what).Append(" |");
        }

        text.Append("\n| --- |");
        text.Insert(text.Length, " --- |", events.Length).Append('\n');
        foreach (var state in Enum.GetValues<TState>())
        {
            text.Append("| ").Append(state).Append(" |");
            foreach (var what in events)
            {
                text.Append(' ').Append(table.TryGetValue((state, what), out var next) ? next.ToString() : "–").Append(" |");
            }

            text.Append('\n');
        }

        return text.ToString();
    }
}
