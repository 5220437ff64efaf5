using PacketSec.Interop.Faults;
using PacketSec.Interop.Peers;

namespace PacketSec.Interop.Cells;

/// <summary>A direct dial to a listener that serves negotiations only comes to nothing at its deadline, and leaves nothing that harms a later one.</summary>
internal sealed class DirectRefusedCell(CellPlace place) : Cell(place)
{
    private const int Datagrams = 10;

    // More than the 10 s that a dial has, so that the Go peer tells how that ended.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(12);

    public override async Task RunAsync(CellRun run)
    {
        var identity = run.Keys.Make("listener");
        await using var listening = await ListenAsync(run, identity, AnyPort, FullLifetime);
        await using var path = run.OpenPath(listening, FaultProfile.Clean);
        var plan = new DialPlan
        {
            Identity = run.Keys.Make("dialler"),
            Expected = identity,
            Address = path.EndPoint,
            Mode = PeerMode.Direct,
            Count = Datagrams,
            ConnectTimeout = Timeout,
            EchoTimeout = EchoTimeout,
        };
        await using var direct = Diallers.Dial(plan, run.Token);
        run.Take(await direct.Outcome, EndReason.TimedOut);
        run.Require(run.Sessions == 0 && listening.Sessions.Count == 0, "a direct dial led to a session");
        run.Require(path.Counts(PacketClass.Handshake, PacketDirection.ToDialler).Received == 0, "a direct dial was answered");

        await using var negotiated = Diallers.Dial(plan with { Mode = PeerMode.Psec }, run.Token);
        var outcome = await negotiated.Outcome;
        run.Take(outcome, EndReason.Finished);
        run.Require(outcome.Echoed == Datagrams, $"{outcome.Lost} datagrams are lost");
        await RequireAgreementAsync(run, outcome.Sessions, listening);
    }
}
