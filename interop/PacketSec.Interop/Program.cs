using System.CommandLine;
using PacketSec.Interop;
using PacketSec.Interop.Cells;
using PacketSec.Interop.Libp2p;
using PacketSec.Interop.Peers;

const int InterruptedCode = 130;

// Two for each cell.
const int DefaultRuns = 72;

var seedOption = new Option<ulong>("--seed") { Description = "Decides what the paths do to which datagram.", DefaultValueFactory = _ => 1 };
var onlyOption = new Option<string?>("--only") { Description = "Run the cells whose name contains this." };
var parallelOption = new Option<int>("--parallel") { Description = "Cells at once; they wait most of the time.", DefaultValueFactory = _ => 16 };
var runsOption = new Option<int>("--runs") { Description = "Runs of the simultaneous cells, shared out among them.", DefaultValueFactory = _ => DefaultRuns };
var runOption = new Option<int?>("--run") { Description = "Run only the one of this number in each simultaneous cell." };
var goOption = new Option<FileInfo>("--go") { Description = "The Go peer; by default it is built from interop/go." };
var jsonOption = new Option<bool>("--json") { Description = "Print lines of JSON." };
var listOption = new Option<bool>("--list") { Description = "Print the names of the cells and end." };
goOption.AcceptExistingOnly();
parallelOption.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() < 1)
    {
        result.AddError("--parallel is 1 or more.");
    }
});

runsOption.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() < 0)
    {
        result.AddError("--runs is 0 or more.");
    }
});

var command = new RootCommand("Drives PacketSec and the Go peer against each other through a path with faults, and prints the matrix.")
{
    seedOption, onlyOption, runsOption, runOption, parallelOption, goOption, jsonOption, listOption, JsCommand.Create(),
};
command.SetAction(async (arguments, cancellationToken) =>
{
    var report = new Report(Console.Out, arguments.GetValue(jsonOption));
    var program = arguments.GetValue(goOption)?.FullName;
    var only = arguments.GetValue(onlyOption) ?? "";
    var list = arguments.GetValue(listOption);
    try
    {
        var missing = program is null && !list ? GoBuild.Missing() : null;
        if (missing is not null)
        {
            var text = $"The Go cells are skipped: {missing} is missing.";
            if (GoBuild.IsRequired)
            {
                report.Fail($"{text} PACKETSEC_REQUIRE names go, so this is a failure.");
            }
            else
            {
                report.Say(text);
            }
        }

        var hasGo = missing is null && !list;
        program ??= hasGo ? await GoBuild.RunAsync(cancellationToken) : "";
        var cells = Catalogue.All(new CSharpPeers(), new GoPeers(program)).Where(cell => cell.Name.Contains(only, StringComparison.Ordinal)).ToList();
        if (list)
        {
            cells.ForEach(cell => Console.WriteLine(cell.Name));
            return 0;
        }

        var meetings = cells.OfType<SimultaneousCell>().ToList();
        foreach (var (cell, runs) in meetings.Zip(Meetings.Share(arguments.GetValue(runsOption), meetings.Count)))
        {
            cell.Numbers = arguments.GetValue(runOption) is { } number ? [number] : [.. Enumerable.Range(0, runs)];
        }

        cells.RemoveAll(cell => cell is SimultaneousCell { Numbers: [] });
        if (cells.Count == 0)
        {
            report.Fail($"No cell's name contains '{only}'; --list prints them.");
        }

        await new Runner(report, arguments.GetValue(seedOption), arguments.GetValue(parallelOption)).RunAsync(cells, hasGo, cancellationToken);
        report.Finish();
        return report.Failed == 0 ? 0 : 1;
    }
    catch (InvalidOperationException error)
    {
        report.Fail(error.Message);
        report.Finish();
        return 1;
    }
    catch (OperationCanceledException)
    {
        return InterruptedCode;
    }
});
return await command.Parse(args).InvokeAsync(new() { ProcessTerminationTimeout = Cell.Ceiling });
