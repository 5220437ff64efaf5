using PacketSec.Interop.Faults;
using PacketSec.Interop.Peers;

namespace PacketSec.Interop.Cells;

/// <summary>
/// Several diallers at once open channels through a path with faults and have every datagram echoed. What gets lost is at most what the path
/// corrupted; nothing comes twice or changed.
/// </summary>
internal sealed class TrafficCell(CellPlace place, FaultProfile profile, int diallerCount) : Cell(place)
{
    // Few enough that the tenth of them that two corrupting directions take does not fill the window.
    private const int DatagramCount = 120;

    // Each cell whose path corrupts data waits for it. What a listener holds until a finish that was lost is there by then.
    private static readonly TimeSpan LossTimeout = TimeSpan.FromSeconds(3);

    public override async Task RunAsync(CellRun run)
    {
        var identity = run.Keys.Make("listener");
        await using var listening = await ListenAsync(run, identity, AnyPort, FullLifetime);
        await using var path = run.OpenPath(listening, profile);
        var dials = Enumerable.Range(0, diallerCount).Select(number => Diallers.Dial(
            new()
            {
                Identity = run.Keys.Make($"dialler{number}"),
                Expected = identity,
                Address = path.EndPoint,
                Mode = Mode,
                Speech = Speech,
                Count = DatagramCount,
                EchoTimeout = LossTimeout,
            },
            run.Token)).ToList();
        try
        {
            var outcomes = await Task.WhenAll(dials.Select(dial => dial.Outcome));
            foreach (var outcome in outcomes)
            {
                run.Take(outcome, EndReason.Finished);
                run.Require(outcome.Sent == DatagramCount, $"only {outcome.Sent} datagrams were sent");
            }

            await RequireAgreementAsync(run, [.. outcomes.SelectMany(outcome => outcome.Sessions)], listening);
        }
        finally
        {
            foreach (var dial in dials)
            {
                await dial.DisposeAsync();
            }
        }

        var corrupted = path.Counts(PacketClass.Data).Corrupted;
        run.Require(run.Sent - run.Echoed <= corrupted, $"{run.Sent - run.Echoed} datagrams are lost, but the path corrupted only {corrupted}");
        run.Require(path.Counts(PacketClass.Data).Cut + path.Counts(PacketClass.Handshake).Cut == 0, "the traffic went over the bounds of the path");
    }
}
