using System.Text;
using System.Text.RegularExpressions;
using PacketSec.Exploration.Model;

namespace PacketSec.Exploration.Search;

/// <summary>A schedule that is replayed step by step, and its text as a test.</summary>
internal sealed partial class Schedule
{
    private const int MostPrinted = 100;

    private readonly Judge _judge;
    private World _world;

    /// <summary>Begins with nothing in flight, and nobody who wants anything.</summary>
    /// <param name="configuration">Who may do what.</param>
    public Schedule(Configuration configuration)
    {
        _judge = new(configuration);
        _world = World.Begin(configuration);
        Look();
    }

    /// <summary>Gets the first thing that is wrong with a state that was come to; null while nothing is.</summary>
    public string? Fault { get; private set; }

    public World World => _world;

    /// <summary>Returns a schedule as the C# of a test.</summary>
    public static string Print(Configuration configuration, Violation violation)
    {
        var text = new StringBuilder();
        var weakness = configuration.Weakness == Weakness.None ? "" : $" with {{ Weakness = Weakness.{configuration.Weakness} }}";
        text.Append("    // ").AppendLine(violation.Fault);
        text.AppendLine("    [Fact]");
        text.AppendLine($"    public void Schedule_of_{configuration.Name.Replace('-', '_')}()");
        text.AppendLine("    {");
        text.AppendLine($"        var schedule = new Schedule(Configurations.Find(\"{configuration.Name}\"){weakness});");
        var world = World.Begin(configuration);
        foreach (var step in violation.Steps)
        {
            text.AppendLine($"        schedule.{Print(world, step)};");
            world = world.Apply(step);
        }

        text.AppendLine("        Assert.Null(schedule.Fault);");
        return text.AppendLine("    }").ToString();
    }

    /// <summary>Replays the text of a test.</summary>
    public static Schedule Read(string text)
    {
        var head = Head().Match(text);
        var weakness = head.Groups[2].Success ? Enum.Parse<Weakness>(head.Groups[2].Value) : Weakness.None;
        var schedule = new Schedule(Configurations.Find(head.Groups[1].Value) with { Weakness = weakness });
        foreach (Match line in Line().Matches(text))
        {
            var kind = Enum.Parse<StepKind>(line.Groups[1].Value);
            var side = line.Groups[2].Value;
            if (kind == StepKind.Forge)
            {
                schedule.Forge(side, Enum.Parse<Forgery>(line.Groups[4].Value), byte.Parse(line.Groups[5].Value));
            }
            else
            {
                schedule.Do(new(kind, SideOf(side), kind < StepKind.Timer ? schedule.Find(side, line.Groups[3].Value) : (byte)0));
            }
        }

        return schedule;
    }

    /// <summary>Writes what follows when packets get through from here.</summary>
    public void PrintFairRun(TextWriter output)
    {
        var world = _world;
        for (var i = 0; i < MostPrinted && !world.IsQuiet; i++)
        {
            var before = world;
            world = world.ApplyFair();
            var what = "time";
            if (!before.IsSilent)
            {
                var step = before.FairDelivery;
                what = $"to {"AB"[step.Side]}: {before.InFlightTo(step.Side)[step.Index]}";
            }

            var (toA, toB) = (string.Join(", ", world.InFlightTo(0)), string.Join(", ", world.InFlightTo(1)));
            output.WriteLine($"{what,-45} {world.Sides[0]}; {world.Sides[1]}; to A: {toA}; to B: {toB}");
        }
    }

    public void Deliver(string to, string packet) => Do(new(StepKind.Deliver, SideOf(to), Find(to, packet)));

    public void Drop(string to, string packet) => Do(new(StepKind.Drop, SideOf(to), Find(to, packet)));

    public void Duplicate(string to, string packet) => Do(new(StepKind.Duplicate, SideOf(to), Find(to, packet)));

    public void Timer(string side) => Do(new(StepKind.Timer, SideOf(side)));

    public void Connect(string side) => Do(new(StepKind.Connect, SideOf(side)));

    public void Cancel(string side) => Do(new(StepKind.Cancel, SideOf(side)));

    public void Restart(string side) => Do(new(StepKind.Restart, SideOf(side)));

    public void Forge(string to, Forgery forgery, byte choice) => Do(new(StepKind.Forge, SideOf(to), choice, forgery));

    private static byte SideOf(string name) => name switch
    {
        "A" => 0,
        "B" => 1,
        _ => throw new ArgumentException($"There is no side {name}.", nameof(name)),
    };

    private static string Print(World world, Step step)
    {
        var side = step.Side == 0 ? "A" : "B";
        return step.Kind switch
        {
            StepKind.Deliver or StepKind.Drop or StepKind.Duplicate => $"{step.Kind}(\"{side}\", \"{world.InFlightTo(step.Side)[step.Index]}\")",
            StepKind.Forge => $"{step.Kind}(\"{side}\", Forgery.{step.Forgery}, {step.Index})",
            _ => $"{step.Kind}(\"{side}\")",
        };
    }

    private byte Find(string to, string packet)
    {
        var packets = _world.InFlightTo(SideOf(to));
        for (byte i = 0; i < packets.Count; i++)
        {
            if (packets[i].ToString() == packet)
            {
                return i;
            }
        }

        throw new ArgumentException($"On its way to {to} is no {packet}, but: {string.Join("; ", packets)}.", nameof(packet));
    }

    private void Do(Step step)
    {
        var steps = new List<Step>();
        _world.AddSteps(steps);
        if (!steps.Contains(step))
        {
            throw new ArgumentException($"{step.Kind} cannot happen here.", nameof(step));
        }

        _world = _world.Apply(step);
        Look();
    }

    private void Look() => Fault ??= _judge.FindFault(_world, _world.Key);

    [GeneratedRegex("""Find\("([^"]+)"\)(?: with \{ Weakness = Weakness\.(\w+) \})?""")]
    private static partial Regex Head();

    [GeneratedRegex("""schedule\.(\w+)\("([AB])"(?:, "([^"]*)")?(?:, Forgery\.(\w+), (\d+))?\);""")]
    private static partial Regex Line();
}
