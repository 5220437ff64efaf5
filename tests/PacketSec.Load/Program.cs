using System.CommandLine;
using PacketSec.Load;
using PacketSec.Load.Compare;
using PacketSec.Load.Compare.Contestants;
using PacketSec.Load.Forward;
using PacketSec.Load.Plot;
using PacketSec.Load.Storm;
using PacketSec.Load.Tickets;

var count = new Option<int>("--count") { Description = "Datagrams to forge.", DefaultValueFactory = _ => 1_000_000 };
var seed = new Option<ulong>("--seed") { Description = "The seed of all choices; the same seed forges the same datagrams from the same genuine ones.", DefaultValueFactory = _ => 1 };
var forged = new Command("forged", "Forges datagrams against a live endpoint from its peer's address, and checks that nothing but counters changed.") { count, seed };
forged.SetAction((result, token) => ForgedFlood.RunAsync(result.GetValue(count), result.GetValue(seed), Console.Out, token));

var root = new RootCommand("Attack and load generators for PacketSec, on loopback and in simulations only.")
{
    forged, ProposalCommand.Create(), CompareCommand.Create(), SweepCommand.Create(), PlotCommand.Create(), OursCommand.Create(), StormCommand.Create(),
    StormCommand.CreateSides(), TicketsCommand.Create(), TicketsCommand.CreateSides(), ForwardCommand.Create(),
};
return await root.Parse(args).InvokeAsync();
