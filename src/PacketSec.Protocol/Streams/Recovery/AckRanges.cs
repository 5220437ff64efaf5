namespace PacketSec.Protocol.Streams.Recovery;

/// <summary>
/// The packet numbers received, as ranges in ascending order. When they are too many the oldest range goes, and what lies below the rest counts
/// as received: the peer repeats its content under new numbers.
/// </summary>
//= rfc9000#section-13.2.3
internal sealed class AckRanges
{
    /// <summary>The ranges kept, and written into one frame: their count fits one byte.</summary>
    public const int Capacity = 64;

    private readonly NumberRange[] _ranges = new NumberRange[Capacity];
    private long _floor;

    /// <summary>Gets the number of ranges.</summary>
    public int Count { get; private set; }

    /// <summary>Gets the largest number received, or -1.</summary>
    public long Largest => Count == 0 ? -1 : _ranges[Count - 1].Last;

    /// <summary>Gets a range; the last one has the largest numbers.</summary>
    public NumberRange this[int index] => index < Count ? _ranges[index] : throw new ArgumentOutOfRangeException(nameof(index));

    /// <summary>Tells whether a number has been received, or lies below what is remembered.</summary>
    public bool Contains(long number)
    {
        if (number < _floor)
        {
            return true;
        }

        for (var i = Count - 1; i >= 0 && number <= _ranges[i].Last; i--)
        {
            if (number >= _ranges[i].First)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Adds a number.</summary>
    /// <returns>False when it was there.</returns>
    public bool Add(long number)
    {
        if (Contains(number))
        {
            return false;
        }

        var above = Count;
        while (above > 0 && _ranges[above - 1].First > number)
        {
            above--;
        }

        var extendsBelow = above > 0 && _ranges[above - 1].Last + 1 == number;
        var extendsAbove = above < Count && _ranges[above].First - 1 == number;
        if (extendsBelow && extendsAbove)
        {
            _ranges[above - 1] = new(_ranges[above - 1].First, _ranges[above].Last);
            RemoveAt(above);
        }
        else if (extendsBelow)
        {
            _ranges[above - 1] = new(_ranges[above - 1].First, number);
        }
        else if (extendsAbove)
        {
            _ranges[above] = new(number, _ranges[above].Last);
        }
        else
        {
            Insert(above, number);
        }

        return true;
    }

    /// <summary>Forgets ranges that end below a number; all below it counts as received.</summary>
    //= rfc9000#section-13.2.4
    public void ForgetBelow(long number)
    {
        var gone = 0;
        while (gone < Count && _ranges[gone].Last < number)
        {
            gone++;
        }

        if (gone > 0)
        {
            _floor = Math.Max(_floor, _ranges[gone - 1].Last + 1);
            Array.Copy(_ranges, gone, _ranges, 0, Count - gone);
            Count -= gone;
        }
    }

    private void Insert(int at, long number)
    {
        if (Count == Capacity)
        {
            if (at == 0)
            {
                _floor = Math.Max(_floor, number + 1);
                return;
            }

            _floor = Math.Max(_floor, _ranges[0].Last + 1);
            RemoveAt(0);
            at--;
        }

        Array.Copy(_ranges, at, _ranges, at + 1, Count - at);
        _ranges[at] = new(number, number);
        Count++;
    }

    private void RemoveAt(int at)
    {
        Count--;
        Array.Copy(_ranges, at + 1, _ranges, at, Count - at);
    }
}
