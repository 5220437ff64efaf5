using System.Security.Cryptography;
using PacketSec.Protocol.Streams;
using PacketSec.Simulation.Network;
using PacketSec.Simulation.Streams;
using PacketSec.Simulation.Tests.Scenarios;

namespace PacketSec.Simulation.Tests.Streams;

/// <summary>Streams over the sessions of two hosts, which are renewed, moved and lost beneath them.</summary>
public sealed class SurvivalScenarios
{
    private const int Chunk = 2000;

    private static readonly LinkConditions Lossy = Pair.Wan with { Loss = 0.1, Jitter = TimeSpan.FromMilliseconds(5), KeepOrder = true };

    // The sessions live as long as they do in a process: 20 rekeys take a quarter of an hour.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_transfer_survives_twenty_rekeys_with_every_tenth_packet_lost(ulong seed)
    {
        using var run = new Transfer(seed);
        run.Go(20 * 46);
        var sessions = run.Pair.A.Find(run.Pair.B.PeerId)!.Machine.Statistics.SessionsConfirmed;
        run.Finish();

        Assert.InRange(sessions, 21, 60);
        Assert.Equal(0, run.Receiver.Verdicts[(int)PacketVerdict.NoHello] + run.Receiver.Verdicts[(int)PacketVerdict.Violation]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_transfer_survives_a_rebinding_every_five_seconds_with_every_tenth_packet_lost(bool senderMoves)
    {
        using var run = new Transfer(3);
        var moved = (ushort)0;
        var address = (senderMoves ? run.Pair.A : run.Pair.B).Address;
        run.Pair.World.Every(TimeSpan.FromSeconds(5), () =>
        {
            // Another port of the translator and, each fourth time, another translator.
            run.Pair.World.Network.Rebind(address, Addresses.Host((byte)(0x31 + (moved / 4)), (ushort)(50_000 + ++moved)));
            return moved < 24;
        });
        run.Go(120);
        run.Finish();

        Assert.True(moved >= 20);
    }

    /// <summary>A sender that writes a little all the time, and a receiver that hashes what it reads.</summary>
    private sealed class Transfer : IDisposable
    {
        private readonly IncrementalHash _sent = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly IncrementalHash _received = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly byte[] _chunk = new byte[Chunk];
        private readonly byte[] _read = new byte[64 * 1024];
        private readonly DeterministicRandom _bytes;
        private readonly HostedConnection _sender;
        private readonly StreamState _stream;
        private StreamState? _incoming;
        private bool _complete;
        private long _written;
        private long _readBytes;

        public Transfer(ulong seed)
        {
            Pair = Pair.Connected(seed, Lossy);
            _bytes = new(seed);
            var options = new StreamOptions { IdleTimeout = TimeSpan.FromSeconds(60) };
            _sender = new(Pair.World, Pair.A, Pair.B.PeerId, options, seed, 1400);
            Receiver = new(Pair.World, Pair.B, Pair.A.PeerId, options, seed + 1, 1400) { Application = Read };
            _stream = _sender.Machine.TryOpen(true)!;
        }

        public Pair Pair { get; }

        public HostedConnection Receiver { get; }

        public void Go(int seconds)
        {
            var until = Pair.World.Now + TimeSpan.FromSeconds(seconds);
            Pair.World.Every(TimeSpan.FromMilliseconds(100), () =>
            {
                Write();
                return Pair.World.Now < until;
            });
            Pair.World.RunFor(TimeSpan.FromSeconds(seconds));
        }

        public void Finish()
        {
            _sender.Machine.Finish(_stream);
            _sender.Pump();
            Assert.True(Pair.World.RunUntil(() => _complete, TimeSpan.FromSeconds(60)), $"{_readBytes} of {_written} bytes: {_sender.Machine.Cause}, {Receiver.Machine.Cause}");
            Assert.Equal(_written, _readBytes);
            Assert.Equal(_sent.GetHashAndReset(), _received.GetHashAndReset());
        }

        public void Dispose()
        {
            _sent.Dispose();
            _received.Dispose();
            Pair.Dispose();
        }

        private void Write()
        {
            _bytes.NextBytes(Chunk).CopyTo(_chunk, 0);
            var taken = _sender.Machine.Write(_stream, _chunk);
            _sent.AppendData(_chunk.AsSpan(0, taken));
            _written += taken;
            _sender.Pump();
        }

        private void Read()
        {
            _incoming ??= Receiver.Opened.FirstOrDefault();
            if (_incoming is null || _complete)
            {
                return;
            }

            int count;
            do
            {
                count = Receiver.Machine.Read(Pair.World.Now, _incoming, _read, out _complete);
                _received.AppendData(_read.AsSpan(0, count));
                _readBytes += count;
            }
            while (count > 0 && !_complete);
        }
    }
}
