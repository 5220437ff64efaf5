namespace PacketSec.Protocol.Streams.Recovery;

/// <summary>
/// Watches for losses, with no packet acknowledged between them, that lie so far apart that the path has to be learnt again.
/// </summary>
//= rfc9002#section-7.6
internal sealed class PersistentCongestion
{
    private const long None = -1;

    private long _firstSampleAt = long.MaxValue;
    private long _firstLostAt;
    private long _lastLost = None;

    /// <summary>A round trip was measured.</summary>
    public void OnRttSample(long now) => _firstSampleAt = Math.Min(_firstSampleAt, now);

    /// <summary>A packet is known to have arrived; packets are reported in order of their numbers, some of them more than once.</summary>
    public void OnAcknowledged(long number)
    {
        if (number > _lastLost)
        {
            _lastLost = None;
        }
    }

    /// <summary>A packet that asks for an acknowledgement was lost.</summary>
    /// <returns>Whether the losses in a row span the duration.</returns>
    public bool OnLost(long number, long sentAt, long duration)
    {
        //= rfc9002#section-7.6.2
        if (sentAt <= _firstSampleAt)
        {
            return false;
        }

        if (_lastLost == None)
        {
            _firstLostAt = sentAt;
        }

        _lastLost = number;
        return sentAt - _firstLostAt > duration;
    }

    public void Reset()
    {
        _firstSampleAt = long.MaxValue;
        _lastLost = None;
    }
}
