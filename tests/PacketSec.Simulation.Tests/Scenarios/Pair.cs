using PacketSec.Protocol;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Tests.Scenarios;

/// <summary>Two hosts, A who dials and B who listens, with a flow each way and books about both.</summary>
internal sealed class Pair : IDisposable
{
    public static readonly LinkConditions Lan = new() { Latency = TimeSpan.FromMilliseconds(1) };
    public static readonly LinkConditions Wan = new() { Latency = TimeSpan.FromMilliseconds(25) };

    public Pair(ulong seed, LinkConditions? conditions = null, HostOptions? a = null, HostOptions? b = null)
    {
        World = new(seed);
        World.Network.Conditions = conditions ?? Wan;
        A = new(World, Addresses.Host(0x0101), "A", a) { PayloadReceived = (_, payload) => Ledger.Deliver(payload) };
        B = new(World, Addresses.Host(0x0201), "B", b) { PayloadReceived = (_, payload) => Ledger.Deliver(payload) };
        AToB = Ledger.Open("A to B");
        BToA = Ledger.Open("B to A");
    }

    public World World { get; }

    public SimulatedHost A { get; }

    public SimulatedHost B { get; }

    public DeliveryLedger Ledger { get; } = new();

    public Flow AToB { get; }

    public Flow BToA { get; }

    public bool AIsOpen => IsOpen(A, B);

    public bool BIsOpen => IsOpen(B, A);

    /// <summary>Makes a pair whose channel is open at both ends and settled.</summary>
    public static Pair Connected(ulong seed, LinkConditions? conditions = null, HostOptions? a = null, HostOptions? b = null)
    {
        var pair = new Pair(seed, conditions, a, b);
        pair.Dial();
        pair.Check(pair.World.RunUntil(() => pair.AIsOpen && pair.BIsOpen, TimeSpan.FromSeconds(15)), "the channel did not open");
        pair.Run(1);
        return pair;
    }

    public static bool IsOpen(SimulatedHost host, SimulatedHost peer) => host.Find(peer.PeerId)?.Machine.IsOpen == true;

    public void Dial() => A.Connect(B.PeerId, World.Network.PublicAddressOf(B.Address));

    public SealResult SendAToB() => A.Send(B.PeerId, AToB);

    public SealResult SendBToA() => B.Send(A.PeerId, BToA);

    public void Run(double seconds) => World.RunFor(TimeSpan.FromSeconds(seconds));

    /// <summary>Sends at a rate each way, for a time; zero is not at all. B sends while it has an open channel.</summary>
    public void Traffic(double seconds, int perSecondAToB, int perSecondBToA)
    {
        var end = World.Now + TimeSpan.FromSeconds(seconds);
        if (perSecondAToB > 0)
        {
            World.Every(TimeSpan.FromSeconds(1.0 / perSecondAToB), () =>
            {
                SendAToB();
                return World.Now < end;
            });
        }

        if (perSecondBToA > 0)
        {
            World.Every(TimeSpan.FromSeconds(1.0 / perSecondBToA), () =>
            {
                SendBToA();
                return World.Now < end;
            });
        }
    }

    /// <summary>Sends one payload each way and checks that both arrive.</summary>
    public void CheckAlive(double withinSeconds = 1)
    {
        var (there, back) = (AToB.Delivered, BToA.Delivered);
        Check(SendAToB() is SealResult.Sealed or SealResult.Queued, "A cannot send");
        Check(SendBToA() is SealResult.Sealed or SealResult.Queued, "B cannot send");
        Check(
            World.RunUntil(() => AToB.Delivered > there && BToA.Delivered > back, TimeSpan.FromSeconds(withinSeconds)),
            $"the channel is not alive: {AToB}; {BToA}");
    }

    public void CheckNothingLost() => Check(AToB.Lost == 0 && BToA.Lost == 0, $"{AToB}; {BToA}");

    public void CheckNoDropsBut(params DropReason[] allowed) => Check((A.DropsBut(allowed) + B.DropsBut(allowed)).Length == 0, A.DropsBut(allowed) + " " + B.DropsBut(allowed));

    /// <summary>Fails with the seed, the last datagrams and the hosts' events.</summary>
    public void Check(bool condition, string what)
    {
        if (!condition)
        {
            Assert.Fail(World.Report(what) + string.Join(Environment.NewLine, A.Events.Concat(B.Events).OrderBy(e => e.At).TakeLast(60).Select(Describe)));
        }
    }

    public void Dispose()
    {
        A.Dispose();
        B.Dispose();
    }

    private string Describe(HostEvent happened)
        => $"{(happened.At - VirtualClock.Beginning).TotalMilliseconds,14:F3} ms {(A.Events.Contains(happened) ? "A" : "B")} {happened.Event}";
}
