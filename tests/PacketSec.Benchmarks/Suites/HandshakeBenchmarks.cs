using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Wire;

namespace PacketSec.Benchmarks.Suites;

/// <summary>The cryptographic work of each message of <c>p2pke-1</c>, on the side that does it.</summary>
public class HandshakeBenchmarks : IDisposable
{
    private readonly Tai64n _time = Tai64n.FromUnixTime(1_700_000_000, 0);
    private readonly IdentityKey _initiator = NewIdentity();
    private readonly IdentityKey _responder = NewIdentity();
    private readonly P2pkeContext _initiatorContext;
    private readonly P2pkeContext _responderContext;
    private readonly HandshakeState _afterHello;
    private readonly ResponderKeys _responderKeys;
    private readonly byte[] _initHello;
    private readonly byte[] _respHello;
    private readonly byte[] _initDone;

    public HandshakeBenchmarks()
    {
        _initiatorContext = new(CryptoProvider.Default, new RandomSource(), _initiator);
        _responderContext = new(CryptoProvider.Default, new RandomSource(), _responder);
        using var hello = new InitHelloWork(_initiatorContext, _time);
        hello.Run();
        _initHello = hello.InitHello;
        _afterHello = hello.TakeNoise();
        using var answer = new InitHelloResponse(_responderContext, _initHello);
        answer.Run();
        _respHello = answer.RespHello;
        _responderKeys = answer.TakeKeys();
        using var finish = NewFinish();
        finish.Run();
        _initDone = finish.InitDone;
    }

    [Benchmark]
    public int InitiatorMakesInitHello()
    {
        using var work = new InitHelloWork(_initiatorContext, _time);
        work.Run();
        return work.InitHello.Length;
    }

    [Benchmark]
    public int ResponderAnswersInitHello()
    {
        using var work = new InitHelloResponse(_responderContext, _initHello);
        work.Run();
        return Require(work.RespHello);
    }

    [Benchmark]
    public int InitiatorFinishes()
    {
        using var work = NewFinish();
        work.Run();
        return Require(work.InitDone);
    }

    [Benchmark]
    public int ResponderChecksInitDone()
    {
        using var work = new InitDoneWork(_responderContext, default, _initDone, [(1, _responderKeys.Copy())]);
        work.Run();
        return Require(work.Confirmation);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _afterHello.Dispose();
        _responderKeys.Dispose();
        _initiator.Dispose();
        _responder.Dispose();
        GC.SuppressFinalize(this);
    }

    private RespHelloWork NewFinish() => new(_initiatorContext, [new(1, 1, _afterHello.Clone())], _respHello, _responder.PeerId) { Path = default };

    private static int Require(byte[] message) => message.Length > 0 ? message.Length : throw new InvalidOperationException("A handshake failed.");

    private static IdentityKey NewIdentity() => IdentityKey.FromSeed(RandomNumberGenerator.GetBytes(32), CryptoProvider.Default);

    private sealed class RandomSource : IRandomSource
    {
        public void Fill(Span<byte> destination) => RandomNumberGenerator.Fill(destination);
    }
}
