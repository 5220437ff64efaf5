namespace PacketSec.Protocol.Streams;

/// <summary>
/// Finds the largest datagram that the path carries, by probes that are padded to a size and lost without harm, and notices when the path carries
/// less. Sizes are those of UDP payloads, times nanoseconds.
/// </summary>
//= rfc8899#section-5
internal sealed class Dplpmtud
{
    /// <summary>The size that every path carries.</summary>
    //= rfc9000#section-14.1
    public const int BaseSize = 1200;

    /// <summary>How often a size is tried before it counts as too large.</summary>
    //= rfc8899#section-5.1.2
    public const int MaxProbes = 3;

    /// <summary>After which time a larger size is tried again, 600 s.</summary>
    //= rfc8899#section-5.1.1
    public const long RaiseAfter = 600_000_000_000;

    /// <summary>Larger packets that have to be lost, with none of them acknowledged, before the path counts as carrying less.</summary>
    private const int BlackHoleLosses = 3;

    /// <summary>How close the search comes to the path's size.</summary>
    private const int Precision = 8;

    private int _most;
    private int _tooLarge;
    private int _probes;
    private int _largestProbeLost;
    private bool _probing;
    private long _raiseAt;
    private int _largeLost;
    private long _firstLargeLostAt;
    private long _firstLargeLost;

    public Dplpmtud(int most) => Reset(most);

    /// <summary>Gets the largest size known to arrive.</summary>
    public int Size { get; private set; } = BaseSize;

    /// <summary>Gets whether the search goes on.</summary>
    public bool IsSearching => _tooLarge - Size > Precision;

    /// <summary>Gets when a larger size is tried again.</summary>
    public long RaiseAt => IsSearching || Size >= _most ? long.MaxValue : _raiseAt;

    /// <summary>Returns the size to probe, or 0 while a probe is under way or there is nothing to search.</summary>
    /// <param name="room">The largest that can be sent now: a window may be smaller than what the interface takes.</param>
    public int NextProbe(long room)
    {
        if (!IsSearching || _probing)
        {
            return 0;
        }

        var wanted = _tooLarge > _most ? _most : Size + ((_tooLarge - Size) / 2);
        var size = (int)Math.Min(wanted, room);
        return size == wanted || size > Size + Precision ? size : 0;
    }

    /// <summary>Begins anew for a path.</summary>
    /// <param name="most">The largest size that the interface takes.</param>
    public void Reset(int most)
    {
        Size = BaseSize;
        SetMost(most);
        Restart();
        ForgetLosses();
    }

    /// <summary>The interface takes another size.</summary>
    public void SetMost(int most)
    {
        if (Math.Max(most, BaseSize) != _most)
        {
            _most = Math.Max(most, BaseSize);
            Size = Math.Min(Size, _most);
            Restart();
        }
    }

    public void OnProbeSent() => _probing = true;

    /// <summary>A probe arrived.</summary>
    //= rfc8899#section-5.3.1
    public void OnProbeAcknowledged(long now, int size)
    {
        _probing = false;
        _probes = 0;
        _raiseAt = now + RaiseAfter;
        if (size > Size && size <= _most)
        {
            Size = size;
            _tooLarge = Math.Max(_tooLarge, size + 1);
        }

        // The last bytes up to the interface's own size are not worth another probe, and the size itself is found.
        _tooLarge = Size == _most ? _most : _tooLarge;
    }

    public void OnProbeLost(long now, int size)
    {
        _probing = false;
        _raiseAt = now + RaiseAfter;
        _largestProbeLost = _probes == 0 ? size : Math.Max(_largestProbeLost, size);
        if (++_probes >= MaxProbes)
        {
            // A window that changed has made the sizes differ; only the largest is no smaller than any that was lost.
            _probes = 0;
            _tooLarge = Math.Min(_tooLarge, _largestProbeLost);
        }
    }

    /// <summary>Tries larger sizes again.</summary>
    public void Raise() => Restart();

    /// <summary>A packet arrived that was no probe.</summary>
    /// <returns>Whether the path carries less than it did, so that the size is the base again.</returns>
    //= spec/streams.md#black-hole
    //= rfc8899#section-4.3
    public bool OnAcknowledged(long now, long number, int size, long patience)
    {
        if (size > BaseSize)
        {
            ForgetLosses();
            return false;
        }

        if (_largeLost < BlackHoleLosses || number < _firstLargeLost || now - _firstLargeLostAt < patience || Size == BaseSize)
        {
            return false;
        }

        _tooLarge = BaseSize;
        Size = BaseSize;
        _probing = false;
        _raiseAt = now + RaiseAfter;
        ForgetLosses();
        return true;
    }

    /// <summary>A packet was lost that was no probe.</summary>
    public void OnLost(long number, int size, long sentAt)
    {
        if (size > BaseSize && _largeLost++ == 0)
        {
            _firstLargeLost = number;
            _firstLargeLostAt = sentAt;
        }
    }

    private void Restart()
    {
        _tooLarge = Size == _most ? _most : _most + 1 + Precision;
        _probes = 0;
        _probing = false;
    }

    private void ForgetLosses() => _largeLost = 0;
}
