namespace PacketSec.Protocol.Channels;

/// <summary>
/// Notices a dead session by silence: receipts on one side, the wait for an answer on the other. Owns no timer; tells the peer machine when.
/// </summary>
internal sealed class Liveness
{
    private static readonly TimeSpan[] Backoff =
        [TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(8), TimeSpan.FromSeconds(16), TimeSpan.FromSeconds(30)];

    private int _failures;
    private Instant? _lastReceipt;

    /// <summary>Gets when the first data was sent after the last authentic packet.</summary>
    public Instant? FirstUnanswered { get; private set; }

    /// <summary>Gets when a receipt is due for data received.</summary>
    public Instant? ReceiptDue { get; private set; }

    /// <summary>Gets when something authentic came last.</summary>
    public Instant? LastAuthentic { get; private set; }

    /// <summary>Gets when a packet was sent last.</summary>
    public Instant? LastSent { get; private set; }

    public void OnDataSent(Instant now)
    {
        FirstUnanswered ??= now;
        OnSent(now);
    }

    /// <summary>Any packet sent on a session is a receipt.</summary>
    public void OnSent(Instant now)
    {
        LastSent = now;
        ReceiptDue = null;
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
        LastAuthentic = now;
        FirstUnanswered = null;
        if (isData)
        {
            _failures = 0;
        }
    }

    //= spec/sessions.md#receipt
    public void ScheduleReceipt(Instant now)
    {
        if (ReceiptDue is null)
        {
            var earliest = now + SpecLimits.AcknowledgeAfter;
            var spaced = (_lastReceipt ?? now) + SpecLimits.AcknowledgeAfter;
            ReceiptDue = earliest > spaced ? earliest : spaced;
        }
    }

    /// <summary>A handshake starts, or led to a session: the wait begins anew with the next data.</summary>
    public void OnRecovering() => FirstUnanswered = null;

    /// <summary>A handshake failed; returns how long to leave the peer alone.</summary>
    public TimeSpan OnFailure() => Backoff[Math.Min(_failures++, Backoff.Length - 1)];

    public void AddTo(StateDigestBuilder digest)
    {
        digest.Add(FirstUnanswered);
        digest.Add(ReceiptDue);
        digest.Add(LastAuthentic);
        digest.Add(LastSent);
        digest.Add(_lastReceipt);
        digest.Add(_failures);
    }
}
