using PacketSec.Interop.Faults;
using PacketSec.Interop.Peers;
using PacketSec.Simulation;

namespace PacketSec.Interop.Cells;

/// <summary>
/// Two peers dial each other, again and again with other keys and faults. Each run must end with one session, the same at both ends, with one initiator,
/// which is the smaller peer ID where both proposals crossed and show it; and datagrams go both ways.
/// </summary>
internal sealed class SimultaneousCell(CellPlace place, FaultProfile profile) : Cell(place)
{
    /// <summary>What each datagram takes: proposals sent within this time cross.</summary>
    public static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(5);

    private const int Datagrams = 20;

    // Timing alone would make few proposals cross: a process takes longer to start than a datagram to arrive.
    private const double HeldShare = 0.75;

    private const int ToldFailures = 5;

    /// <summary>Gets or sets which runs there are; a run is a function of its number, as far as the peers are.</summary>
    public IReadOnlyList<int> Numbers { get; set; } = [0];

    public override TimeSpan Limit => Ceiling * Numbers.Count;

    public override async Task RunAsync(CellRun run)
    {
        var failures = new List<(int Number, string Text)>();
        var meetings = new Meetings();
        foreach (var number in Numbers)
        {
            var seed = Seeds.For(run.Seed, $"run {number}");
            try
            {
                meetings += await MeetAsync(run, number, seed);
            }
            catch (CellFailure failure)
            {
                meetings += new Meetings(Runs: 1, Failed: 1);
                failures.Add((number, $"run {number}, seed {seed:x16}: {failure.Message}"));
            }

            run.Meetings = meetings;
        }

        if (failures.Count > 0)
        {
            var told = string.Join("; ", failures.Take(ToldFailures).Select(failure => failure.Text));
            throw new CellFailure(told) { Repeat = $"--run {failures[0].Number}" };
        }
    }

    private async Task<Meetings> MeetAsync(CellRun run, int number, ulong seed)
    {
        using var ceiling = CancellationTokenSource.CreateLinkedTokenSource(run.Token);
        ceiling.CancelAfter(Ceiling);
        var random = new DeterministicRandom(seed);
        var leftKey = run.Keys.Make($"left{number}", random.NextUInt64());
        var rightKey = run.Keys.Make($"right{number}", random.NextUInt64());
        await using var left = Diallers.Both(new() { Identity = leftKey, Expected = rightKey, Count = Datagrams, Speech = Speech }, ceiling.Token);
        await using var right = Listeners.Both(new() { Identity = rightKey, Expected = leftKey, Count = Datagrams, Speech = Speech.OfListener }, ceiling.Token);
        var holds = random.Chance(HeldShare);
        await using var path = new TwoWayProxy(profile, seed, holds, left.Address, right.Address);
        run.Add(path);

        // A process that listens from its dial on cannot be reached before: it dials first.
        var leftBegins = (left.Address is null) == (right.Address is null) ? random.Chance(0.5) : left.Address is null;
        var headStart = random.NextDuration(3 * Latency);
        var first = leftBegins ? left.DialAsync(path.ForLeft) : right.DialAsync(path.ForRight);
        if (!holds)
        {
            await Task.WhenAny(first, leftBegins ? path.LeftSent : path.RightSent);
            await Task.Delay(headStart, run.Token);
        }

        var second = leftBegins ? right.DialAsync(path.ForRight) : left.DialAsync(path.ForLeft);
        var (atLeft, atRight) = leftBegins ? (await first, await second) : (await second, await first);
        run.Count(atLeft.Dial);
        run.Count(atRight.Dial);
        RequireOneSession(run, atLeft, atRight);
        var (leftEnd, rightEnd) = (atLeft.Dial.Sessions[0], atRight.Dial.Sessions[0]);
        var isSimultaneous = leftEnd.Case == SessionCase.Simultaneous;
        var leftLeads = leftKey.Id.Multihash.SequenceCompareTo(rightKey.Id.Multihash) < 0;
        run.Require(!isSimultaneous || Speech.HidesIds || leftEnd.Initiated == leftLeads, "the session's initiator is not the smaller peer ID");
        run.Require(!path.Crossed || isSimultaneous, "the proposals crossed, but one was accepted");
        return new(1, 0, path.Crossed ? 1 : 0, isSimultaneous ? 1 : 0, rightEnd.Case == SessionCase.Standard ? 1 : 0);
    }

    private static void RequireOneSession(CellRun run, BothOutcome left, BothOutcome right)
    {
        foreach (var (side, end) in new[] { ("left", left), ("right", right) })
        {
            var dial = end.Dial;
            run.Require(
                dial.Reason is EndReason.Finished or EndReason.PeerClosed && dial.Sent == Datagrams && dial.Echoed == Datagrams && dial.Duplicated == 0,
                $"the {side} dial ended as {dial.Reason}, with {dial.Echoed} echoes of {dial.Sent}, {dial.Duplicated} twice: {dial.Detail}");
            run.Require(end.Channels == 1 && dial.Sessions.Count == 1, $"the {side} end has {dial.Sessions.Count} sessions in {end.Channels} channels");
        }

        var (one, other) = (left.Dial.Sessions[0], right.Dial.Sessions[0]);
        run.Require(one.Transcript is not null && one.Transcript == other.Transcript, $"the transcripts are {one.Transcript} and {other.Transcript}");
        run.Require(one.Case == other.Case, $"the cases are {one.Case} and {other.Case}");
        run.Require(one.Binding == other.Binding || one.Binding is null || other.Binding is null, "the two ends have different sessions");
        run.Require(one.Scheme == other.Scheme, $"the schemes are {one.Scheme} and {other.Scheme}");
        run.Require(one.Initiated != other.Initiated, $"both ends {(one.Initiated ? "initiated" : "answered")}");
    }
}
