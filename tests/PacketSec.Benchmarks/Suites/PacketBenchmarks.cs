using System.Diagnostics;
using BenchmarkDotNet.Attributes;
using PacketSec.Benchmarks.Rig;
using PacketSec.Crypto;
using PacketSec.Protocol;

namespace PacketSec.Benchmarks.Suites;

/// <summary>Datagrams of 1,200 bytes through the machines, and the calibration that all times are related to.</summary>
public class PacketBenchmarks : IDisposable
{
    private const int Packets = 2048;
    private const int PayloadSize = 1200;

    private readonly byte[] _payload = new byte[PayloadSize];
    private readonly byte[] _datagram = new byte[PayloadSize + SpecLimits.DatagramOverhead];
    private readonly byte[] _plaintext = new byte[PayloadSize + SpecLimits.DatagramOverhead];
    private readonly Listener _listener = new(CryptoProvider.Default);
    private readonly Batch _batch = new(Packets, PayloadSize);
    private readonly RawSeal _raw = new();
    private Peering[] _peerings = [];

    [GlobalSetup]
    public void Connect()
    {
        using var identity = _listener.NewIdentity();
        _peerings = [_listener.Dial(identity, 1)];

        // An iteration of one batch is too short for the compiler to optimise what it calls.
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(1);)
        {
            SealBatch();
            Receive();
        }
    }

    [IterationSetup(Targets = [nameof(Open)])]
    public void SealBatch() => _batch.Seal(_listener.Now, _listener.Aead, _peerings);

    [IterationSetup(Targets = [nameof(ForgedOpen)])]
    public void ForgeBatch()
    {
        SealBatch();
        _batch.Forge();
    }

    [IterationSetup(Targets = [nameof(Replay)])]
    public void OpenBatch()
    {
        SealBatch();
        Receive();
    }

    [Benchmark]
    public void Calibration() => _raw.Seal(_payload, _datagram);

    [Benchmark]
    public int Seal()
    {
        _peerings[0].Client.TrySeal(_listener.Now, _listener.Aead, _payload, _datagram, out var written, out _);
        return written;
    }

    [Benchmark(OperationsPerInvoke = Packets)]
    public int Open() => Receive();

    [Benchmark(OperationsPerInvoke = Packets)]
    public int ForgedOpen() => Receive();

    [Benchmark(OperationsPerInvoke = Packets)]
    public int Replay() => Receive();

    [GlobalCleanup]
    public void Dispose()
    {
        _listener.Hang(_peerings[0]);
        _listener.Dispose();
        _raw.Dispose();
        GC.SuppressFinalize(this);
    }

    private int Receive()
    {
        var payloads = 0;
        var peering = _peerings[0];
        for (var i = 0; i < Packets; i++)
        {
            payloads += peering.Server.HandleDatagram(_listener.Now, _listener.Aead, peering.AtServer, _batch[i], _plaintext).Payload.Length;
        }

        return payloads;
    }
}
