using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Load.Tickets;

/// <summary>A process that uses tickets and is killed at random moments, again and again.</summary>
internal static class TicketKill
{
    // Behind the newest ticket that was granted, each life tries as many again.
    private const int LookBack = 40;
    private const int LongestLifeMicroseconds = 120_000;
    private const int HashLength = 2 * TicketHash.Size;

    public static async Task<int> RunAsync(int points, ulong seed, TextWriter output, CancellationToken cancellationToken)
    {
        var random = new SplitMix(seed);
        var folder = Directory.CreateTempSubdirectory("packetsec-tickets-");
        try
        {
            var tickets = Path.Combine(folder.FullName, "store");
            var log = Path.Combine(folder.FullName, "granted");
            var numbers = new Dictionary<string, int>();
            FileTicketStore.Open(tickets);
            for (var life = 1; life <= points; life++)
            {
                var from = Math.Max(0, Frontier(log, numbers) - LookBack);
                using var consumer = TicketPlan.Start("consumer", "--folder", tickets, "--key", TicketPlan.Text(life), "--granted", log, "--from", TicketPlan.Text(from));
                if (await consumer.StandardOutput.ReadLineAsync(cancellationToken) != "ready")
                {
                    throw new InvalidOperationException("The process that uses tickets did not start.");
                }

                await Task.Delay(TimeSpan.FromMicroseconds(random.Below(LongestLifeMicroseconds)), cancellationToken);
                consumer.Kill();
                await consumer.WaitForExitAsync(cancellationToken);
            }

            return await JudgeAsync(FileTicketStore.Open(tickets), log, points, output, cancellationToken);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The process: adds and uses one ticket after the other, and has each grant on the disk before it goes on.</summary>
    public static async Task<int> ConsumeAsync(string folder, int key, string granted, int from, TextWriter output, CancellationToken cancellationToken)
    {
        var store = FileTicketStore.Open(folder);
        var own = TicketPlan.Key(key);
        using var log = new FileStream(granted, new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, BufferSize = 0 });
        for (var number = from; !cancellationToken.IsCancellationRequested; number++)
        {
            var record = TicketPlan.Record(number);
            await store.AddAsync(record, cancellationToken);
            var verdict = await store.ConsumeAsync(new(record.Hash, own, null, "", TicketPlan.Now), cancellationToken);
            if (verdict.Outcome == TicketOutcome.Consumed)
            {
                log.Write(System.Text.Encoding.ASCII.GetBytes($"\n{record.Hash}\n"));
                log.Flush(flushToDisk: true);
            }

            // Killed from here on, when what runs once has run.
            if (number == from)
            {
                output.WriteLine("ready");
            }
        }

        return 0;
    }

    private static async Task<int> JudgeAsync(
        FileTicketStore store, string log, int points, TextWriter output, CancellationToken cancellationToken)
    {
        var grants = Grants(log).CountBy(hash => hash).ToDictionary();
        var atDeath = grants.Values.Sum();
        var records = await store.ListAsync(cancellationToken);

        // Whoever comes last takes what is left, and not more.
        var last = points;
        foreach (var record in records)
        {
            for (var use = 0; use <= record.Conditions.Uses; use++)
            {
                var verdict = await store.ConsumeAsync(new(record.Hash, TicketPlan.Key(++last), null, "", TicketPlan.Now), cancellationToken);
                if (verdict.Outcome == TicketOutcome.Consumed)
                {
                    grants[record.Hash.ToString()] = grants.GetValueOrDefault(record.Hash.ToString()) + 1;
                }
            }
        }

        // A grant of a ticket that there is not is one too many.
        var uses = records.ToDictionary(record => record.Hash.ToString(), record => record.Conditions.Uses);
        var tooOften = grants.Count(grant => grant.Value > uses.GetValueOrDefault(grant.Key));
        var lost = records.Sum(record => record.Conditions.Uses - grants.GetValueOrDefault(record.Hash.ToString()));
        output.WriteLine(
            $"{points} kills, {records.Count} tickets, {atDeath} grants before the last kill; uses that a kill took: {lost}; unreadable files: {store.UnreadableFiles}; "
            + $"tickets granted too often: {tooOften}");
        return tooOften == 0 && store.UnreadableFiles == 0 && atDeath > 0 ? 0 : 1;
    }

    // The number behind the newest ticket that was granted. A line that a kill cut was a grant that nobody saw.
    private static int Frontier(string log, Dictionary<string, int> numbers)
    {
        var frontier = 0;
        foreach (var hash in Grants(log))
        {
            while (!numbers.ContainsKey(hash))
            {
                numbers.Add(TicketPlan.Record(numbers.Count).Hash.ToString(), numbers.Count);
            }

            frontier = Math.Max(frontier, numbers[hash] + 1);
        }

        return frontier;
    }

    private static IEnumerable<string> Grants(string log)
        => File.Exists(log) ? File.ReadLines(log).Where(line => line.Length == HashLength) : [];
}
