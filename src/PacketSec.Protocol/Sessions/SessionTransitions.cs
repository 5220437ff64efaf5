using System.Text;

namespace PacketSec.Protocol.Sessions;

/// <summary>The life of a session.</summary>
internal enum SessionState
{
    /// <summary>We sent the finish and it may not have come; or we are the responder, and the initiator may not know us yet.</summary>
    Unconfirmed,

    /// <summary>
    /// The finish was sent three times to a peer that may be the reference, which confirms nothing; or the answer proved all. Nothing authenticated yet.
    /// </summary>
    Presumed,

    /// <summary>Both know each other.</summary>
    Confirmed,

    /// <summary>Too old to send on; it still receives.</summary>
    ReceiveOnly,

    /// <summary>Closed by either side; late data are taken for a moment.</summary>
    Lingering,

    /// <summary>The keys are wiped.</summary>
    Ended,
}

/// <summary>What moves a session from state to state.</summary>
internal enum SessionEvent
{
    /// <summary>The finish was sent three times without an answer, to a peer that may be the reference.</summary>
    FinishRepeated,

    /// <summary>The answer was all the proof that an initiator needs, in a scheme where it is.</summary>
    AnswerConfirmed,

    /// <summary>A packet authenticated.</summary>
    Authenticated,

    /// <summary>The age at which senders stop is reached.</summary>
    SendLifetimeOver,

    /// <summary>The age at which receivers stop is reached.</summary>
    LifetimeOver,

    /// <summary>A newer session is confirmed and the grace is over.</summary>
    Superseded,

    /// <summary>The peer's closing message authenticated on this session or a later one.</summary>
    PeerClosed,

    /// <summary>The application closed the channel.</summary>
    LocalClosed,

    /// <summary>The grace for late data is over.</summary>
    LingerOver,
}

/// <summary>The transition table of sessions, as data: the specification prints it and a test compares.</summary>
internal static class SessionTransitions
{
    private static readonly Dictionary<(SessionState, SessionEvent), SessionState> Table = new()
    {
        [(SessionState.Unconfirmed, SessionEvent.FinishRepeated)] = SessionState.Presumed,
        [(SessionState.Unconfirmed, SessionEvent.AnswerConfirmed)] = SessionState.Presumed,
        [(SessionState.Unconfirmed, SessionEvent.Authenticated)] = SessionState.Confirmed,
        [(SessionState.Unconfirmed, SessionEvent.SendLifetimeOver)] = SessionState.ReceiveOnly,
        [(SessionState.Unconfirmed, SessionEvent.LifetimeOver)] = SessionState.Ended,
        [(SessionState.Unconfirmed, SessionEvent.Superseded)] = SessionState.Ended,
        [(SessionState.Unconfirmed, SessionEvent.PeerClosed)] = SessionState.Lingering,
        [(SessionState.Unconfirmed, SessionEvent.LocalClosed)] = SessionState.Lingering,
        [(SessionState.Presumed, SessionEvent.Authenticated)] = SessionState.Confirmed,
        [(SessionState.Presumed, SessionEvent.SendLifetimeOver)] = SessionState.ReceiveOnly,
        [(SessionState.Presumed, SessionEvent.LifetimeOver)] = SessionState.Ended,
        [(SessionState.Presumed, SessionEvent.Superseded)] = SessionState.Ended,
        [(SessionState.Presumed, SessionEvent.PeerClosed)] = SessionState.Lingering,
        [(SessionState.Presumed, SessionEvent.LocalClosed)] = SessionState.Lingering,
        [(SessionState.Confirmed, SessionEvent.Authenticated)] = SessionState.Confirmed,
        [(SessionState.Confirmed, SessionEvent.SendLifetimeOver)] = SessionState.ReceiveOnly,
        [(SessionState.Confirmed, SessionEvent.LifetimeOver)] = SessionState.Ended,
        [(SessionState.Confirmed, SessionEvent.Superseded)] = SessionState.Ended,
        [(SessionState.Confirmed, SessionEvent.PeerClosed)] = SessionState.Lingering,
        [(SessionState.Confirmed, SessionEvent.LocalClosed)] = SessionState.Lingering,
        [(SessionState.ReceiveOnly, SessionEvent.Authenticated)] = SessionState.ReceiveOnly,
        [(SessionState.ReceiveOnly, SessionEvent.LifetimeOver)] = SessionState.Ended,
        [(SessionState.ReceiveOnly, SessionEvent.Superseded)] = SessionState.Ended,
        [(SessionState.ReceiveOnly, SessionEvent.PeerClosed)] = SessionState.Lingering,
        [(SessionState.ReceiveOnly, SessionEvent.LocalClosed)] = SessionState.Lingering,
        [(SessionState.Lingering, SessionEvent.Authenticated)] = SessionState.Lingering,
        [(SessionState.Lingering, SessionEvent.LifetimeOver)] = SessionState.Ended,
        [(SessionState.Lingering, SessionEvent.Superseded)] = SessionState.Ended,
        [(SessionState.Lingering, SessionEvent.PeerClosed)] = SessionState.Lingering,
        [(SessionState.Lingering, SessionEvent.LocalClosed)] = SessionState.Lingering,
        [(SessionState.Lingering, SessionEvent.LingerOver)] = SessionState.Ended,
    };

    /// <summary>Returns the next state, or false where the event means nothing in this state.</summary>
    public static bool TryNext(SessionState state, SessionEvent what, out SessionState next) => Table.TryGetValue((state, what), out next);

    /// <summary>Prints the table as Markdown; a dash stands for "no change".</summary>
    public static string ToMarkdown()
    {
        var events = Enum.GetValues<SessionEvent>();
        var text = new StringBuilder("| state |");
        foreach (var what in events)
        {
            text.Append(' ').Append(what).Append(" |");
        }

        text.Append("\n| --- |");
        text.Insert(text.Length, " --- |", events.Length).Append('\n');
        foreach (var state in Enum.GetValues<SessionState>())
        {
            text.Append("| ").Append(state).Append(" |");
            foreach (var what in events)
            {
                text.Append(' ').Append(TryNext(state, what, out var next) ? next.ToString() : "–").Append(" |");
            }

            text.Append('\n');
        }

        return text.ToString();
    }
}
