using PacketSec.Interop.Faults;
using PacketSec.Interop.Peers;

namespace PacketSec.Interop.Cells;

/// <summary>Who renews the sessions of a <see cref="RekeyCell"/>: the side whose sessions are short-lived.</summary>
internal enum RekeyBy
{
    Dialler,
    Listener,
}

/// <summary>Traffic goes on while sessions are renewed several times, and no datagram is lost on a path that loses nothing.</summary>
internal sealed class RekeyCell(CellPlace place, RekeyBy by, FaultProfile profile) : Cell(place)
{
    // When the first copy of an InitHello is lost, the responder's clock of that session starts with the second one, 250 ms later. The time between the
    // end of sending and that of receiving covers this with lifetimes of 60 s, when it is 5 s, but not with short ones, when it is 0.2 s. So with that
    // loss some datagrams may come too late on a session whose successor is not there yet; what the cell shows is that the channel always goes on.
    private const int LossAllowance = DatagramCount / 20;

    private const int DatagramCount = 800;
    private const int Rekeys = 3;

    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(8);

    public override async Task RunAsync(CellRun run)
    {
        var identity = run.Keys.Make("listener");
        await using var listening = await ListenAsync(run, identity, AnyPort, ShortLifetime);
        await using var path = run.OpenPath(listening, profile);
        await using var dial = Diallers.Dial(
            new()
            {
                Identity = run.Keys.Make("dialler"),
                Expected = identity,
                Address = path.EndPoint,
                Mode = Mode,
                Speech = Speech,
                Count = DatagramCount,
                Duration = Duration,
                EchoTimeout = EchoTimeout,

                // With sessions of its own that live long, the dialler leaves the rekeys to the listener.
                Lifetime = by == RekeyBy.Dialler ? ShortLifetime : FullLifetime,
            },
            run.Token);
        var outcome = await dial.Outcome;
        run.Take(outcome, EndReason.Finished);
        await RequireAgreementAsync(run, outcome.Sessions, listening);
        var sessions = listening.Sessions;
        var initiated = sessions.Count(session => session.Initiated);
        run.Require(outcome.Sent == DatagramCount, $"only {outcome.Sent} datagrams were sent");
        var allowance = profile.Handshake.Loss > 0 ? LossAllowance : 0;
        run.Require(outcome.Lost <= allowance, $"{outcome.Lost} datagrams are lost: {outcome.Detail}");
        run.Require(
            outcome.Sessions.Count > Rekeys && sessions.Count > Rekeys,
            $"there were only {outcome.Sessions.Count} sessions at the dialler, {sessions.Count} at the listener");
        run.Require(by == RekeyBy.Dialler || initiated >= Rekeys, $"the listener initiated only {initiated} sessions");

        // Where copies get lost, a rekey may go without an answer for so long that a new negotiation takes its place.
        var agreements = outcome.Sessions.Concat(sessions).Select(session => session.Transcript).Distinct().Count();
        run.Require(agreements == 1 || profile.Handshake.Loss > 0, $"there were {agreements} agreements: a rekey keeps its channel's");
    }
}
