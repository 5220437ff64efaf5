using BenchmarkDotNet.Attributes;
using PacketSec.Benchmarks.Rig;
using PacketSec.Crypto;
using PacketSec.Protocol;

namespace PacketSec.Benchmarks.Suites;

/// <summary>Finding the peer of an address.</summary>
public class RouteBenchmarks : IDisposable
{
    private readonly Listener _listener = new(CryptoProvider.Default);
    private NetworkAddress[] _addresses = [];
    private int _next;

    [Params(1, 10_000)]
    public int Peers { get; set; }

    [GlobalSetup]
    public void Connect()
    {
        _addresses = new NetworkAddress[Peers];
        for (var i = 0; i < Peers; i++)
        {
            _listener.Now += TimeSpan.FromMilliseconds(1);
            using var identity = _listener.NewIdentity();
            _addresses[i] = _listener.Dial(identity, i).AtServer.Remote;
        }
    }

    [Benchmark]
    public long Route()
    {
        _next = _next + 1 == _addresses.Length ? 0 : _next + 1;
        return _listener.Endpoint.TryRoute(_addresses[_next], out var route) ? route[0].Value : throw new InvalidOperationException("There is no route.");
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _listener.Dispose();
        GC.SuppressFinalize(this);
    }
}
