using PacketSec.Protocol.Identity;

namespace PacketSec.Protocol.Schemes.MyChips.Tickets;

/// <summary>Which keys opened a channel by which tickets lately: nobody answers them by those again. Bounded; the oldest is forgotten first.</summary>
internal sealed class OpenedTickets
{
    private readonly Dictionary<(TicketHash Ticket, string Key), Instant> _opened = [];
    private readonly Queue<((TicketHash Ticket, string Key) Use, Instant At)> _byAge = new();

    public int Count => _opened.Count;

    public void Add(Instant now, TicketHash ticket, PublicKey key)
    {
        Expire(now);
        if (_byAge.Count >= ImplementationLimits.OpenedTickets)
        {
            Forget();
        }

        var use = UseOf(ticket, key);
        _opened[use] = now;
        _byAge.Enqueue((use, now));
    }

    public bool Contains(Instant now, TicketHash ticket, PublicKey key)
    {
        Expire(now);
        return _opened.ContainsKey(UseOf(ticket, key));
    }

    private void Expire(Instant now)
    {
        while (_byAge.TryPeek(out var oldest) && now - oldest.At > TimeSpan.FromSeconds(TicketUse.AgainSeconds))
        {
            Forget();
        }
    }

    private void Forget()
    {
        var (use, at) = _byAge.Dequeue();
        if (_opened.GetValueOrDefault(use) == at)
        {
            _opened.Remove(use);
        }
    }

    // A key and its negative are one: they differ in the top bit.
    private static (TicketHash Ticket, string Key) UseOf(TicketHash ticket, PublicKey key)
    {
        Span<byte> form = stackalloc byte[TicketKey.Size];
        key.Ed25519.CopyTo(form);
        form[^1] &= 0x7f;
        return (ticket, Convert.ToHexStringLower(form));
    }
}
