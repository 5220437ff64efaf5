using System.Globalization;
using PacketSec.Load.Compare.Contestants;
using PacketSec.TestSupport;

namespace PacketSec.Load.Compare;

/// <summary>Measures ours and the program in C in turn at each point.</summary>
internal sealed class Sweep(Programs programs, int pairs, int seconds, bool pin, CancellationToken cancellationToken)
{
    private static readonly int[] Bursts = [16, 1];

    /// <exception cref="ContestException">The system lacks what the batches need.</exception>
    public static void Require(Machine machine)
    {
        if (!machine.HasSegments)
        {
            throw new ContestException(
                "The system has no UDP_SEGMENT or UDP_GRO (Linux 5.0 and later have), without which there are no batches to sweep: compare --only single still works.");
        }
    }

    public SweepReport Run(Machine machine, IReadOnlyList<int> payloads, IReadOnlyList<int> peers)
    {
        List<PayloadPoint> ofPayloads = [.. payloads.Select(payload => new PayloadPoint(
            payload, OursSender.BatchOf(payload), Measure(Comparisons.OfPayload(programs, seconds, payload), payload)))];
        List<PeersPoint> ofPeers = [.. Bursts.SelectMany(burst => peers.Select(count => new PeersPoint(
            count, burst, Measure(Comparisons.OfPeers(programs, seconds, count, burst), Comparisons.Payload))))];
        var stages = MeasureStages();
        return new(machine with { OpenSsl = programs.Versions }, pairs, seconds, pin, Comparisons.Payload, ofPayloads, ofPeers, stages);
    }

    private ComparisonResult Measure(Comparison comparison, int payload)
    {
        var contest = new Contest(payload, pin, cancellationToken);
        return ComparisonResult.Of(
            comparison, PairedRatios.Collect(pairs, () => Ran(contest, comparison.Name, comparison.Ours), () => Ran(contest, comparison.Name, comparison.Other)));
    }

    private IReadOnlyList<SideStages> MeasureStages()
    {
        string[] options = ["--payload", Comparisons.Payload.ToString(CultureInfo.InvariantCulture)];
        var comparison = Comparisons.OfPayload(programs, seconds, Comparisons.Payload);
        var contest = new Contest(Comparisons.Payload, pin, cancellationToken);
        var measured = PairedRatios.Collect(
            pairs,
            () => Stages(comparison.Ours, programs.Ours(["ours", "aead", .. options])),
            () => Stages(comparison.Other, new(programs.Aead, options)));
        return
        [
            SideOf("sending", outcome => outcome.Sent, aead => aead.SealNs),
            SideOf("receiving", outcome => outcome.Received, aead => aead.OpenNs),
        ];

        (Outcome Outcome, AeadResult Aead) Stages(Contestant contestant, ProgramCall aead) => (Ran(contest, "stages", contestant), programs.MeasureAead(aead));

        SideStages SideOf(string side, Func<Outcome, FloodResult> select, Func<AeadResult, double> time) => new(
            side,
            FigureOf("ns CPU", measured, stages => select(stages.Outcome).NanosecondsPerPacket),
            FigureOf("ns system", measured, stages => SystemTime(select(stages.Outcome))),
            FigureOf("ns cipher", measured, stages => time(stages.Aead)));
    }

    private static Figure FigureOf<T>(string name, IReadOnlyList<(T Ours, T Other)> pairs, Func<T, double> select)
        => Figure.Of(name, [.. pairs.Select(pair => (select(pair.Ours), select(pair.Other)))]);

    private static double SystemTime(FloodResult result) => result.SystemSeconds > 0
        ? result.SystemNanosecondsPerPacket
        : throw new ContestException("The system counted no time of its own within the window: repeat it with more --seconds.");

    // One stumble of the machine in a hundred runs is not to cost all the others.
    private static Outcome RunOrRepeat(Contest contest, Contestant contestant)
    {
        try
        {
            return contest.Run(contestant);
        }
        catch (ContestException error) when (error.MayPass)
        {
            Console.Error.WriteLine($"{error.Message} It runs once more.");
            return contest.Run(contestant);
        }
    }

    private Outcome Ran(Contest contest, string point, Contestant contestant)
    {
        var outcome = RunOrRepeat(contest, contestant);
        Console.Error.WriteLine(
            $"{point}: {contestant.Name}: {outcome.Received.Rate:N0} datagrams/s, "
            + $"{outcome.Sent.NanosecondsPerPacket:N0} + {outcome.Received.NanosecondsPerPacket:N0} ns, {outcome.Lost:P1} lost");
        return outcome;
    }
}
