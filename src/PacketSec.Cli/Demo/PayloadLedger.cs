using System.Security.Cryptography;

namespace PacketSec.Cli.Demo;

/// <summary>The SHA-256 hashes of payloads on their way in one direction: the counts of the demo come from them alone. Thread-safe.</summary>
internal sealed class PayloadLedger
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _sent = [];
    private readonly Dictionary<string, int> _received = [];

    public void OnSent(ReadOnlySpan<byte> payload) => Add(_sent, payload);

    public void OnReceived(ReadOnlySpan<byte> payload) => Add(_received, payload);

    /// <summary>Counts anew, from all the hashes.</summary>
    public PayloadCounts Count()
    {
        lock (_gate)
        {
            return new(
                _sent.Values.Sum(),
                _received.Values.Sum(),
                _sent.Keys.Count(hash => !_received.ContainsKey(hash)),
                _received.Sum(hash => Math.Max(hash.Value - Math.Max(_sent.GetValueOrDefault(hash.Key), 1), 0)),
                _received.Keys.Count(hash => !_sent.ContainsKey(hash)));
        }
    }

    private void Add(Dictionary<string, int> hashes, ReadOnlySpan<byte> payload)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(payload, hash);
        var key = Convert.ToHexString(hash);
        lock (_gate)
        {
            hashes[key] = hashes.GetValueOrDefault(key) + 1;
        }
    }
}

/// <summary>What the hashes of one direction tell.</summary>
internal sealed record PayloadCounts(int Sent, int Received, int Lost, int Duplicated, int Foreign)
{
    public bool IsPerfect => Sent > 0 && Received == Sent && Lost == 0 && Duplicated == 0 && Foreign == 0;

    public override string ToString() => $"{Sent} sent, {Received} received, {Lost} lost, {Duplicated} duplicated, {Foreign} foreign";
}
