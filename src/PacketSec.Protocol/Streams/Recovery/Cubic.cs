namespace PacketSec.Protocol.Streams.Recovery;

/// <summary>
/// The controller of RFC 9438: after a loss the window returns along a cubic function of time to what it was, dwells there, and goes on. It is
/// never slower than Reno would be. Windows are counted in datagrams.
/// </summary>
//= rfc9438#section-4
internal sealed class Cubic : ICongestionController
{
    //= rfc9438#section-5
    private const double Scale = 0.4;

    //= rfc9438#section-4.6
    private const double Decrease = 0.7;

    //= rfc9438#section-4.3
    private const double RenoIncrease = 3 * (1 - Decrease) / (1 + Decrease);

    private const long Never = long.MinValue;

    private readonly SlowStartExit _slowStartExit = new();
    private int _datagramSize;
    private double _window;
    private double _threshold;
    private long _recoveryStart;

    // The window at the last congestion, and where the plateau of the function lies.
    private double _prior;
    private double _maximum;

    // The time since which the function runs, less times without enough data, and when it reaches the plateau.
    private long _epochStart;
    private double _plateauAfter;
    private double _renoWindow;
    private long _lastInUse;

    public Cubic(int datagramSize) => Reset(datagramSize);

    public long Window => (long)Math.Round(_window * _datagramSize);

    public bool InSlowStart => _window < _threshold;

    public void Reset(int datagramSize)
    {
        _datagramSize = datagramSize;
        _window = (double)CongestionWindow.Initial(datagramSize) / datagramSize;
        _threshold = double.PositiveInfinity;
        _recoveryStart = Never;
        _prior = 0;
        _maximum = 0;
        _epochStart = Never;
        _lastInUse = Never;
        _slowStartExit.Reset();
    }

    public void SetDatagramSize(int datagramSize)
    {
        var ratio = (double)_datagramSize / datagramSize;
        _datagramSize = datagramSize;
        _window = Math.Max(_window * ratio, 2);
        _threshold *= ratio;
        _prior *= ratio;
        _maximum *= ratio;
        _renoWindow *= ratio;
        _epochStart = Never;
    }

    //= rfc9438#section-5.8
    public void OnSendingAgain(long now) => Pause(now);

    public void OnAcknowledged(in AcknowledgedPacket acknowledged)
    {
        if (!acknowledged.WindowLimited)
        {
            //= rfc9438#section-5.8
            Pause(acknowledged.Now);
            return;
        }

        _lastInUse = acknowledged.Now;
        if (acknowledged.SentAt <= _recoveryStart)
        {
            return;
        }

        var segments = (double)acknowledged.Size / _datagramSize;
        if (InSlowStart)
        {
            //= rfc9438#section-4.10
            _window += segments / _slowStartExit.Divisor(acknowledged);
            if (_slowStartExit.IsOver)
            {
                _threshold = _window;
            }

            return;
        }

        Avoid(acknowledged, segments);
    }

    public void OnLost(long now, long sentAt)
    {
        if (sentAt <= _recoveryStart)
        {
            return;
        }

        _recoveryStart = now;

        //= rfc9438#section-4.7
        _maximum = _window < _maximum ? _window * (1 + Decrease) / 2 : _window;

        //= rfc9438#section-4.6
        _prior = _window;
        _threshold = Math.Max(_window * Decrease, 2);
        _window = _threshold;
        _epochStart = Never;
    }

    //= rfc9438#section-4.8
    public void OnPersistentCongestion()
    {
        _window = 2;
        _recoveryStart = Never;
        _epochStart = Never;
        _slowStartExit.Reset();
    }

    /// <summary>Takes the time up to now out of the function: the window was not in use.</summary>
    private void Pause(long now)
    {
        var since = _lastInUse == Never ? 0 : now - _lastInUse;
        _epochStart = _epochStart == Never ? Never : _epochStart + since;
        _lastInUse = now;
    }

    private void Avoid(in AcknowledgedPacket acknowledged, double segments)
    {
        if (_epochStart == Never)
        {
            //= rfc9438#section-4.2
            _epochStart = acknowledged.Now;
            _renoWindow = _window;
            if (_window < _maximum)
            {
                _plateauAfter = Math.Cbrt((_maximum - _window) / Scale);
            }
            else
            {
                _plateauAfter = 0;
                _maximum = _window;
            }
        }

        //= rfc9438#section-4.3
        _renoWindow += (_renoWindow >= _prior ? 1 : RenoIncrease) * segments / _window;
        var elapsed = (acknowledged.Now - _epochStart) / 1e9;
        if (Function(elapsed) < _renoWindow)
        {
            _window = Math.Max(_window, _renoWindow);
            return;
        }

        //= rfc9438#section-4.4
        //= rfc9438#section-4.5
        var target = Math.Clamp(Function(elapsed + (acknowledged.Rtt / 1e9)), _window, 1.5 * _window);
        _window += (target - _window) * segments / _window;
    }

    private double Function(double elapsed)
    {
        var distance = elapsed - _plateauAfter;
        return (Scale * distance * distance * distance) + _maximum;
    }
}
