using PacketSec.Protocol;
using PacketSec.Protocol.Streams;

namespace PacketSec.Simulation.Streams;

/// <summary>One stream that is always full: bytes that follow from their offset, written as fast as they are taken, and checked as they are read.</summary>
internal sealed class BulkFlow
{
    // A prime: no packet, ring or window has a multiple of it.
    private const int Period = 65_521;

    private static readonly byte[] Pattern = CreatePattern();

    private readonly StreamHost _sender;
    private readonly StreamHost _receiver;
    private readonly byte[] _read = new byte[Period];
    private readonly long _total;
    private StreamState? _outgoing;
    private StreamState? _incoming;
    private long _written;

    /// <summary>Makes a flow from one side to the other.</summary>
    /// <param name="sender">Who sends.</param>
    /// <param name="receiver">Who receives.</param>
    /// <param name="total">How many bytes there are.</param>
    public BulkFlow(StreamHost sender, StreamHost receiver, long total = long.MaxValue)
    {
        (_sender, _receiver, _total) = (sender, receiver, total);
        sender.KeepsEvents = false;
        receiver.KeepsEvents = true;
        sender.Application += Write;
        receiver.Application += Read;
    }

    /// <summary>Gets the bytes that were read.</summary>
    public long Received { get; private set; }

    /// <summary>Gets whether the end was read.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Gets the time of the last byte.</summary>
    public Instant LastAt { get; private set; }

    /// <summary>Gets the longest time between two reads.</summary>
    public TimeSpan LongestPause { get; private set; }

    /// <summary>Gets or sets whether the reader reads.</summary>
    public bool IsReading { get; set; } = true;

    /// <summary>Gets the receiver's end of the stream.</summary>
    public StreamState? Incoming => _incoming;

    public void ForgetPauses() => LongestPause = TimeSpan.Zero;

    private static byte[] CreatePattern()
    {
        var pattern = new byte[2 * Period];
        new DeterministicRandom(Period).Fill(pattern.AsSpan(0, Period));
        pattern.AsSpan(0, Period).CopyTo(pattern.AsSpan(Period));
        return pattern;
    }

    private void Write(Instant now)
    {
        _outgoing ??= _sender.Machine.TryOpen(bidirectional: true);
        while (_outgoing is { Send.IsFinished: false } stream)
        {
            var source = Pattern.AsSpan((int)(_written % Period), (int)Math.Min(Period, _total - _written));
            var taken = source.IsEmpty ? 0 : _sender.Machine.Write(stream, source);
            _written += taken;
            if (_written == _total)
            {
                _sender.Machine.Finish(stream);
            }

            if (taken < source.Length)
            {
                return;
            }
        }
    }

    private void Read(Instant now)
    {
        while (_receiver.Events.TryDequeue(out var what))
        {
            _incoming = what.Kind == StreamEventKind.StreamOpened ? what.Stream : _incoming;
        }

        if (!IsReading || IsComplete || _incoming is not { } stream)
        {
            return;
        }

        int count;
        do
        {
            count = _receiver.Machine.Read(now, stream, _read, out var ended);
            if (!_read.AsSpan(0, count).SequenceEqual(Pattern.AsSpan((int)(Received % Period), count)))
            {
                throw new InvalidOperationException($"The bytes from {Received} on differ from those that were written.");
            }

            Received += count;
            IsComplete = ended;
            if (count > 0)
            {
                LongestPause = LastAt == default || now - LastAt < LongestPause ? LongestPause : now - LastAt;
                LastAt = now;
            }
        }
        while (count > 0 && !IsComplete);
    }
}
