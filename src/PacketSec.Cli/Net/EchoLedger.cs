using System.Collections;
using System.Diagnostics;

namespace PacketSec.Cli.Net;

/// <summary>Which numbered datagrams were sent, came back, are missed. Times are timestamps of <see cref="Stopwatch"/>.</summary>
/// <remarks>Not thread-safe: its owner has a lock.</remarks>
internal sealed class EchoLedger(int count)
{
    private readonly BitArray _echoed = new(count);

    // Numbers that are waited for, with the time of their last sending; the queue has them in the order of these times.
    private readonly Dictionary<int, long> _waiting = [];
    private readonly Queue<(int Number, long At)> _sendings = [];

    // How many echoes of a number that was sent again may come and are no duplicates.
    private readonly Dictionary<int, int> _copies = [];

    private long _roundTripTotal;
    private long _shortestRoundTrip = long.MaxValue;
    private long _longestRoundTrip;

    /// <summary>Gets the numbers sent, each counted once: the next new number.</summary>
    public int Sent { get; private set; }

    /// <summary>Gets the sendings beyond the first of each number.</summary>
    public long Resent { get; private set; }

    /// <summary>Gets the numbers that came back.</summary>
    public int Echoed { get; private set; }

    /// <summary>Gets the echoes beyond one for each sending.</summary>
    public long Duplicated { get; private set; }

    /// <summary>Gets how many numbers are waited for.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Gets the time of the first sending since the last echo; null when there is none.</summary>
    public long? UnansweredSince { get; private set; }

    /// <summary>Gets the round trips of numbers that were sent once: shortest, mean, longest; null when there is none.</summary>
    public (TimeSpan Shortest, TimeSpan Mean, TimeSpan Longest)? RoundTrips => RoundTripCount == 0
        ? null
        : (Stopwatch.GetElapsedTime(0, _shortestRoundTrip),
            Stopwatch.GetElapsedTime(0, _roundTripTotal / RoundTripCount),
            Stopwatch.GetElapsedTime(0, _longestRoundTrip));

    private int RoundTripCount { get; set; }

    /// <summary>Notes a sending.</summary>
    /// <param name="number"><see cref="Sent"/> for a new number, otherwise one that <see cref="TryExpire"/> returned.</param>
    /// <param name="now">The time.</param>
    public void OnSent(int number, long now)
    {
        if (number == Sent)
        {
            Sent++;
        }
        else
        {
            Resent++;
            _copies[number] = _copies.GetValueOrDefault(number) + 1;
        }

        _waiting[number] = now;
        _sendings.Enqueue((number, now));
        UnansweredSince ??= now;
    }

    /// <summary>Notes an echo.</summary>
    /// <returns>False when the number was never sent.</returns>
    public bool OnEchoed(long number, long now)
    {
        if (number < 0 || number >= Sent)
        {
            return false;
        }

        var index = (int)number;
        UnansweredSince = null;
        if (_echoed[index])
        {
            if (_copies.TryGetValue(index, out var copies) && copies > 0)
            {
                _copies[index] = copies - 1;
            }
            else
            {
                Duplicated++;
            }

            return true;
        }

        _echoed[index] = true;
        Echoed++;

        // Which sending of several came back cannot be told.
        if (_waiting.Remove(index, out var sentAt) && !_copies.ContainsKey(index))
        {
            var roundTrip = now - sentAt;
            RoundTripCount++;
            _roundTripTotal += roundTrip;
            _shortestRoundTrip = Math.Min(_shortestRoundTrip, roundTrip);
            _longestRoundTrip = Math.Max(_longestRoundTrip, roundTrip);
        }

        return true;
    }

    /// <summary>Takes a number from those waited for whose last sending is too old. An echo that comes later counts all the same.</summary>
    /// <param name="sentUntil">The youngest sending that is too old.</param>
    /// <param name="number">The number: lost, or to be sent again.</param>
    /// <returns>False when there is none.</returns>
    public bool TryExpire(long sentUntil, out int number)
    {
        while (_sendings.TryPeek(out var oldest) && oldest.At <= sentUntil)
        {
            _sendings.Dequeue();
            if (_waiting.Remove(oldest.Number))
            {
                number = oldest.Number;
                return true;
            }
        }

        number = 0;
        return false;
    }

    /// <summary>Returns whether a number came back.</summary>
    public bool IsEchoed(int number) => _echoed[number];
}
