namespace PacketSec.Cli.Plot;

/// <summary>
/// Values over time in a bounded number of buckets, in one pass and without knowing where the time ends: when it goes beyond the last bucket, each two are
/// made one of twice the width.
/// </summary>
/// <param name="count">How many buckets: an even number.</param>
internal sealed class TimeBuckets(int count)
{
    private const double FirstWidth = 0.25;

    private readonly Bucket[] _buckets = new Bucket[count];

    /// <summary>Gets the time that a bucket stands for, in milliseconds.</summary>
    public double Width { get; private set; } = FirstWidth;

    /// <summary>Gets the latest time, in milliseconds.</summary>
    public double End { get; private set; }

    /// <summary>Gets the largest value.</summary>
    public double Largest { get; private set; }

    /// <summary>Gets whether there is no value.</summary>
    public bool IsEmpty => Array.TrueForAll(_buckets, bucket => bucket.Count == 0);

    /// <summary>Adds a value.</summary>
    /// <param name="time">In milliseconds, 0 at least.</param>
    /// <param name="value">The value.</param>
    public void Add(double time, double value)
    {
        while (time >= Width * count)
        {
            Fold();
        }

        End = Math.Max(End, time);
        Largest = Math.Max(Largest, value);
        ref var bucket = ref _buckets[(int)(time / Width)];
        bucket = bucket.With(value);
    }

    /// <summary>Returns the course of the values: of each bucket the smallest and the largest, in the order in which they came.</summary>
    public IEnumerable<(double Time, double Value)> Course()
    {
        for (var i = 0; i < count; i++)
        {
            var bucket = _buckets[i];
            if (bucket.Count > 0)
            {
                yield return ((i + 0.25) * Width, bucket.IsSmallestFirst ? bucket.Smallest : bucket.Largest);
            }

            if (bucket.Count > 1)
            {
                yield return ((i + 0.75) * Width, bucket.IsSmallestFirst ? bucket.Largest : bucket.Smallest);
            }
        }
    }

    /// <summary>Returns the sum of each bucket in each second, empty ones included, up to a time in milliseconds.</summary>
    public IEnumerable<(double Time, double PerSecond)> Rates(double until)
    {
        for (var i = 0; i < count && i * Width <= until; i++)
        {
            var seconds = Math.Max(Math.Min(Width, until - (i * Width)), Width / 2) / 1000;
            yield return ((i + 0.5) * Width, _buckets[i].Sum / seconds);
        }
    }

    /// <summary>Returns the sum of each bucket that is not empty.</summary>
    public IEnumerable<(double Time, double Sum)> Sums()
        => from i in Enumerable.Range(0, count) where _buckets[i].Count > 0 select ((i + 0.5) * Width, _buckets[i].Sum);

    private void Fold()
    {
        for (var i = 0; i < count / 2; i++)
        {
            _buckets[i] = _buckets[2 * i].With(_buckets[(2 * i) + 1]);
        }

        Array.Clear(_buckets, count / 2, count - (count / 2));
        Width *= 2;
    }

    private readonly record struct Bucket(long Count, double Sum, double Smallest, double Largest, bool IsSmallestFirst)
    {
        public Bucket With(double value) => Count == 0
            ? new(1, value, value, value, true)
            : new(
                Count + 1, Sum + value, Math.Min(Smallest, value), Math.Max(Largest, value),
                value > Largest || (value >= Smallest && IsSmallestFirst));

        public Bucket With(in Bucket later) => Count == 0 ? later : later.Count == 0 ? this
            : new(
                Count + later.Count, Sum + later.Sum, Math.Min(Smallest, later.Smallest), Math.Max(Largest, later.Largest),
                later.Smallest < Smallest ? later.Largest > Largest && later.IsSmallestFirst : later.Largest > Largest || IsSmallestFirst);
    }
}
