using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Controls;
using PacketSec.Adversary.Games;
using PacketSec.Adversary.Suite;

namespace PacketSec.Simulation.Tests.Adversary;

public sealed class AdversarySuiteTests
{
    public static TheoryData<string> Games => [.. AllGames.List.Select(game => game.Name)];

    [Theory]
    [MemberData(nameof(Games))]
    public void A_game_comes_to_what_is_expected_and_its_controls_lose_it(string name)
    {
        var plan = Plan.Quick with { Games = [AllGames.List.Single(game => game.Name == name)] };
        var faults = plan.Play().Where(measured => Verdict.Fault(measured) is not null).Select(measured => $"{measured}: {Verdict.Fault(measured)}");
        Assert.Equal([], faults);
    }

    [Fact]
    public void Each_of_the_sixteen_properties_has_games_and_each_game_a_control_and_an_expectation()
    {
        Assert.Equal(Enumerable.Range(1, 16), AllGames.List.Select(game => game.Row).Distinct());
        Assert.All(AllGames.List, game =>
        {
            Assert.NotEmpty(AllControls.Of[game.Name]);
            Assert.All(MeasuredSchemes.All, scheme => Assert.Equal(game.AppliesTo(scheme), Expectation.Of(game.Name, scheme.Name) is not null));
        });
    }

    //= spec/secret-handshake.md#hidden-key
    [Fact]
    public void Whose_keys_the_two_have_shows_in_no_byte_before_message_3_of_secret_handshake_1()
    {
        var plan = Plan.Quick with
        {
            Games = [.. AllGames.List.Where(game => game.Name is "11a" or "12a")],
            Schemes = [.. MeasuredSchemes.All.Where(scheme => scheme.Scheme == "secret-handshake-1")],
            WithControls = false,
        };
        Assert.Equal(
            ["same bytes in the first 2 of 9 datagrams", "same bytes in the first 5 of 12 datagrams"],
            plan.Play().Select(measured => measured.Note).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_game_is_a_function_of_its_seed()
    {
        var plan = Plan.Quick with { SearchRuns = 4, Schemes = [MeasuredSchemes.All[0]], Games = [.. AllGames.List.Where(game => game.Name is "5c" or "7a" or "16a")] };
        var played = plan.Play();
        Assert.Equal(played, plan.Play());
        Assert.NotEqual(played, (plan with { Seed = 2 }).Play());
    }

    [Fact]
    public void The_page_shows_for_every_game_and_scheme_what_is_expected()
    {
        var page = File.ReadAllLines(Page.Find(AppContext.BaseDirectory));
        page = page[(Array.IndexOf(page, "<!-- games:begin -->") + 1)..Array.IndexOf(page, "<!-- games:end -->")];
        var contestants = Cells(page[0])[2..];
        Assert.Equal(MeasuredSchemes.All.Select(scheme => scheme.Name), contestants);
        foreach (var game in AllGames.List)
        {
            var row = Cells(page.Single(line => Cells(line) is [var first, ..] && first == game.Name));
            Assert.Equal(game.What, row[1]);
            Assert.All(contestants.Zip(row[2..]), cell => Assert.StartsWith(Expectation.Of(game.Name, cell.First) switch { true => "yes,", false => "no,", null => "-" }, cell.Second));
        }
    }

    [Fact]
    public void Whoever_comes_first_sees_the_same_matrix()
    {
        var path = Page.Find(AppContext.BaseDirectory);
        var matrix = Page.MatrixOf(File.ReadAllText(path));
        Assert.Equal(18, matrix.Split('\n').Length);
        Assert.Equal(matrix, Page.MatrixOf(File.ReadAllText(Page.FindReadme(path))));
    }

    private static string[] Cells(string line) => line.StartsWith('|') ? line.Trim('|').Split('|', StringSplitOptions.TrimEntries) : [];
}
