using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Hosts;

/// <summary>
/// A listener under proposals from many addresses, none of which answers, while honest peers dial it: what it keeps, sends, and lets in.
/// </summary>
/// <param name="seed">The world's seed.</param>
/// <param name="proposals">How many are sent, each of an attempt of its own.</param>
/// <param name="addresses">From how many addresses.</param>
/// <param name="perSecond">How many in one second of virtual time.</param>
/// <param name="honest">How many peers dial meanwhile, one after the other.</param>
public sealed class ProposalFlood(ulong seed, int proposals, int addresses, int perSecond, int honest)
{
    private static readonly ProposalOptions Proposal = new() { Schemes = ["p2pke-1"] };

    private readonly World _world = new(seed);
    private readonly Dictionary<NetworkAddress, long> _received = [];
    private readonly Dictionary<NetworkAddress, long> _sent = [];
    private readonly HashSet<NetworkAddress> _honest = [];

    /// <summary>What came of it.</summary>
    /// <param name="Proposals">Proposals of strangers.</param>
    /// <param name="HonestDials">Dials of honest peers.</param>
    /// <param name="HonestOpened">Those that led to a channel at both ends within their deadline.</param>
    /// <param name="Retries">Proposals answered by a retry.</param>
    /// <param name="BytesIn">Bytes from strangers.</param>
    /// <param name="BytesOut">Bytes to them.</param>
    /// <param name="AddressesAmplified">Strangers' addresses to which more bytes went than came from there.</param>
    /// <param name="MostServed">The most proposals that were being served at once.</param>
    /// <param name="ServedAfterwards">Those still served when all is over.</param>
    /// <param name="ManagedBytes">Managed memory after each tenth of the flood, collected.</param>
    public sealed record Outcome(
        long Proposals, int HonestDials, int HonestOpened, long Retries, long BytesIn, long BytesOut, int AddressesAmplified, int MostServed,
        int ServedAfterwards, IReadOnlyList<long> ManagedBytes);

    /// <summary>Runs it all.</summary>
    /// <param name="progress">Told after each tenth.</param>
    public Outcome Run(Action<int>? progress = null)
    {
        var options = new HostOptions { DirectScheme = null, Schemes = ["p2pke-1"], Proposal = Proposal };
        using var listener = new SimulatedHost(_world, Addresses.Host(1), "listener", options);
        _world.Network.Conditions = new LinkConditions { Latency = TimeSpan.FromMilliseconds(5) };
        _world.Network.AddTap((in TappedDatagram datagram) =>
        {
            if (datagram.From == listener.Address && !_honest.Contains(datagram.To))
            {
                _sent[datagram.To] = _sent.GetValueOrDefault(datagram.To) + datagram.Bytes.Length;

                // Nobody is there.
                return TapVerdict.Drop;
            }

            return TapVerdict.Pass;
        });
        var hosts = Enumerable.Range(0, honest).Select(i => new SimulatedHost(_world, Addresses.Host(0x800000 + (i << 8)), $"honest {i}", options)).ToList();
        _honest.UnionWith(hosts.Select(host => host.Address));
        for (var i = 0; i < addresses; i++)
        {
            // The adversary's own books have their full size from the beginning: what grows is the listener's.
            _received[AddressOf(i)] = _sent[AddressOf(i)] = 0;
        }

        var random = _world.Random.Fork();
        var memory = new List<long>();
        var most = 0;
        var opened = 0;
        for (var i = 0; i < proposals; i++)
        {
            if (i % (proposals / honest) == proposals / honest / 2)
            {
                hosts[i / (proposals / honest)].Connect(listener.PeerId, listener.Address);
            }

            Send(listener, i, random);
            most = Math.Max(most, listener.Endpoint.ProposalsServed);
            if (i % 100 == 0)
            {
                opened += CloseOpened(listener, hosts);
            }

            _world.RunFor(TimeSpan.FromSeconds(1.0 / perSecond));
            if ((i + 1) % (proposals / 10) == 0)
            {
                memory.Add(GC.GetTotalMemory(forceFullCollection: true));
                progress?.Invoke((i + 1) / (proposals / 10));
            }
        }

        _world.RunFor(SpecLimits.DialDeadline + TimeSpan.FromSeconds(1));
        opened += CloseOpened(listener, hosts);
        var outcome = new Outcome(
            proposals, honest, opened, listener.Endpoint.RetriesSent, _received.Values.Sum(), _sent.Values.Sum(),
            _sent.Count(pair => pair.Value > _received[pair.Key]), most, listener.Endpoint.ProposalsServed, memory);
        hosts.ForEach(host => host.Dispose());
        return outcome;
    }

    /// <summary>Counts the honest dials that have led to a channel at both ends, and ends these channels.</summary>
    private static int CloseOpened(SimulatedHost listener, List<SimulatedHost> hosts)
    {
        var opened = hosts.FindAll(host => host.Find(listener.PeerId)?.Machine.IsOpen == true && listener.Find(host.PeerId)?.Machine.IsOpen == true);
        opened.ForEach(host => host.Close(listener.PeerId));
        return opened.Count;
    }

    private NetworkAddress AddressOf(int number) => Addresses.Host(0x010000 + (number % addresses));

    private void Send(SimulatedHost listener, int number, DeterministicRandom random)
    {
        var from = AddressOf(number);
        var id = new byte[34];
        (id[0], id[1]) = (0x12, 32);
        random.NextBytes(32).CopyTo(id, 2);
        string[] strings = ["p2pke-1", $"{PsecFrame.AttemptPrefix}{number:D22}", PsecFrame.Retry];
        var packet = ProposalFrame.Encode(id, strings, random.NextBytes(200));
        _received[from] = _received.GetValueOrDefault(from) + packet.Length;
        listener.OnDatagram(_world.Now, new(listener.Address, from), packet);
    }
}
