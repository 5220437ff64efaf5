using System.Diagnostics;

namespace PacketSec.Load.Compare.Contestants;

/// <summary>
/// Counts all datagrams, and by itself a window of them: it begins one second after the first, when what starts slowly has started. The same as in the
/// programs in C: the clock is read once in 64 datagrams.
/// </summary>
/// <remarks>One thread counts; another may ask for <see cref="Total"/> and <see cref="IsMeasured"/>.</remarks>
internal sealed class FloodMeter(int payloadSize, int seconds)
{
    public const int LookEvery = 64;

    private readonly ulong _templateSum = FloodPayload.Sum(FloodPayload.Create(payloadSize));
    private long _total;
    private long _nextLook;
    private ulong _checksum;
    private ulong _indexSum;
    private long _wrong;
    private long _first;
    private long _begin;
    private long _beginTotal;
    private Environment.ProcessCpuUsage _beginCpu;
    private long _packets;
    private TimeSpan _cpu;
    private TimeSpan _system;
    private double _seconds;

    /// <summary>Gets the datagrams so far.</summary>
    public long Total => Volatile.Read(ref _total);

    /// <summary>Gets a value indicating whether the window is over.</summary>
    public bool IsMeasured => Volatile.Read(ref _seconds) > 0;

    /// <summary>Gets a value indicating whether a sender is through: it goes on a little, so that the receiver's window, which began later, is filled.</summary>
    public bool SenderIsDone => IsMeasured && Stopwatch.GetElapsedTime(_begin).TotalSeconds >= seconds + 0.25;

    public void Delivered(ReadOnlySpan<byte> payload)
    {
        if (payload.Length != payloadSize)
        {
            _wrong++;
            return;
        }

        var sum = FloodPayload.Sum(payload);
        var index = FloodPayload.IndexOf(payload);
        unchecked
        {
            if (sum - index != _templateSum)
            {
                _wrong++;
            }

            _checksum += sum;
            _indexSum += index;
        }

        Count(1);
    }

    /// <summary>Counts datagrams that were sent, with the indexes that come next.</summary>
    public void Sent(int count) => Count(count);

    public FloodResult ToReceived() => new("recv", _packets, _seconds, _cpu.TotalSeconds, _checksum, _indexSum, _total, _wrong, _system.TotalSeconds);

    public FloodResult ToSent()
    {
        var indexSum = FloodPayload.SumOfFirst(_total);
        return new("send", _packets, _seconds, _cpu.TotalSeconds, FloodPayload.Expect(payloadSize, _total, indexSum), indexSum, _total, 0, _system.TotalSeconds);
    }

    private void Count(int count)
    {
        Volatile.Write(ref _total, _total + count);
        if (_total > _nextLook)
        {
            Look();
        }
    }

    private void Look()
    {
        _nextLook = _total + LookEvery;
        var now = Stopwatch.GetTimestamp();
        if (_first == 0)
        {
            _first = now;
        }
        else if (_begin == 0)
        {
            if (Stopwatch.GetElapsedTime(_first, now).TotalSeconds >= 1)
            {
                (_begin, _beginTotal, _beginCpu) = (now, _total, Environment.CpuUsage);
            }
        }
        else if (_seconds == 0 && Stopwatch.GetElapsedTime(_begin, now).TotalSeconds is var length && length >= seconds)
        {
            var cpu = Environment.CpuUsage;
            _cpu = cpu.TotalTime - _beginCpu.TotalTime;
            _system = cpu.PrivilegedTime - _beginCpu.PrivilegedTime;
            _packets = _total - _beginTotal;
            Volatile.Write(ref _seconds, length);
        }
    }
}
