using PacketSec.Interop.Faults;
using PacketSec.Interop.Peers;

namespace PacketSec.Interop.Cells;

/// <summary>One side closes; the other one learns it by the closing message.</summary>
internal sealed class CloseCell(CellPlace place, bool byDialler) : Cell(place)
{
    private const int Datagrams = 50;

    public override async Task RunAsync(CellRun run)
    {
        var identity = run.Keys.Make("listener");
        await using var listening = await ListenAsync(run, identity, AnyPort, FullLifetime);
        await using var path = run.OpenPath(listening, FaultProfile.Clean);
        await using var dial = Diallers.Dial(
            new()
            {
                Identity = run.Keys.Make("dialler"),
                Expected = identity,
                Address = path.EndPoint,
                Mode = Mode,
                Speech = Speech,
                Count = byDialler ? Datagrams : Datagrams * 100,
                Duration = byDialler ? TimeSpan.Zero : Ceiling,
                EchoTimeout = EchoTimeout,
            },
            run.Token);
        if (byDialler)
        {
            var outcome = await dial.Outcome;
            run.Take(outcome, EndReason.Finished);
            var end = await listening.NextEndAsync(run.Token);
            run.Require(end == EndReason.PeerClosed, $"the listener's channel ended as {end}");
            await RequireAgreementAsync(run, outcome.Sessions, listening);
            return;
        }

        await UntilAnsweredAsync(run, path, dial, Datagrams);
        await listening.StopAsync(run.Token);
        var cutOff = await dial.Outcome;
        run.Take(cutOff, EndReason.PeerClosed);
        await RequireAgreementAsync(run, cutOff.Sessions, listening);
    }
}
