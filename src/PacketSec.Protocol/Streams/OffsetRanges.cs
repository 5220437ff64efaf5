namespace PacketSec.Protocol.Streams;

/// <summary>Offsets from a start up to, and without, an end.</summary>
/// <param name="Start">The first.</param>
/// <param name="End">The one after the last.</param>
internal readonly record struct OffsetRange(long Start, long End)
{
    public long Length => End - Start;
}

/// <summary>A set of offsets, kept as ranges in ascending order that do not touch.</summary>
internal sealed class OffsetRanges
{
    private OffsetRange[] _ranges = [];

    /// <summary>Gets the number of ranges.</summary>
    public int Count { get; private set; }

    public OffsetRange this[int index] => index < Count ? _ranges[index] : throw new ArgumentOutOfRangeException(nameof(index));

    /// <summary>Adds a range.</summary>
    public void Add(long start, long end)
    {
        if (start >= end)
        {
            return;
        }

        var from = FirstEndingAtOrAfter(start);
        var to = from;
        while (to < Count && _ranges[to].Start <= end)
        {
            start = Math.Min(start, _ranges[to].Start);
            end = Math.Max(end, _ranges[to].End);
            to++;
        }

        Replace(from, to, new(start, end));
    }

    /// <summary>Removes a range.</summary>
    public void Remove(long start, long end)
    {
        if (start >= end)
        {
            return;
        }

        var from = FirstEndingAtOrAfter(start + 1);
        var to = from;
        OffsetRange below = default;
        OffsetRange above = default;
        while (to < Count && _ranges[to].Start < end)
        {
            below = _ranges[to].Start < start ? new(_ranges[to].Start, start) : below;
            above = _ranges[to].End > end ? new(end, _ranges[to].End) : above;
            to++;
        }

        if (to == from)
        {
            return;
        }

        switch (below.Length > 0, above.Length > 0)
        {
            case (true, true):
                Replace(from, to, below);
                Replace(from + 1, from + 1, above);
                break;
            case (true, false):
                Replace(from, to, below);
                break;
            case (false, true):
                Replace(from, to, above);
                break;
            default:
                Close(from, to);
                break;
        }
    }

    /// <summary>Tells whether a range overlaps or extends one that is here, so that adding it makes no further one.</summary>
    public bool Touches(long start, long end)
    {
        var at = FirstEndingAtOrAfter(start);
        return at < Count && _ranges[at].Start <= end;
    }

    /// <summary>Removes everything.</summary>
    public void Clear() => Count = 0;

    private int FirstEndingAtOrAfter(long offset)
    {
        // What comes last is looked at first: most additions extend the end.
        if (Count == 0 || _ranges[Count - 1].End < offset)
        {
            return Count;
        }

        var low = 0;
        var high = Count - 1;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].End < offset)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private void Replace(int from, int to, OffsetRange range)
    {
        if (from == to)
        {
            if (Count == _ranges.Length)
            {
                Array.Resize(ref _ranges, Math.Max(4, 2 * Count));
            }

            Array.Copy(_ranges, from, _ranges, from + 1, Count - from);
            Count++;
        }
        else
        {
            Close(from + 1, to);
        }

        _ranges[from] = range;
    }

    private void Close(int from, int to)
    {
        Array.Copy(_ranges, to, _ranges, from, Count - to);
        Count -= to - from;
    }
}
