using System.Numerics;
using PacketSec.Protocol;

namespace PacketSec.Internal;

/// <summary>
/// Deadlines in slots of one tick, at most one per owner, all operations O(1). An entry comes up at its deadline or up to a tick later, and may come up
/// early: its owner then schedules it again. So a deadline that moves away costs nothing.
/// </summary>
/// <remarks>Belongs to one thread; only <see cref="Entry.IsTooLateFor"/> is called by others.</remarks>
internal sealed class TimerWheel
{
    /// <summary>The tick for sessions and handshakes, in nanoseconds.</summary>
    public const long SessionTick = 64_000_000;

    /// <summary>The tick for streams, in nanoseconds: as fine as a thread can wait.</summary>
    public const long StreamTick = 1_000_000;

    // 65 s ahead: what lies further comes round and stays. Nearly all deadlines are those of sessions, 60 s at most.
    private const int Slots = 1024;
    private const int BitsPerWord = 64;

    private readonly Entry?[] _slots = new Entry?[Slots];
    private readonly ulong[] _occupied = new ulong[Slots / BitsPerWord];
    private readonly long _tickNanoseconds;
    private long _tick;

    // No entry comes up before this tick.
    private long _next = Entry.Unscheduled;

    /// <summary>Creates an empty wheel.</summary>
    /// <param name="now">The time.</param>
    /// <param name="tickNanoseconds">The tick, which is that of its entries.</param>
    public TimerWheel(Instant now, long tickNanoseconds = SessionTick)
    {
        _tickNanoseconds = tickNanoseconds;
        _tick = now.Nanoseconds / tickNanoseconds;
    }

    /// <summary>Gets when <see cref="Advance"/> is to be called next, or null. It may find nothing then.</summary>
    public Instant? NextDue => _next == Entry.Unscheduled ? null : new(_next * _tickNanoseconds);

    /// <summary>Makes an entry come up at a time, or leaves it where it comes up earlier.</summary>
    public void Schedule(Entry entry, Instant at)
    {
        var tick = Math.Max(entry.TickOf(at), _tick + 1);
        if (entry.Tick <= tick)
        {
            return;
        }

        Cancel(entry);
        var slot = SlotOf(tick);
        entry.Tick = tick;
        entry.Next = _slots[slot];
        if (entry.Next is { } next)
        {
            next.Previous = entry;
        }

        _slots[slot] = entry;
        _occupied[slot / BitsPerWord] |= 1UL << (slot % BitsPerWord);
        _next = Math.Min(_next, tick);
    }

    /// <summary>Takes an entry out.</summary>
    public void Cancel(Entry entry)
    {
        if (entry.Tick == Entry.Unscheduled)
        {
            return;
        }

        var slot = SlotOf(entry.Tick);
        if (entry.Previous is { } previous)
        {
            previous.Next = entry.Next;
        }
        else
        {
            _slots[slot] = entry.Next;
        }

        if (entry.Next is { } next)
        {
            next.Previous = entry.Previous;
        }

        if (_slots[slot] is null)
        {
            _occupied[slot / BitsPerWord] &= ~(1UL << (slot % BitsPerWord));
        }

        entry.Previous = null;
        entry.Next = null;
        entry.Tick = Entry.Unscheduled;
    }

    /// <summary>Moves on to a time, and takes out all that have come up.</summary>
    public void Advance(Instant now, List<Entry> due)
    {
        var target = now.Nanoseconds / _tickNanoseconds;
        var last = Math.Min(target, _tick + Slots);
        for (var tick = _tick + 1; tick <= last; tick++)
        {
            for (var entry = _slots[SlotOf(tick)]; entry is not null;)
            {
                var next = entry.Next;
                if (entry.Tick <= target)
                {
                    Cancel(entry);
                    due.Add(entry);
                }

                entry = next;
            }
        }

        _tick = Math.Max(_tick, target);
        _next = FindNext();
    }

    /// <summary>Finds the first tick whose slot is occupied, perhaps by entries of a later round only.</summary>
    private long FindNext()
    {
        var first = SlotOf(_tick + 1);
        for (var i = 0; i <= _occupied.Length; i++)
        {
            // The first word is looked at twice: its upper part at the beginning, its lower part at the end of the round.
            var word = ((first / BitsPerWord) + i) % _occupied.Length;
            var upper = ulong.MaxValue << (first % BitsPerWord);
            var bits = _occupied[word] & (i == 0 ? upper : i == _occupied.Length ? ~upper : ulong.MaxValue);
            if (bits != 0)
            {
                var slot = (word * BitsPerWord) + BitOperations.TrailingZeroCount(bits);
                return _tick + 1 + ((slot - first + Slots) % Slots);
            }
        }

        return Entry.Unscheduled;
    }

    private static int SlotOf(long tick) => (int)(tick & (Slots - 1));

    /// <summary>What has a deadline.</summary>
    internal abstract class Entry(long tickNanoseconds = SessionTick)
    {
        internal const long Unscheduled = long.MaxValue;

        private long _tick = Unscheduled;

        /// <summary>Tells whether the entry comes up too late for a deadline, so that it has to be scheduled again. Read by any thread.</summary>
        public bool IsTooLateFor(Instant? deadline) => deadline is { } at && Tick > TickOf(at);

        internal long TickOf(Instant at) => (at.Nanoseconds + tickNanoseconds - 1) / tickNanoseconds;

        internal long Tick
        {
            get => Volatile.Read(ref _tick);
            set => Volatile.Write(ref _tick, value);
        }

        internal Entry? Previous { get; set; }

        internal Entry? Next { get; set; }
    }
}
