using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;
using PacketSec.Simulation.Tests.Scenarios;

namespace PacketSec.Simulation.Tests.Negotiation;

/// <summary>Two hosts that negotiate, and what the negotiation put on the wire.</summary>
internal sealed class PsecPair : IDisposable
{
    /// <summary>A scheme that hides identities as far as the negotiation is concerned; its handshake is that of <c>p2pke-1</c>.</summary>
    public const string Hiding = "test-hiding-1";

    public static readonly SchemeCatalogue WithHiding = new([.. SchemeCatalogue.Default.All, new P2pkeScheme(Hiding, hidesIdentity: true)]);

    private readonly Pair _pair;

    public PsecPair(ulong seed, LinkConditions? conditions = null, HostOptions? a = null, HostOptions? b = null, bool aLeads = true)
    {
        // The generator decides the identities: the next world has others.
        while (true)
        {
            _pair = new(seed, conditions, a ?? Options(), b ?? Options());
            if (LeaderElection.Compare(A.PeerId.Multihash, B.PeerId.Multihash) < 0 == aLeads)
            {
                break;
            }

            _pair.Dispose();
            seed += 1_000_003;
        }

        World.Network.AddTap(Tap);
    }

    public RecordingTap Tap { get; } = new();

    public Pair Pair => _pair;

    public World World => _pair.World;

    public SimulatedHost A => _pair.A;

    public SimulatedHost B => _pair.B;

    public bool BothOpen => _pair.AIsOpen && _pair.BIsOpen;

    public static ProposalOptions Proposal(params string[] schemes) => new() { Schemes = schemes.Length == 0 ? ["p2pke-1"] : schemes };

    public static HostOptions Options(ProposalOptions? proposal = null, params string[] served) => new()
    {
        DirectScheme = null,
        Schemes = served.Length == 0 ? ["p2pke-1"] : served,
        Proposal = proposal ?? Proposal(),
        Catalogue = WithHiding,
    };

    public void DialFromA() => A.Connect(B.PeerId, World.Network.PublicAddressOf(B.Address));

    public void DialFromB() => B.Connect(A.PeerId, World.Network.PublicAddressOf(A.Address));

    public void RunUntilOpen(double withinSeconds = 12)
        => Check(World.RunUntil(() => BothOpen, TimeSpan.FromSeconds(withinSeconds)), "the channel did not open at both ends");

    public void Check(bool condition, string what) => _pair.Check(condition, what);

    /// <summary>Returns the sessions that counted as confirmed at a host.</summary>
    public static List<PeerEvent.SessionConfirmed> Sessions(SimulatedHost host) => [.. host.EventsOf<PeerEvent.SessionConfirmed>()];

    /// <summary>Checks that each end confirmed one session, both under one agreement, and that one side initiated it.</summary>
    public (PeerEvent.SessionConfirmed A, PeerEvent.SessionConfirmed B) CheckOneSession()
    {
        var (a, b) = (Sessions(A), Sessions(B));
        Check(a.Count == 1 && b.Count == 1, $"A confirmed {a.Count} sessions, B {b.Count}");
        Check(a[0].Agreement is not null && a[0].Agreement!.Equals(b[0].Agreement), $"A agreed on {a[0].Agreement}, B on {b[0].Agreement}");
        Check(a[0].Agreement!.Scheme == b[0].Agreement!.Scheme && a[0].Agreement!.Case == b[0].Agreement!.Case, "case or scheme differ");
        Check(a[0].Role != b[0].Role, $"both are {a[0].Role}");
        return (a[0], b[0]);
    }

    /// <summary>Checks that both ends confirmed as many sessions, all by one initiator and under one agreement.</summary>
    public void CheckSessionsOfOneAgreement(int most)
    {
        var (a, b) = (Sessions(A), Sessions(B));
        Check(a.Count == b.Count && a.Count >= 1 && a.Count <= most, $"A confirmed {a.Count} sessions, B {b.Count}");
        Check(a.Concat(b).All(session => a[0].Agreement!.Equals(session.Agreement)), "the sessions were agreed on differently");
        Check(a.All(session => session.Role == a[0].Role) && b.All(session => session.Role != a[0].Role), "the sessions differ in who initiated");
    }

    public void Dispose() => _pair.Dispose();
}
