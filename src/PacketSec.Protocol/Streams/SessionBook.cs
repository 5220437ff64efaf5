namespace PacketSec.Protocol.Streams;

/// <summary>
/// What is known of the newest sessions: whether the peer's HELLO came on them, and whether a packet sent on them was acknowledged. A channel has
/// fewer live sessions than are remembered.
/// </summary>
internal sealed class SessionBook
{
    private const int Capacity = 16;

    private readonly Entry[] _entries = new Entry[Capacity];
    private int _count;

    public bool HelloSeen(long session) => Find(session) is var at && at >= 0 && _entries[at].HelloSeen;

    public bool Acknowledged(long session) => Find(session) is var at && at >= 0 && _entries[at].Acknowledged;

    public void NoteHello(long session) => Enter(session).HelloSeen = true;

    public void NoteAcknowledged(long session) => Enter(session).Acknowledged = true;

    private int Find(long session)
    {
        for (var i = 0; i < _count; i++)
        {
            if (_entries[i].Session == session)
            {
                return i;
            }
        }

        return -1;
    }

    // The oldest session, which has the smallest number, makes room.
    private ref Entry Enter(long session)
    {
        var at = Find(session);
        if (at < 0 && _count < Capacity)
        {
            at = _count++;
            _entries[at] = new() { Session = session };
        }
        else if (at < 0)
        {
            at = 0;
            for (var i = 1; i < Capacity; i++)
            {
                at = _entries[i].Session < _entries[at].Session ? i : at;
            }

            _entries[at] = new() { Session = session };
        }

        return ref _entries[at];
    }

    private struct Entry
    {
        public long Session;
        public bool HelloSeen;
        public bool Acknowledged;
    }
}
