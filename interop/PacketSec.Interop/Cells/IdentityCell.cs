using PacketSec.Interop.Faults;
using PacketSec.Interop.Peers;

namespace PacketSec.Interop.Cells;

/// <summary>The listener is not who the dialler calls: the dial fails with that reason, or by silence, and no session comes about.</summary>
internal sealed class IdentityCell(CellPlace place) : Cell(place)
{
    public override async Task RunAsync(CellRun run)
    {
        await using var listening = await ListenAsync(run, run.Keys.Make("listener"), AnyPort, FullLifetime);
        await using var path = run.OpenPath(listening, FaultProfile.Clean);
        await using var dial = Diallers.Dial(
            new()
            {
                Identity = run.Keys.Make("dialler"),
                Expected = run.Keys.Make("somebody-else"),
                Address = path.EndPoint,
                Mode = Mode,
                Speech = Speech,
                Count = 1,
                EchoTimeout = EchoTimeout,
            },
            run.Token);

        // Who calls by a scheme that hides learns nothing about who does not answer.
        run.Take(await dial.Outcome, Speech.OnlyHides ? EndReason.TimedOut : EndReason.WrongIdentity);
        run.Require(run.Sessions == 0 && listening.Sessions.Count == 0, "there is a session with the wrong identity");
    }
}
