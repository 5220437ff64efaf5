namespace PacketSec.Protocol.Routing;

/// <summary>
/// Counts half-open handshakes and work by network. Bounded: networks beyond the bound share one count, so that a flood from everywhere is
/// held to one rate and displaces nobody who is known already.
/// </summary>
internal sealed class PrefixLimiter
{
    private readonly Dictionary<UInt128, Count> _counts = [];
    private readonly Count _shared = new();
    private long _second;

    public int Tracked => _counts.Count;

    /// <summary>Takes one unit of work out of this second's allowance.</summary>
    public bool TryWork(in NetworkAddress remote, Instant now)
    {
        var count = CountOf(remote, now);
        if (count.Work >= ImplementationLimits.WorkPerPrefixPerSecond)
        {
            return false;
        }

        count.Work++;
        return true;
    }

    /// <summary>Whether a network has used this second's allowance up.</summary>
    public bool IsSpent(in NetworkAddress remote, Instant now) => CountOf(remote, now).Work >= ImplementationLimits.WorkPerPrefixPerSecond;

    /// <summary>Takes a place of a network, for a half-open handshake or a proposal; the ticket gives it back.</summary>
    public bool TryOpen(in NetworkAddress remote, Instant now, out Ticket ticket)
    {
        var count = CountOf(remote, now);
        ticket = new(count);
        if (count.HalfOpen >= ImplementationLimits.HandshakesPerPrefix)
        {
            return false;
        }

        count.HalfOpen++;
        return true;
    }

    private Count CountOf(in NetworkAddress remote, Instant now)
    {
        var second = now.Nanoseconds / 1_000_000_000;
        if (second != _second)
        {
            _second = second;
            Forget();
        }

        var count = Find(remote);
        if (count.Second != second)
        {
            (count.Second, count.Work) = (second, 0);
        }

        return count;
    }

    private Count Find(in NetworkAddress remote)
    {
        var prefix = remote.ToPrefix();
        if (_counts.TryGetValue(prefix, out var count))
        {
            return count;
        }

        if (_counts.Count >= ImplementationLimits.TrackedPrefixes)
        {
            return _shared;
        }

        return _counts[prefix] = new Count();
    }

    private void Forget()
    {
        foreach (var (prefix, count) in _counts)
        {
            if (count.HalfOpen == 0 && count.Second < _second - 1)
            {
                _counts.Remove(prefix);
            }
        }
    }

    /// <summary>A place among a network's half-open handshakes; the default value holds none.</summary>
    internal readonly struct Ticket(Count count)
    {
        public void Return()
        {
            if (count is not null)
            {
                count.HalfOpen--;
            }
        }
    }

    /// <summary>The counts of one network.</summary>
    internal sealed class Count
    {
        public int HalfOpen { get; set; }

        public int Work { get; set; }

        public long Second { get; set; }
    }
}
