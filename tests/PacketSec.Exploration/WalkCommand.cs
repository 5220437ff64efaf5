using System.CommandLine;
using System.Diagnostics;
using PacketSec.Simulation.Hosts;

namespace PacketSec.Exploration;

/// <summary><c>walks</c>: seeded walks through disturbed negotiations of whole endpoints with real cryptography, until time is up.</summary>
internal static class WalkCommand
{
    private const int ShownFailures = 3;

    public static Command Create()
    {
        var seconds = new Option<int>("--seconds") { Description = "How long to walk.", DefaultValueFactory = _ => 60 };
        var seed = new Option<ulong>("--seed") { Description = "The first seed; without it they begin with the day.", DefaultValueFactory = _ => Today() };
        var count = new Option<int?>("--count") { Description = "How many walks, instead of a time." };
        var command = new Command("walks", "Walks through dials, cancellations, restarts, losses and forgeries between two endpoints; a failure names its seed.")
        {
            seconds, seed, count,
        };
        command.SetAction(result => Run(result.GetValue(seed), TimeSpan.FromSeconds(result.GetValue(seconds)), result.GetValue(count), Console.Out));
        return command;
    }

    private static ulong Today() => (ulong)(DateTime.UtcNow - DateTime.UnixEpoch).Days * 1_000_000;

    private static int Run(ulong first, TimeSpan time, int? count, TextWriter output)
    {
        var start = Stopwatch.GetTimestamp();
        long datagrams = 0;
        var (walks, failures) = (0, 0);
        for (var seed = first; count is { } most ? walks < most : Stopwatch.GetElapsedTime(start) < time; seed++, walks++)
        {
            using var walk = new NegotiationWalk(seed);
            if (walk.Run() is { } problem)
            {
                failures++;
                output.WriteLine(failures <= ShownFailures ? walk.Report(problem) : $"seed {seed}: {problem}");
            }

            datagrams += walk.Datagrams;
        }

        output.WriteLine($"{walks} walks from seed {first}, {datagrams} datagrams");
        output.WriteLine($"{walks - failures} passed, {failures} failed, 0 skipped");
        return failures == 0 ? 0 : 1;
    }
}
