namespace PacketSec.Protocol.Channels;

/// <summary>
/// Notices a dead session by silence: receipts on one side, the wait for an answer on the other. Owns no timer; tells the peer machine when.
/// </summary>
/// <remarks>A part of the peer machine and no object of its own, as the window is of its session.</remarks>
internal struct Liveness
{
    private static readonly TimeSpan[] Backoff =
        [TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(16), TimeSpan.FromSeconds(30)];

    private int _failures;
    private OptionalInstant _firstUnanswered = OptionalInstant.None;
    private OptionalInstant _receiptDue = OptionalInstant.None;
    private OptionalInstant _lastAuthentic = OptionalInstant.None;
    private OptionalInstant _lastSent = OptionalInstant.None;
    private OptionalInstant _lastReceipt = OptionalInstant.None;

    public Liveness()
    {
    }

    /// <summary>Gets when the first data was sent after the last authentic packet.</summary>
    public readonly Instant? FirstUnanswered => _firstUnanswered.Value;

    /// <summary>Gets when a receipt is due for data received.</summary>
    public readonly Instant? ReceiptDue => _receiptDue.Value;

    /// <summary>Gets when something authentic came last.</summary>
    public readonly Instant? LastAuthentic => _lastAuthentic.Value;

    /// <summary>Gets when a packet was sent last.</summary>
    public readonly Instant? LastSent => _lastSent.Value;

    /// <summary>Gets a value indicating whether data was sent after the last authentic packet.</summary>
    public readonly bool IsWaiting => _firstUnanswered.HasValue;

    /// <summary>Gets a value indicating whether a receipt is due for data received.</summary>
    public readonly bool OwesReceipt => _receiptDue.HasValue;

    /// <summary>Tells whether a receipt for data received has become due.</summary>
    public readonly bool IsReceiptDue(Instant now) => OwesReceipt && ReceiptDue <= now;

    public void OnDataSent(Instant now)
    {
        if (!_firstUnanswered.HasValue)
        {
            _firstUnanswered = now;
        }

        OnSent(now);
    }

    /// <summary>Any packet sent on a session is a receipt.</summary>
    public void OnSent(Instant now)
    {
        _lastSent = now;
        _receiptDue = OptionalInstant.None;
    }

    public void OnReceiptSent(Instant now)
    {
        _lastReceipt = now;
        OnSent(now);
    }

    /// <summary>Something authentic came. Only data proves more than that the handshake is alive.</summary>
    //= spec/sessions.md#dead-backoff
    public void OnAuthentic(Instant now, bool isData)
    {
        _lastAuthentic = now;
        _firstUnanswered = OptionalInstant.None;
        if (isData)
        {
            _failures = 0;
        }
    }

    //= spec/sessions.md#receipt
    public Instant ScheduleReceipt(Instant now)
    {
        if (ReceiptDue is { } due)
        {
            return due;
        }

        var earliest = now + SpecLimits.AcknowledgeAfter;
        var spaced = (_lastReceipt.Value ?? now) + SpecLimits.AcknowledgeAfter;
        due = earliest > spaced ? earliest : spaced;
        _receiptDue = due;
        return due;
    }

    /// <summary>A handshake starts, or led to a session: the wait begins anew with the next data.</summary>
    public void OnRecovering() => _firstUnanswered = OptionalInstant.None;

    /// <summary>A handshake failed; returns how long to leave the peer alone.</summary>
    public TimeSpan OnFailure() => Backoff[Math.Min(_failures++, Backoff.Length - 1)];

    public readonly void AddTo(StateDigestBuilder digest)
    {
        digest.Add(FirstUnanswered);
        digest.Add(ReceiptDue);
        digest.Add(LastAuthentic);
        digest.Add(LastSent);
        digest.Add(_lastReceipt.Value);
        digest.Add(_failures);
    }
}
