using System.Net;
using PacketSec.Crypto;
using PacketSec.Internal;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;

namespace PacketSec.Load.Compare.Contestants;

/// <summary>
/// Many peers of one endpoint in one thread: each has an identity, an address and a machine of its own, and they send in turn. Machines are driven
/// without endpoints, which would need a socket and a thread each.
/// </summary>
internal sealed class PeersFlood : IDisposable
{
    // Well below what an endpoint works on at once.
    private const int DialsAtOnce = 64;
    private const int PeersPerNetwork = 16;

    // A round takes some 30 ms, and no deadline of a peer that only sends is as near as this many of them.
    private const int SettleRounds = 16;
    private const int Networks = 250;

    // Receipts are looked for that seldom: a call takes as many as have come.
    private const int SendsPerReceive = 4;

    private static readonly TimeSpan Sweep = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly int _payload;
    private readonly int _burst;
    private readonly DriverClock _clock = new(TimeProvider.System);
    private readonly ICryptoProvider _crypto = CryptoProvider.Default;
    private readonly PacketAead _aead;
    private readonly ManyAddressSocket _socket;
    private readonly NetworkAddress _target;
    private readonly PeerMachine[] _machines;
    private readonly IdentityKey[] _identities;
    private readonly byte[] _plaintext = new byte[2048];
    private readonly DatagramTo _onDatagram;
    private readonly AheadOf _lookAhead;
    private Instant _now;

    public PeersFlood(int payload, int peers, int burst, int port, PeerId remote)
    {
        _payload = payload;
        _burst = burst;
        _aead = new PacketAead(_crypto);
        _socket = new ManyAddressSocket(port, Math.Max(burst * (payload + SpecLimits.DatagramOverhead), ImplementationLimits.HandshakeMessageSize));
        _target = NetworkAddress.FromEndPoint(new(IPAddress.Loopback, port));
        _onDatagram = HandleDatagram;
        _lookAhead = LookAheadOfReceived;
        var clock = _clock.ReadCalendar();
        _identities = new IdentityKey[peers];
        _machines = new PeerMachine[peers];
        for (var i = 0; i < peers; i++)
        {
            _identities[i] = IdentityKey.Generate(SystemRandomSource.Instance, _crypto);
            _machines[i] = new PeerMachine(new()
            {
                Crypto = _crypto,
                Random = SystemRandomSource.Instance,
                Identity = _identities[i],
                RemotePeer = remote,
                WallClock = clock,
            });
        }
    }

    /// <summary>Dials all, then sends datagrams of all in turn, so many of each at once.</summary>
    public FloodResult Run(int seconds)
    {
        Dial();
        var meter = new FloodMeter(_payload, seconds);
        var payload = FloodPayload.Create(_payload);
        var turn = 0;
        var round = 0;
        var sends = 0;
        for (long index = 0; !meter.SenderIsDone;)
        {
            _now = _clock.Now;
            for (var sent = 0; sent < FloodMeter.LookEvery; sent += _burst)
            {
                LookAhead(turn);
                SendBurst(_machines[turn], payload, ref index);
                if ((turn + round) % SettleRounds == 0)
                {
                    Settle(_machines[turn]);
                }

                turn = After(turn, 1);
                round += turn == 0 ? 1 : 0;
            }

            _socket.Flush();
            meter.Sent(FloodMeter.LookEvery);
            if (++sends % SendsPerReceive == 0)
            {
                Receive();
            }
        }

        return meter.ToSent();
    }

    public void Dispose()
    {
        foreach (var machine in _machines)
        {
            machine.Dispose();
        }

        foreach (var identity in _identities)
        {
            identity.Dispose();
        }

        _aead.Dispose();
        _socket.Dispose();
    }

    // Peers 0 to 15 are 127.1.0.1 to 127.1.0.16, the next 16 are in 127.2.0, and so on: an endpoint bounds what one network may ask for.
    private static uint SourceOf(int peer)
    {
        var network = peer / PeersPerNetwork;
        return (127u << 24) | (uint)((1 + (network % Networks)) << 16) | (uint)((network / Networks) << 8) | (uint)(1 + (peer % PeersPerNetwork));
    }

    private static int PeerOf(uint source)
    {
        var network = (int)((source >> 16) & 255) - 1 + (Networks * (int)((source >> 8) & 255));
        return (network * PeersPerNetwork) + (int)(source & 255) - 1;
    }

    private static uint SourceOf(in PathAddress path) => unchecked((uint)path.Local.Address);

    private PathAddress PathOf(uint source) => new(new(0xFFFF_0000_0000 | (UInt128)source, _socket.Port), _target);

    private void Dial()
    {
        var begun = _now = _clock.Now;
        var swept = begun;
        for (int started = 0, open = 0; open < _machines.Length;)
        {
            while (started < _machines.Length && started - open < DialsAtOnce)
            {
                _machines[started].Connect(_now, PathOf(SourceOf(started)));
                Drain(_machines[started++]);
            }

            _socket.Flush();
            if (Receive() == 0)
            {
                Thread.Sleep(1);
            }

            // They open about in order; the few that stand behind an unfinished one wait to be counted.
            _now = _clock.Now;
            while (open < started && _machines[open].IsOpen)
            {
                open++;
            }

            if (_now - swept > Sweep)
            {
                swept = _now;
                Array.ForEach(_machines[..started], Settle);
            }

            if (_now - begun > Patience)
            {
                throw new TimeoutException($"Only {open} of {_machines.Length} peers connected within {Patience.TotalSeconds} s.");
            }
        }
    }

    /// <summary>Asks for what the next peers need, which thousands of others have driven out of the caches.</summary>
    private void LookAhead(int turn)
    {
        PeerMachine.Fetch(_machines[After(turn, 3)]);
        _machines[After(turn, 2)].FetchState();
        _machines[After(turn, 1)].FetchSendKey();
    }

    // Without a division: four of them for each datagram show in the profile.
    private int After(int turn, int steps)
    {
        for (turn += steps; turn >= _machines.Length;)
        {
            turn -= _machines.Length;
        }

        return turn;
    }

    private void SendBurst(PeerMachine machine, byte[] payload, ref long index)
    {
        var length = 0;
        var size = 0;
        var source = 0u;
        for (var i = 0; i < _burst; i++)
        {
            FloodPayload.SetIndex(payload, index++);
            var result = machine.TrySeal(_now, _aead, payload, _socket.Next[length..], out size, out var path);
            if (result == SealResult.Sealed)
            {
                source = SourceOf(path);
                length += size;
            }
            else if (result != SealResult.Queued)
            {
                throw new InvalidOperationException($"A datagram was refused: {result}.");
            }
        }

        if (length > 0)
        {
            _socket.Queue(source, length, _payload + SpecLimits.DatagramOverhead);
        }
    }

    private int Receive()
    {
        _now = _clock.Now;
        return _socket.Receive(_onDatagram, _lookAhead);
    }

    private void LookAheadOfReceived(uint local, int step)
    {
        var machine = _machines[PeerOf(local)];
        switch (step)
        {
            case 3:
                PeerMachine.Fetch(machine);
                break;
            case 2:
                machine.FetchState();
                break;
            default:
                machine.FetchKeys();
                break;
        }
    }

    private void HandleDatagram(uint local, ReadOnlySpan<byte> datagram)
    {
        var machine = _machines[PeerOf(local)];
        if (!machine.HandleDatagram(_now, _aead, PathOf(local), datagram, _plaintext).NothingPending)
        {
            Drain(machine);
        }
    }

    private void Settle(PeerMachine machine)
    {
        if (machine.NextDeadline <= _now)
        {
            machine.HandleTimeout(_now);
            Drain(machine);
        }
    }

    private void Drain(PeerMachine machine)
    {
        var again = true;
        while (again)
        {
            again = false;
            while (machine.TryPollEvent(out var happened))
            {
                if (happened is PeerEvent.Closed closed)
                {
                    throw new InvalidOperationException($"A peer's channel closed: {closed.Reason}.");
                }
            }

            while (machine.TryPollTransmit(_now, _aead, _socket.Next, out var transmit))
            {
                _socket.Queue(SourceOf(transmit.Path), transmit.Length, transmit.Length);
            }

            while (machine.TryTakeWork(out var work))
            {
                work!.Run();
                machine.Complete(_now, work);
                again = true;
            }
        }
    }
}
