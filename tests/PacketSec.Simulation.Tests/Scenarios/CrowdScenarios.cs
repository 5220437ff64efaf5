using PacketSec.Protocol;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Tests.Scenarios;

/// <summary>Many diallers of one listener: no channel is another's concern.</summary>
public sealed class CrowdScenarios
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Forty_diallers_keep_their_channels_through_rekeys_and_a_restart_of_the_listener(ulong seed)
    {
        using var crowd = new Crowd(seed, 40);
        crowd.World.RunFor(TimeSpan.FromSeconds(2));
        Assert.All(crowd.Diallers, dialler => Assert.True(Pair.IsOpen(dialler, crowd.Listener)));
        crowd.Echo(seconds: 100, perSecond: 5);
        crowd.World.RunFor(TimeSpan.FromSeconds(60));
        Assert.All(crowd.Flows, flow => Assert.True(flow.Lost <= 1, flow.ToString()));
        Assert.Equal("", crowd.Listener.DropsBut(DropReason.Replayed, DropReason.NoHandshake));

        crowd.Listener.Restart();
        var sent = crowd.Flows.Select(flow => flow.Sent).ToList();
        var recovered = crowd.World.RunUntil(() => crowd.Flows.Index().All(flow => flow.Item.LastDelivered >= sent[flow.Index]), TimeSpan.FromSeconds(5));
        Assert.True(recovered, crowd.World.Report(string.Join("; ", crowd.Flows)));
        crowd.World.RunFor(TimeSpan.FromSeconds(45));
        Assert.Equal(40, crowd.Listener.Peers.Count());
        Assert.All(crowd.Flows, flow => Assert.True(flow.Sent - flow.LastDelivered <= 2, flow.ToString()));
    }

    [Fact]
    public void Diallers_behind_one_translator_are_told_apart_by_their_ports()
    {
        using var crowd = new Crowd(1, 8);
        foreach (var (i, dialler) in crowd.Diallers.Index())
        {
            crowd.World.Network.Rebind(dialler.Address, Addresses.Host(0x0C0001, (ushort)(40000 + i)));
        }

        crowd.World.RunFor(TimeSpan.FromSeconds(15));
        crowd.Echo(seconds: 60, perSecond: 10);
        crowd.World.RunFor(TimeSpan.FromSeconds(62));
        Assert.All(crowd.Flows, flow => Assert.Equal(flow.Sent - 1, flow.LastDelivered));
    }

    private sealed class Crowd : IDisposable
    {
        private readonly DeliveryLedger _ledger = new();

        public Crowd(ulong seed, int count)
        {
            World = new(seed);
            World.Network.Conditions = Pair.Wan with { Jitter = TimeSpan.FromMilliseconds(4) };
            var options = new HostOptions { WorkLatency = TimeSpan.FromMilliseconds(3) };
            Listener = new(World, Addresses.Host(0x0201), "listener", options);
            Listener.PayloadReceived = (_, payload) => _ledger.Deliver(payload);
            for (var i = 0; i < count; i++)
            {
                var dialler = new SimulatedHost(World, Addresses.Host(0x010000 + (i << 8)), $"dialler {i}", options);
                Diallers.Add(dialler);
                Flows.Add(_ledger.Open(dialler.Name));
                World.After(TimeSpan.FromMilliseconds(10 * i), () => dialler.Connect(Listener.PeerId, Listener.Address));
            }
        }

        public World World { get; }

        public SimulatedHost Listener { get; }

        public List<SimulatedHost> Diallers { get; } = [];

        public List<Flow> Flows { get; } = [];

        /// <summary>Lets each dialler send at a rate, spread over its interval.</summary>
        public void Echo(double seconds, int perSecond)
        {
            var end = World.Now + TimeSpan.FromSeconds(seconds);
            foreach (var (i, dialler) in Diallers.Index())
            {
                World.After(TimeSpan.FromSeconds(i / (double)Diallers.Count / perSecond), () => World.Every(TimeSpan.FromSeconds(1.0 / perSecond), () =>
                {
                    dialler.Send(Listener.PeerId, Flows[i]);
                    return World.Now < end;
                }));
            }
        }

        public void Dispose()
        {
            Diallers.ForEach(dialler => dialler.Dispose());
            Listener.Dispose();
        }
    }
}
