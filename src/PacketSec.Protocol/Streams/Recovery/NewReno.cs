namespace PacketSec.Protocol.Streams.Recovery;

/// <summary>The controller of RFC 9002: one datagram more per round trip, half of it all at a loss.</summary>
//= rfc9002#appendix-B
internal sealed class NewReno : ICongestionController
{
    private const long NoRecovery = long.MinValue;

    private int _datagramSize;
    private long _threshold;
    private long _recoveryStart;
    private long _acknowledged;

    public NewReno(int datagramSize) => Reset(datagramSize);

    public long Window { get; private set; }

    public bool InSlowStart => Window < _threshold;

    public void Reset(int datagramSize)
    {
        _datagramSize = datagramSize;
        Window = CongestionWindow.Initial(datagramSize);
        _threshold = long.MaxValue;
        _recoveryStart = NoRecovery;
        _acknowledged = 0;
    }

    public void SetDatagramSize(int datagramSize)
    {
        _datagramSize = datagramSize;
        Window = Math.Max(Window, CongestionWindow.Minimum(datagramSize));
    }

    // What is in flight bounds the growth, and a pacer what goes at once.
    public void OnSendingAgain(long now)
    {
    }

    public void OnAcknowledged(in AcknowledgedPacket acknowledged)
    {
        //= rfc9002#section-7.8
        //= rfc9002#section-7.3.2
        if (!acknowledged.WindowLimited || acknowledged.SentAt <= _recoveryStart)
        {
            return;
        }

        //= rfc9002#section-7.3.1
        if (InSlowStart)
        {
            Window += acknowledged.Size;
            return;
        }

        //= rfc9002#section-7.3.3
        _acknowledged += acknowledged.Size;
        if (_acknowledged >= Window)
        {
            _acknowledged -= Window;
            Window += _datagramSize;
        }
    }

    public void OnLost(long now, long sentAt)
    {
        if (sentAt <= _recoveryStart)
        {
            return;
        }

        //= rfc9002#section-7.3.2
        _recoveryStart = now;
        _threshold = Math.Max(Window / 2, CongestionWindow.Minimum(_datagramSize));
        Window = _threshold;
        _acknowledged = 0;
    }

    //= rfc9002#section-7.6.2
    public void OnPersistentCongestion()
    {
        Window = CongestionWindow.Minimum(_datagramSize);
        _recoveryStart = NoRecovery;
        _acknowledged = 0;
    }
}
