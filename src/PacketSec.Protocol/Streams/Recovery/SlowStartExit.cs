namespace PacketSec.Protocol.Streams.Recovery;

/// <summary>
/// Ends slow start when round trips become longer, before packets are lost: HyStart++ of RFC 9406, for a sender that paces.
/// </summary>
//= rfc9406#section-4.2
internal sealed class SlowStartExit
{
    private const long MinThreshold = 4_000_000;
    private const long MaxThreshold = 16_000_000;
    private const int ThresholdDivisor = 8;
    private const int SamplesPerRound = 8;
    private const int GrowthDivisor = 4;
    private const int ConservativeRounds = 5;

    private long _roundEnd;
    private long _lastRoundMin;
    private long _roundMin;
    private long _baseline;
    private int _samples;
    private int _conservativeRounds;

    public SlowStartExit() => Reset();

    /// <summary>Gets whether slow start is to end.</summary>
    public bool IsOver { get; private set; }

    public void Reset()
    {
        _roundEnd = 0;
        _lastRoundMin = long.MaxValue;
        _roundMin = long.MaxValue;
        _baseline = long.MaxValue;
        _samples = 0;
        _conservativeRounds = 0;
        IsOver = false;
    }

    /// <summary>Takes a packet acknowledged in slow start, and returns what the growth of the window is divided by.</summary>
    public int Divisor(in AcknowledgedPacket acknowledged)
    {
        if (acknowledged.Number >= _roundEnd)
        {
            EndRound(acknowledged.NextNumber);
        }

        _roundMin = Math.Min(_roundMin, acknowledged.LatestRtt);
        _samples++;
        if (_samples >= SamplesPerRound && _lastRoundMin != long.MaxValue)
        {
            if (_baseline != long.MaxValue)
            {
                // A round trip below the baseline: the longer ones were a passing thing.
                _baseline = _roundMin < _baseline ? long.MaxValue : _baseline;
            }
            else if (_roundMin >= _lastRoundMin + Math.Clamp(_lastRoundMin / ThresholdDivisor, MinThreshold, MaxThreshold))
            {
                _baseline = _roundMin;
                _conservativeRounds = 0;
            }
        }

        return _baseline == long.MaxValue ? 1 : GrowthDivisor;
    }

    private void EndRound(long nextNumber)
    {
        _roundEnd = nextNumber;
        _lastRoundMin = _roundMin;
        _roundMin = long.MaxValue;
        _samples = 0;
        if (_baseline != long.MaxValue && ++_conservativeRounds >= ConservativeRounds)
        {
            IsOver = true;
        }
    }
}
