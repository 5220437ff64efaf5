namespace PacketSec.Interop.Peers;

/// <summary>How the two sides of a session came to a scheme.</summary>
internal enum SessionCase
{
    /// <summary>Without negotiation.</summary>
    Direct,

    Standard,

    Simultaneous,
}

/// <summary>What one end tells of a confirmed session.</summary>
/// <param name="Initiated">Whether this end is its initiator.</param>
/// <param name="Case">How it was agreed on.</param>
/// <param name="Transcript">What it was agreed on, in hexadecimal; null in direct mode.</param>
/// <param name="Scheme">The scheme; null in direct mode from peers that do not tell it.</param>
/// <param name="Binding">The handshake's hash, from peers that tell it.</param>
internal sealed record SessionFact(bool Initiated, SessionCase Case, string? Transcript, string? Scheme, string? Binding = null);

/// <summary>The sessions of one end, in their order. Thread-safe.</summary>
internal sealed class SessionLog
{
    private readonly Lock _gate = new();
    private readonly List<SessionFact> _sessions = [];

    public void Add(SessionFact session)
    {
        lock (_gate)
        {
            _sessions.Add(session);
        }
    }

    public IReadOnlyList<SessionFact> ToList()
    {
        lock (_gate)
        {
            return [.. _sessions];
        }
    }
}
