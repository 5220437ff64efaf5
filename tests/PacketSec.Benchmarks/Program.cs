using System.CommandLine;
using PacketSec.Benchmarks.Baselines;
using PacketSec.Benchmarks.Ratios;

var root = new RootCommand("Measures what the core costs, in memory and without sockets.") { RatioCommand.Create(), BenchmarkCommand.Create() };
return root.Parse(args).Invoke();
