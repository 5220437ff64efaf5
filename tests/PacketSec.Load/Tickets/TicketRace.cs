using System.Diagnostics;
using System.Globalization;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Load.Tickets;

/// <summary>Two processes that claim the same tickets at the same moments.</summary>
internal static class TicketRace
{
    private static readonly TimeSpan Lead = TimeSpan.FromMilliseconds(2);

    public static async Task<int> RunAsync(int runs, TextWriter output, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("packetsec-tickets-");
        Process[] contenders = [];
        try
        {
            var store = FileTicketStore.Open(folder.FullName);
            contenders = [Start(folder.FullName, 1), Start(folder.FullName, 2)];
            foreach (var contender in contenders)
            {
                await ReadAsync(contender, cancellationToken);
            }

            var wins = new int[contenders.Length];
            var wrong = 0;
            for (var number = 0; number < runs; number++)
            {
                await store.AddAsync(TicketPlan.Record(4 * number), cancellationToken);
                var moment = Stopwatch.GetTimestamp() + (long)(Lead.TotalSeconds * Stopwatch.Frequency);
                foreach (var contender in contenders)
                {
                    await contender.StandardInput.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{4 * number} {moment}"));
                    await contender.StandardInput.FlushAsync(cancellationToken);
                }

                var won = 0;
                var lost = 0;
                for (var i = 0; i < contenders.Length; i++)
                {
                    switch (Enum.Parse<TicketOutcome>(await ReadAsync(contenders[i], cancellationToken)))
                    {
                        case TicketOutcome.Consumed:
                            won++;
                            wins[i]++;
                            break;
                        case TicketOutcome.Used:
                            lost++;
                            break;
                    }
                }

                wrong += (won, lost) == (1, 1) ? 0 : 1;
            }

            output.WriteLine($"{runs} races: process 1 won {wins[0]}, process 2 won {wins[1]}; without exactly one winner and one loser: {wrong}");
            return wrong == 0 ? 0 : 1;
        }
        finally
        {
            foreach (var contender in contenders)
            {
                contender.Kill();
                contender.Dispose();
            }

            folder.Delete(recursive: true);
        }
    }

    /// <summary>One of the processes: reads which ticket to claim and when, and prints its verdict.</summary>
    public static async Task<int> ContendAsync(string folder, int key, TextReader input, TextWriter output, CancellationToken cancellationToken)
    {
        var store = FileTicketStore.Open(folder);
        var own = TicketPlan.Key(key);
        output.WriteLine("ready");
        while (await input.ReadLineAsync(cancellationToken) is { } line)
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            var record = TicketPlan.Record(int.Parse(line.AsSpan(0, space), CultureInfo.InvariantCulture));
            var moment = long.Parse(line.AsSpan(space), NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture);
            SpinWait.SpinUntil(() => Stopwatch.GetTimestamp() >= moment);
            output.WriteLine((await store.ConsumeAsync(new(record.Hash, own, null, "", TicketPlan.Now), cancellationToken)).Outcome);
        }

        return 0;
    }

    private static Process Start(string folder, int key) => TicketPlan.Start("contender", "--folder", folder, "--key", TicketPlan.Text(key));

    private static async Task<string> ReadAsync(Process contender, CancellationToken cancellationToken)
        => await contender.StandardOutput.ReadLineAsync(cancellationToken)
            ?? throw new InvalidOperationException("A process that races for tickets has ended.");
}
