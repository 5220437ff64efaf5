using System.Buffers.Binary;
using System.Diagnostics;
using PacketSec.Simulation;

namespace PacketSec.Interop.Peers;

/// <summary>
/// Makes numbered datagrams and keeps account of their echoes. The content of each is a function of its number, so an echo that was changed on
/// its way is noticed. Thread-safe.
/// </summary>
/// <param name="size">The bytes of each datagram.</param>
/// <param name="echoTimeout">How long an echo is waited for before it counts as lost.</param>
/// <param name="mark">What stands behind the number, where it tells own datagrams from others.</param>
internal sealed class EchoLedger(int size, TimeSpan echoTimeout, byte[]? mark = null)
{
    public const int NumberSize = 8;

    private readonly Lock _gate = new();
    private readonly List<Entry> _entries = [];
    private int _oldest;
    private int _waiting;
    private long _lastProgress = Stopwatch.GetTimestamp();

    private enum State
    {
        Waiting,
        GivenUp,
        Echoed,
    }

    public int Sent { get; private set; }

    public int Echoed { get; private set; }

    public int Duplicated { get; private set; }

    /// <summary>Gets the datagrams received that are no echo of one sent, to the byte.</summary>
    public int Foreign { get; private set; }

    /// <summary>Gets how many are neither echoed nor given up.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
            {
                while (_oldest < _entries.Count && (_entries[_oldest].State != State.Waiting || Stopwatch.GetElapsedTime(_entries[_oldest].SentAt) > echoTimeout))
                {
                    if (_entries[_oldest].State == State.Waiting)
                    {
                        _entries[_oldest] = _entries[_oldest] with { State = State.GivenUp };
                        _waiting--;
                    }

                    _oldest++;
                }

                return _waiting;
            }
        }
    }

    /// <summary>Gets a value indicating whether all are echoed, or none was sent or echoed for the echo timeout.</summary>
    public bool IsSettled
    {
        get
        {
            lock (_gate)
            {
                return Echoed == Sent || Stopwatch.GetElapsedTime(_lastProgress) > echoTimeout;
            }
        }
    }

    /// <summary>Makes the next datagram.</summary>
    public void MakeNext(Span<byte> datagram)
    {
        lock (_gate)
        {
            Fill(datagram[..size], Sent);
            Sent++;
            _waiting++;
            _lastProgress = Stopwatch.GetTimestamp();
            _entries.Add(new(_lastProgress, State.Waiting));
        }
    }

    /// <summary>Takes a datagram that came.</summary>
    public void OnReceived(ReadOnlySpan<byte> datagram)
    {
        Span<byte> expected = stackalloc byte[size];
        lock (_gate)
        {
            var number = datagram.Length == size ? BinaryPrimitives.ReadUInt64BigEndian(datagram) : ulong.MaxValue;
            if (number >= (ulong)_entries.Count)
            {
                Foreign++;
                return;
            }

            Fill(expected, (long)number);
            var entry = _entries[(int)number];
            if (!datagram.SequenceEqual(expected))
            {
                Foreign++;
            }
            else if (entry.State == State.Echoed)
            {
                Duplicated++;
            }
            else
            {
                _waiting -= entry.State == State.Waiting ? 1 : 0;
                Echoed++;
                _lastProgress = Stopwatch.GetTimestamp();
                _entries[(int)number] = entry with { State = State.Echoed };
            }
        }
    }

    private void Fill(Span<byte> datagram, long number)
    {
        BinaryPrimitives.WriteInt64BigEndian(datagram, number);
        new DeterministicRandom((ulong)number).Fill(datagram[NumberSize..]);
        mark?.CopyTo(datagram[NumberSize..]);
    }

    private readonly record struct Entry(long SentAt, State State);
}
