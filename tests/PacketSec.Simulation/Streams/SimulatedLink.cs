using PacketSec.Protocol;

namespace PacketSec.Simulation.Streams;

/// <summary>A bottleneck: packets wait in a queue that drops what does not fit, go one after the other at a rate, and take a delay.</summary>
/// <remarks>Buffers are used again, so that a run shows what the machines allocate.</remarks>
internal sealed class SimulatedLink(LinkOptions options, DeterministicRandom random)
{
    /// <summary>IP and UDP headers, which the rate counts and the payload does not have.</summary>
    private const int HeaderBytes = 28;

    private readonly Queue<Flight> _inOrder = new(1024);
    private readonly PriorityQueue<Flight, long> _late = new();
    private readonly Stack<byte[]> _buffers = new();
    private long _freeAt;

    /// <summary>Gets or sets how it behaves from now on.</summary>
    public LinkOptions Options { get; set; } = options;

    /// <summary>Gets how many packets were given to it.</summary>
    public long Sent { get; private set; }

    /// <summary>Gets how many of them a full queue dropped.</summary>
    public long QueueDrops { get; private set; }

    /// <summary>Gets when the next packet arrives, in nanoseconds.</summary>
    public long NextArrival
        => Math.Min(
            _inOrder.TryPeek(out var flight) ? flight.At : long.MaxValue,
            _late.TryPeek(out _, out var late) ? late : long.MaxValue);

    /// <summary>Sends a packet.</summary>
    public void Send(Instant now, StreamHost target, long session, ReadOnlySpan<byte> payload)
    {
        Sent++;
        var size = payload.Length + SpecLimits.DatagramOverhead;
        var nanosecondsPerByte = 8e9 / Options.BitsPerSecond;
        var waiting = Math.Max(0, _freeAt - now.Nanoseconds) / nanosecondsPerByte;
        if (Options.IsDown || size > Options.MaxDatagram || random.Chance(Options.Loss))
        {
            return;
        }

        if (waiting + size + HeaderBytes > Options.QueueBytes)
        {
            QueueDrops++;
            return;
        }

        _freeAt = Math.Max(_freeAt, now.Nanoseconds) + (long)((size + HeaderBytes) * nanosecondsPerByte);
        var at = _freeAt + (Options.Delay.Ticks * 100);
        if (random.Chance(Options.Duplicate))
        {
            var again = at + (Options.Delay.Ticks * 50);
            _late.Enqueue(Copy(again, target, session, payload), again);
        }

        if (random.Chance(Options.Reorder))
        {
            at += (long)(random.NextDouble() * Options.Delay.Ticks * 100);
            _late.Enqueue(Copy(at, target, session, payload), at);
        }
        else
        {
            _inOrder.Enqueue(Copy(at, target, session, payload));
        }
    }

    /// <summary>Hands over the next packet that has arrived by now.</summary>
    public bool TryDeliver(Instant now, out StreamHost target)
    {
        Flight flight;
        if (_late.TryPeek(out _, out var late) && late <= now.Nanoseconds)
        {
            flight = _late.Dequeue();
        }
        else if (_inOrder.TryPeek(out var first) && first.At <= now.Nanoseconds)
        {
            flight = _inOrder.Dequeue();
        }
        else
        {
            target = null!;
            return false;
        }

        target = flight.Target;
        target.Receive(now, flight.Session, flight.Buffer.AsSpan(0, flight.Length));
        _buffers.Push(flight.Buffer);
        return true;
    }

    private Flight Copy(long at, StreamHost target, long session, ReadOnlySpan<byte> payload)
    {
        if (!_buffers.TryPop(out var buffer) || buffer.Length < payload.Length)
        {
            buffer = new byte[Math.Max(payload.Length, Options.MaxDatagram)];
        }

        payload.CopyTo(buffer);
        return new(at, target, session, buffer, payload.Length);
    }

    private readonly record struct Flight(long At, StreamHost Target, long Session, byte[] Buffer, int Length);
}
