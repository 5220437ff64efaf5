using System.CommandLine;
using PacketSec.Exploration;
using PacketSec.Exploration.Search;

var names = new Option<string[]>("--config") { Description = "Explores these configurations only.", AllowMultipleArgumentsPerToken = true };
names.AcceptOnlyFromAmong([.. Configurations.Default.Concat(Configurations.Deep).Select(configuration => configuration.Name)]);
var deep = new Option<bool>("--deep") { Description = "Explores larger configurations too, for some minutes and with some gigabytes." };
var controls = new Option<bool>("--controls") { Description = "Runs the negative controls only: rules left out or turned around, which must be noticed." };
var list = new Option<bool>("--list") { Description = "Lists the configurations and controls." };
var replay = new Option<FileInfo?>("--replay") { Description = "Replays a schedule as it was printed, and what follows when packets get through." };
var minimum = new Option<FileInfo>("--minimum")
{
    Description = "The file with the least number of states of each configuration.",
    DefaultValueFactory = _ => new(Path.Combine(AppContext.BaseDirectory, "minimum.txt")),
};

var root = new RootCommand("Explores every state that two negotiators can come to, within bounds, and checks what must never happen.")
{
    names, deep, controls, list, replay, minimum, WalkCommand.Create(), StreamsCommand.Create(),
};
root.SetAction(result =>
{
    if (result.GetValue(list))
    {
        Run.List(Console.Out);
        return 0;
    }

    if (result.GetValue(replay) is { } file)
    {
        var schedule = Schedule.Read(File.ReadAllText(file.FullName));
        schedule.PrintFairRun(Console.Out);
        Console.WriteLine(schedule.Fault ?? "nothing is wrong");
        return schedule.Fault is null ? 0 : 1;
    }

    var chosen = result.GetValue(names) is { Length: > 0 } some
        ? [.. some.Select(Configurations.Find)]
        : result.GetValue(controls) ? [] : result.GetValue(deep) ? [.. Configurations.Default, .. Configurations.Deep] : Configurations.Default;
    var run = new Run(Console.Out, result.GetValue(minimum)!);
    run.Explore(chosen);
    if (result.GetValue(names) is not { Length: > 0 })
    {
        run.RunControls(Configurations.Controls);
    }

    return run.Finish();
});
return root.Parse(args).Invoke();
