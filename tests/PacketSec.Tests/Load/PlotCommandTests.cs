using System.Text.Json;
using System.Xml.Linq;
using PacketSec.Load.Compare;
using PacketSec.Load.Plot;

namespace PacketSec.Tests.Load;

public class PlotCommandTests
{
    private static readonly string[] Sections = ["compare-setup", "compare", "sweep-setup", "sweep-payload", "sweep-peers", "sweep-stages"];
    private static readonly string[] Plots = ["bits-payload.svg", "cpu-stages.svg", "rate-payload.svg", "rate-peers.svg", "ratios.svg"];
    private static readonly Machine Here = new("A <CPU>", 2, "Linux 6", ".NET 10", 0.1, 4096, 4096, true) { OpenSsl = "OpenSSL 3" };

    [Fact]
    public void The_same_reports_make_the_same_bytes()
    {
        using var first = new TemporaryFolder();
        using var second = new TemporaryFolder();
        Assert.Equal(0, Run(first, Compare(), Sweep()));
        Assert.Equal(0, Run(second, Compare(), Sweep()));

        Assert.Equal(Plots, first.FileNames.Where(name => name.EndsWith(".svg", StringComparison.Ordinal)));
        Assert.All(Plots.Append("page.md"), name => Assert.Equal(File.ReadAllBytes(first[name]), File.ReadAllBytes(second[name])));
        Assert.All(Plots, name => Assert.NotEmpty(XDocument.Load(first[name]).Root!.Elements()));
    }

    [Fact]
    public void Tables_say_what_was_measured_what_was_wished_and_by_which_command()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(0, Run(folder, Compare(), Sweep()));
        var page = File.ReadAllText(folder["page.md"]);

        Assert.Contains("`compare --pairs 2 --seconds 3`", page);
        Assert.Contains("`sweep --pairs 2 --seconds 1 --pin`", page);
        Assert.Contains("| `batch`: ours / other | datagrams/s opened | 300,000 | 400,000 | 0.750 | 0.750 to 0.750 | >= 0.90 | MISSED |", page);
        Assert.Contains("| ns CPU, sending | 1,000 | 1,000 | 1.000 | 1.000 to 1.000 | <= 1.12 | met |", page);
        Assert.Contains("| 1,200 | 53 | 300,000 | 400,000 | 0.750 | 0.750 to 0.750 | 2.88 | 3.84 | 1,000 / 1,000 |", page);
        Assert.Contains("| the rest | 100 | 200 |", page);
        Assert.DoesNotContain("old", page);
        Assert.DoesNotContain("busy", page);
    }

    [Fact]
    public void A_void_comparison_meets_nothing_and_a_busy_machine_is_named()
    {
        var report = Compare();
        report = report with { Machine = Here with { LoadAverage = 0.6 }, Comparisons = [report.Comparisons[0] with { Void = "It was slow." }] };
        using var folder = new TemporaryFolder();
        Assert.Equal(0, Run(folder, report));
        var page = File.ReadAllText(folder["page.md"]);

        Assert.Contains("| <= 1.12 | void |", page);
        Assert.Contains("`batch` is void: It was slow.", page);
        Assert.Contains("The machine was busy before", page);
    }

    [Fact]
    public void A_report_alone_leaves_the_others_tables_as_they_are()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(0, Run(folder, Compare()));

        Assert.Equal(["0.json", "page.md", "ratios.svg"], folder.FileNames);
        Assert.Contains("<!-- sweep-peers:begin -->\nold\n<!-- sweep-peers:end -->", File.ReadAllText(folder["page.md"]));
    }

    [Fact]
    public void Two_reports_of_a_kind_write_nothing()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(2, Run(folder, Compare(), Compare()));
        Assert.Equal(["0.json", "1.json", "page.md"], folder.FileNames);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("no JSON")]
    [InlineData("""{"payloads":3}""")]
    [InlineData("""{"payloads":[]}""")]
    [InlineData("""{"comparisons":null}""")]
    public void What_is_no_report_is_refused_by_its_name(string text)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["0.json"], text);
        File.WriteAllText(folder["page.md"], string.Empty);
        var error = new StringWriter();

        Assert.Equal(2, PlotCommand.Run([new(folder["0.json"])], new(folder["."]), new(folder["page.md"]), TextWriter.Null, error));
        Assert.Contains("0.json is no report", error.ToString());
    }

    [Fact]
    public void A_page_without_markers_keeps_its_text_and_nothing_is_drawn()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["page.md"], "text\n");
        Assert.Equal(2, Run(folder, "text\n", Compare()));
        Assert.Equal("text\n", File.ReadAllText(folder["page.md"]));
        Assert.Equal(["0.json", "page.md"], folder.FileNames);
    }

    [Theory]
    [InlineData("<!-- a:end -->\n<!-- a:begin -->\n")]
    [InlineData("<!-- a:begin -->\n<!-- a:begin -->\n<!-- a:end -->\n")]
    [InlineData("<!-- a:begin -->\n")]
    [InlineData("<!-- ab:begin -->\n<!-- ab:end -->\n")]
    public void Markers_are_there_once_and_in_order(string page) => Assert.Throws<PlotException>(() => MarkedText.Replace(page, "a", "new"));

    [Fact]
    public void Without_segments_there_is_no_sweep()
    {
        Assert.Contains("UDP_SEGMENT", Assert.Throws<ContestException>(() => PacketSec.Load.Compare.Sweep.Require(Here with { HasSegments = false })).Message);
        PacketSec.Load.Compare.Sweep.Require(Here);
    }

    private static int Run(TemporaryFolder folder, params object[] reports)
        => Run(folder, string.Concat(Sections.Select(name => $"<!-- {name}:begin -->\nold\n<!-- {name}:end -->\n")), reports);

    private static int Run(TemporaryFolder folder, string page, params object[] reports)
    {
        File.WriteAllText(folder["page.md"], page);
        for (var i = 0; i < reports.Length; i++)
        {
            File.WriteAllText(folder[$"{i}.json"], JsonSerializer.Serialize(reports[i], CompareCommand.Json));
        }

        return PlotCommand.Run(
            [.. Enumerable.Range(0, reports.Length).Select(i => new FileInfo(folder[$"{i}.json"]))],
            new(folder["."]),
            new(folder["page.md"]),
            TextWriter.Null,
            TextWriter.Null);
    }

    private static ComparisonResult Result(string name) => new(
        name,
        "ours",
        "other",
        Figure.Of("datagrams/s opened", [(300_000, 400_000), (300_000, 400_000)], atLeast: 0.9),
        Figure.Of("ns CPU, sending", [(1000, 1000), (1000, 1000)], atMost: 1.12),
        Figure.Of("ns CPU, receiving", [(1200, 1000), (1200, 1000)], atMost: 1.12),
        0.1,
        0.2,
        null);

    private static CompareReport Compare() => new(Here, 2, 3, 1200, false, [Result("batch")], []);

    private static SweepReport Sweep() => new(
        Here,
        2,
        1,
        true,
        1200,
        [new(64, 64, Result("64")), new(1200, 53, Result("1200"))],
        [new(1, 16, Result("1")), new(10_000, 16, Result("2")), new(1, 1, Result("3")), new(10_000, 1, Result("4"))],
        [
            new("sending", Figure.Of("ns CPU", [(1200, 1100)]), Figure.Of("ns system", [(150, 100)]), Figure.Of("ns cipher", [(950, 800)])),
            new("receiving", Figure.Of("ns CPU", [(1100, 1100)]), Figure.Of("ns system", [(150, 100)]), Figure.Of("ns cipher", [(950, 1100)])),
        ]);
}
