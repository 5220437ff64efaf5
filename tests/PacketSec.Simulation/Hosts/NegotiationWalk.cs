using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Hosts;

/// <summary>
/// A walk through what can happen to two hosts that negotiate, with real cryptography: dials, cancellations, restarts, a bad network, and forged and
/// stale frames, all of one seed. Then the network is well and one host dials: both must end with a channel that carries data both ways.
/// </summary>
public sealed class NegotiationWalk : IDisposable
{
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(25);

    private readonly World _world;
    private readonly DeterministicRandom _random;
    private readonly RecordingTap _tap = new();
    private readonly SimulatedHost[] _hosts;
    private readonly DeliveryLedger _ledger = new();
    private readonly Flow[] _flows;
    private readonly bool _hasAdversary;
    private readonly bool[] _restarted = new bool[2];
    private bool _isDisturbed;

    /// <summary>Prepares a walk.</summary>
    /// <param name="seed">Decides everything.</param>
    public NegotiationWalk(ulong seed)
    {
        Seed = seed;
        _world = new(seed);
        _random = _world.Random.Fork();
        _hasAdversary = _random.NextUInt64() % 3 != 0;
        _hosts = [NewHost(0), NewHost(1)];
        _flows = [_ledger.Open("A to B"), _ledger.Open("B to A")];
        _world.Network.AddTap(_tap);
    }

    public ulong Seed { get; }

    /// <summary>Gets the datagrams that were sent.</summary>
    public int Datagrams => _tap.Datagrams.Count;

    /// <summary>Walks.</summary>
    /// <returns>What does not hold, or null.</returns>
    public string? Run()
    {
        var steps = 5 + (int)(_random.NextUInt64() % 40);
        Dial(0);
        for (var i = 0; i < steps; i++)
        {
            Step();
            _world.RunFor(_random.NextDuration(TimeSpan.FromMilliseconds(400)));
        }

        _world.Network.Conditions = new() { Latency = TimeSpan.FromMilliseconds(20) };
        var problem = _isDisturbed ? null : CheckUndisturbed();
        Dial(_random.NextUInt64() % 2 == 0 ? 0 : 1, always: true);
        _world.RunFor(Calm);
        return problem ?? CheckCommonSession() ?? CheckAgreements();
    }

    /// <summary>Returns what happened last, for a failure.</summary>
    public string Report(string problem) => _world.Report($"{problem} ({(_hasAdversary ? "with" : "without")} an adversary)") + string.Join(
        Environment.NewLine,
        _hosts.SelectMany(host => host.Events.Select(happened => (happened.At, Text: $"{host.Name} {happened.Event}")))
            .OrderBy(line => line.At).TakeLast(60).Select(line => $"{(line.At - VirtualClock.Beginning).TotalMilliseconds,12:F3} ms {line.Text}"));

    public void Dispose()
    {
        foreach (var host in _hosts)
        {
            host.Dispose();
        }
    }

    private SimulatedHost NewHost(int number)
    {
        var proposal = new ProposalOptions { Schemes = ["p2pke-1"], EmbedFirstPacket = _random.NextUInt64() % 2 == 0 };
        return new(_world, Addresses.Host(0x0101 + (number << 8)), number == 0 ? "A" : "B", new()
        {
            DirectScheme = _random.NextUInt64() % 4 == 0 ? "p2pke-1" : null,
            Schemes = ["p2pke-1"],
            Proposal = proposal,
            WorkLatency = _random.NextUInt64() % 2 == 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(30),
        })
        {
            PayloadReceived = (_, payload) => _ledger.Deliver(payload),
        };
    }

    private void Step()
    {
        var host = (int)(_random.NextUInt64() % 2);
        switch (_random.NextUInt64() % 10)
        {
            case 0 or 1:
                Dial(host);
                break;
            case 2:
                Cancel(host);
                break;
            case 3:
                Restart(host);
                break;
            case 4 or 5:
                _world.Network.Conditions = new()
                {
                    Latency = TimeSpan.FromMilliseconds(20),
                    Jitter = TimeSpan.FromMilliseconds(_random.NextUInt64() % 100),
                    Loss = _random.NextUInt64() % 6 / 10.0,
                    Duplication = _random.NextUInt64() % 4 / 10.0,
                };
                break;
            default:
                Forge(host);
                break;
        }
    }

    /// <summary>Dials, unless there is a channel that heard something lately: a driver returns that one.</summary>
    private void Dial(int host, bool always = false)
    {
        var peer = _hosts[1 - host];
        var machine = _hosts[host].Find(peer.PeerId)?.Machine;
        if (always || machine?.HeardWithin(_world.Now, TimeSpan.FromSeconds(10)) != true)
        {
            // A channel that heard nothing for long is renegotiated, and gets a second session.
            _isDisturbed |= machine?.IsOpen == true;
            _hosts[host].Connect(peer.PeerId, peer.Address);
        }
    }

    private void Cancel(int host)
    {
        var peer = _hosts[1 - host].PeerId;
        if (_hosts[host].Find(peer)?.Machine is { IsOpen: false, IsClosing: false } && _random.NextUInt64() % 2 == 0)
        {
            _isDisturbed = true;
            _hosts[host].CancelConnect(peer);
        }
    }

    private void Restart(int host)
    {
        if (!_restarted[host] && _random.NextUInt64() % 3 == 0)
        {
            _isDisturbed = _restarted[host] = true;
            _hosts[host].Restart();
        }
    }

    private void Forge(int victim)
    {
        if (!_hasAdversary)
        {
            return;
        }

        var (from, to) = (_hosts[1 - victim].Address, _hosts[victim].Address);
        var seen = _tap.Datagrams.Where(datagram => datagram.From == from).ToList();
        byte[] forged = (_random.NextUInt64() % 6) switch
        {
            0 when seen.Count > 0 => seen[(int)(_random.NextUInt64() % (ulong)seen.Count)].Bytes,
            1 => Accept("p2pke-1"),
            2 => [0xFF],
            3 => ProposalFrame.Encode([0x12, 32, .. _random.NextBytes(32)], ["p2pke-1", PsecFrame.AttemptPrefix + "AAAAAAAAAAAAAAAAAAAAAA", PsecFrame.Retry]),
            4 => Accept(PsecFrame.RetryPrefix + "AAAA"),
            5 when seen.Find(datagram => datagram.Bytes is [0, 0, 0, 0, ..]) is { } hello => [0, 0, 0, 0, .. _random.NextBytes(32), .. hello.Bytes[36..]],
            _ => Accept("another"),
        };
        _isDisturbed = true;
        _world.Network.Inject(from, to, forged);
    }

    private static byte[] Accept(string scheme)
    {
        var frame = new AcceptFrame(PsecFrame.ToBytes(scheme));
        var bytes = new byte[frame.EncodedLength];
        WireMessage.Write(frame, bytes);
        return bytes;
    }

    private string? CheckCommonSession()
    {
        var (a, b) = (_hosts[0], _hosts[1]);

        // A peer that restarted just after it confirmed is noticed by its silence, once there is something to say.
        for (var i = 0; i < 20; i++)
        {
            a.Send(b.PeerId, _flows[0]);
            b.Send(a.PeerId, _flows[1]);
            _world.RunFor(TimeSpan.FromMilliseconds(500));
        }

        if (a.Find(b.PeerId)?.Machine.IsOpen != true || b.Find(a.PeerId)?.Machine.IsOpen != true)
        {
            return $"the network was well, and there is no channel at both ends ({Describe(a, b)}; {Describe(b, a)})";
        }

        var (there, back) = (_flows[0].Delivered, _flows[1].Delivered);
        a.Send(b.PeerId, _flows[0]);
        b.Send(a.PeerId, _flows[1]);
        _world.RunFor(TimeSpan.FromSeconds(3));
        return _flows[0].Delivered > there && _flows[1].Delivered > back ? null : $"a channel is open and carries nothing: {_flows[0]}; {_flows[1]}";
    }

    private static string Describe(SimulatedHost host, SimulatedHost peer)
        => string.Join(", ", host.Peers.Where(found => found.Identity.Equals(peer.PeerId)).Select(found => $"{host.Name} open {found.Machine.IsOpen} closing {found.Machine.IsClosing} timer {found.Machine.NextTimer}"));

    /// <summary>Two ends of one agreement have one scheme and different roles.</summary>
    private string? CheckAgreements()
    {
        var there = _hosts[0].EventsOf<PeerEvent.SessionConfirmed>().Where(session => session.Agreement is not null).ToList();
        foreach (var session in _hosts[1].EventsOf<PeerEvent.SessionConfirmed>().Where(session => session.Agreement is not null))
        {
            var same = there.FindAll(other => session.Agreement!.Equals(other.Agreement));
            if (same.Exists(other => other.Agreement!.Scheme != session.Agreement!.Scheme || other.Agreement.Case != session.Agreement.Case))
            {
                return $"the ends of {session.Agreement} differ in scheme or case";
            }

            if (same.Count > 0 && !same.Exists(other => other.Role != session.Role))
            {
                return $"both ends of {session.Agreement} believe to be {session.Role}";
            }
        }

        return null;
    }

    /// <summary>Nobody cancelled, restarted or forged: there is one session, or none where the network let none through.</summary>
    private string? CheckUndisturbed()
    {
        // What is under way is given its time.
        _world.RunFor(SpecLimits.DialDeadline + TimeSpan.FromSeconds(2));
        var (a, b) = (_hosts[0].EventsOf<PeerEvent.SessionConfirmed>().ToList(), _hosts[1].EventsOf<PeerEvent.SessionConfirmed>().ToList());
        return a.Count <= 1 && b.Count <= 1 && (a.Count == 0 || b.Count == 0 || a[0].Agreement!.Equals(b[0].Agreement))
            ? null
            : $"without a disturbance A confirmed {a.Count} sessions and B {b.Count}";
    }
}
