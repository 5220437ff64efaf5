namespace PacketSec.Cli.Transfer;

/// <summary>What became of all transfers. Thread-safe.</summary>
internal sealed class TransferTally
{
    private long _stored;
    private long _refused;
    private long _interrupted;

    public bool HasStored => Interlocked.Read(ref _stored) > 0;

    public void Count(TransferCode code) => Interlocked.Increment(ref code == TransferCode.Good ? ref _stored : ref _refused);

    public void CountInterrupted() => Interlocked.Increment(ref _interrupted);

    public void Print(Reporter reporter) => reporter.Summary(
        "summary",
        $"{_stored} stored, {_refused} refused or failed, {_interrupted} interrupted",
        [("stored", $"{_stored}"), ("refused or failed", $"{_refused}"), ("interrupted", $"{_interrupted}")],
        line =>
        {
            line.WriteNumber("stored", _stored);
            line.WriteNumber("refused", _refused);
            line.WriteNumber("interrupted", _interrupted);
        });
}
