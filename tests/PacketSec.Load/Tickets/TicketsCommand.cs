using System.CommandLine;

namespace PacketSec.Load.Tickets;

/// <summary><c>tickets</c>: what several processes, and processes that are killed, make of a directory of tickets.</summary>
internal static class TicketsCommand
{
    public static Command Create() => new("tickets", "Attacks a directory of tickets by several processes, and by killing one.") { CreateRace(), CreateKill() };

    public static Command CreateSides()
    {
        var folder = new Option<string>("--folder") { Required = true };
        var key = new Option<int>("--key") { Required = true };
        var contender = new Command("contender") { folder, key };
        contender.SetAction((result, token) => TicketRace.ContendAsync(result.GetValue(folder)!, result.GetValue(key), Console.In, Console.Out, token));

        var granted = new Option<string>("--granted") { Required = true };
        var from = new Option<int>("--from");
        var consumer = new Command("consumer") { folder, key, granted, from };
        consumer.SetAction((result, token) => TicketKill.ConsumeAsync(
            result.GetValue(folder)!, result.GetValue(key), result.GetValue(granted)!, result.GetValue(from), Console.Out, token));
        return new Command("tickets-sides", "The processes that tickets starts.") { Hidden = true, Subcommands = { contender, consumer } };
    }

    private static Command CreateRace()
    {
        var runs = new Option<int>("--runs") { Description = "How many tickets two processes race for.", DefaultValueFactory = _ => 1000 };
        var race = new Command("race", "Two processes claim each ticket at the same moment: exactly one gets it.") { runs };
        race.SetAction((result, token) => TicketRace.RunAsync(result.GetValue(runs), Console.Out, token));
        return race;
    }

    private static Command CreateKill()
    {
        var points = new Option<int>("--points") { Description = "How often the process is killed.", DefaultValueFactory = _ => 200 };
        var seed = new Option<ulong>("--seed") { Description = "The seed of the moments at which it is killed.", DefaultValueFactory = _ => 1 };
        var kill = new Command("kill", "A process that uses tickets is killed again and again: none of them is granted more often than it has uses.") { points, seed };
        kill.SetAction((result, token) => TicketKill.RunAsync(result.GetValue(points), result.GetValue(seed), Console.Out, token));
        return kill;
    }
}
