using PacketSec.Interop.Faults;
using PacketSec.Interop.Peers;

namespace PacketSec.Interop.Cells;

/// <summary>The dialler lacks the key of the listener's network: it is not answered, and no session comes about.</summary>
internal sealed class StrangerCell(CellPlace place) : Cell(place)
{
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
                Count = 1,
                EchoTimeout = EchoTimeout,
            },
            run.Token);
        run.Take(await dial.Outcome, EndReason.TimedOut);
        run.Require(run.Sessions == 0 && listening.Sessions.Count == 0, "there is a session with a stranger");
        var answers = path.Counts(PacketClass.Handshake, PacketDirection.ToDialler).Received;
        run.Require(Mode == PeerMode.Psec || answers == 0, $"a stranger got {answers} answers");
    }
}
