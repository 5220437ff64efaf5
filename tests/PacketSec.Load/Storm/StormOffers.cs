using System.Diagnostics;
using System.Net;
using PacketSec.Crypto;
using PacketSec.Internal;
using PacketSec.Load.Compare.Contestants;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;

namespace PacketSec.Load.Storm;

/// <summary>
/// First messages of so many peers, each new and from an address of its own, made before and sent at a rate while the standard input says <c>on</c>. They
/// are never completed: what a listener does for them is its own work, and costs this process next to nothing.
/// </summary>
internal sealed class StormOffers : IDisposable
{
    private const int PerTick = 20;
    private const int Networks = 250;
    private const int PerNetwork = 16;

    private readonly ICryptoProvider _crypto = CryptoProvider.Default;
    private readonly ManyAddressSocket _socket;
    private readonly Queue<(uint Source, byte[] Message)> _messages = new();
    private readonly int _rate;
    private long _answered;
    private volatile bool _on;
    private volatile bool _over;

    public StormOffers(int port, PeerId remote, int count, int rate)
    {
        _rate = rate;
        _socket = new ManyAddressSocket(port, ImplementationLimits.HandshakeMessageSize);
        var target = NetworkAddress.FromEndPoint(new(IPAddress.Loopback, port));
        var clock = new DriverClock(TimeProvider.System);
        var buffer = new byte[ImplementationLimits.HandshakeMessageSize];
        using var aead = new PacketAead(_crypto);
        for (var i = 0; i < count; i++)
        {
            using var identity = IdentityKey.Generate(SystemRandomSource.Instance, _crypto);
            using var machine = new PeerMachine(new()
            {
                Crypto = _crypto,
                Random = SystemRandomSource.Instance,
                Identity = identity,
                RemotePeer = remote,
                WallClock = clock.ReadCalendar(),
            });
            var source = SourceOf(i);
            machine.Connect(clock.Now, new(new(0xFFFF_0000_0000 | (UInt128)source, _socket.Port), target));
            while (machine.TryTakeWork(out var work))
            {
                work!.Run();
                machine.Complete(clock.Now, work);
            }

            if (!machine.TryPollTransmit(clock.Now, aead, buffer, out var transmit))
            {
                throw new InvalidOperationException("A peer that dials has no first message.");
            }

            _messages.Enqueue((source, buffer[..transmit.Length]));
        }
    }

    /// <summary>Follows the standard input until it ends; returns the messages that were sent, and the answers to them.</summary>
    public (long Offered, long Answered) Run(TextReader input)
    {
        var all = _messages.Count;
        var sender = new Thread(Send);
        sender.Start();
        while (input.ReadLine() is { } line)
        {
            _on = line == "on";
        }

        _over = true;
        sender.Join();
        return (all - _messages.Count, _answered);
    }

    public void Dispose() => _socket.Dispose();

    // Sixteen in each network of 24 bits, as a listener bounds what one may ask for.
    private static uint SourceOf(int peer)
    {
        var network = peer / PerNetwork;
        return (127u << 24) | (uint)((1 + (network % Networks)) << 16) | (uint)((network / Networks) << 8) | (uint)(1 + (peer % PerNetwork));
    }

    private void Send()
    {
        var tick = TimeSpan.FromSeconds(PerTick / (double)_rate);
        while (!_over)
        {
            var started = Stopwatch.GetTimestamp();
            for (var i = 0; _on && i < PerTick && _messages.TryDequeue(out var next); i++)
            {
                next.Message.CopyTo(_socket.Next);
                _socket.Queue(next.Source, next.Message.Length, next.Message.Length);
            }

            _socket.Flush();
            _socket.Receive((_, _) => _answered++);
            var left = tick - Stopwatch.GetElapsedTime(started);
            if (left > TimeSpan.Zero)
            {
                Thread.Sleep(left);
            }
        }
    }
}
