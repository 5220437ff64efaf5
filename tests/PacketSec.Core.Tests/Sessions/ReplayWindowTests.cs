using System.Text.Json;
using PacketSec.Protocol.Sessions;
using PacketSec.TestSupport;

namespace PacketSec.Protocol.Tests.Sessions;

public sealed class ReplayWindowTests
{
    //= spec/sessions.md#replay-window
    [VectorsFact]
    public void All_sequences_of_the_reference_are_judged_alike()
    {
        using var file = JsonDocument.Parse(File.ReadAllText(TestData.Vectors("p2pke", "replay-window.json")));
        var sequences = 0;
        foreach (var sequence in file.RootElement.GetProperty("sequences").EnumerateArray())
        {
            var window = new ReplayWindow();
            foreach (var step in sequence.GetProperty("steps").EnumerateArray())
            {
                var counter = step.GetProperty("counter").GetUInt32();
                var accepted = window.WouldAccept(counter) == DropReason.None;
                Assert.True(
                    accepted == step.GetProperty("accept").GetBoolean(), $"{sequence.GetProperty("name")}: counter {counter} judged {accepted}");
                if (accepted)
                {
                    window.Commit(counter);
                }
            }

            sequences++;
        }

        Assert.Equal(9, sequences);
    }

    //= spec/sessions.md#replay-window
    [Theory]
    [InlineData(8128u, DropReason.None)]
    [InlineData(8129u, DropReason.TooOld)]
    public void The_last_counter_inside_the_window_is_taken_and_the_next_is_too_old(uint distance, DropReason expected)
    {
        var window = new ReplayWindow();
        window.Commit(1_000_000);

        Assert.Equal(expected, window.WouldAccept(1_000_000 - distance));
    }

    [Fact]
    public void A_counter_is_taken_once_wherever_it_lies_in_the_window()
    {
        var window = new ReplayWindow();
        window.Commit(20_000);
        for (uint counter = 20_000 - SpecLimits.ReplayWindow; counter <= 20_000; counter++)
        {
            var expected = counter == 20_000 ? DropReason.Replayed : DropReason.None;
            Assert.Equal(expected, window.WouldAccept(counter));
            if (expected == DropReason.None)
            {
                window.Commit(counter);
                Assert.Equal(DropReason.Replayed, window.WouldAccept(counter));
            }
        }
    }

    [Fact]
    public void A_leap_past_the_whole_ring_forgets_what_was_seen_before()
    {
        var window = new ReplayWindow();
        for (uint counter = 16; counter < 9_000; counter++)
        {
            window.Commit(counter);
        }

        window.Commit(100_000);

        for (uint counter = 100_000 - SpecLimits.ReplayWindow; counter < 100_000; counter++)
        {
            Assert.Equal(DropReason.None, window.WouldAccept(counter));
        }
    }

    [Fact]
    public void Asking_changes_nothing()
    {
        var window = new ReplayWindow();
        window.Commit(500);

        Assert.Equal(DropReason.None, window.WouldAccept(1_000_000));
        Assert.Equal(DropReason.None, window.WouldAccept(499));

        Assert.Equal(500u, window.Highest);
    }

    [Fact]
    public void The_largest_data_counter_is_taken_and_the_closing_counter_never_moves_the_window()
    {
        var window = new ReplayWindow();
        window.Commit(SpecLimits.ClosingCounter - 1);

        Assert.Equal(DropReason.Replayed, window.WouldAccept(SpecLimits.ClosingCounter - 1));
        Assert.NotEqual(DropReason.None, window.WouldAccept(SpecLimits.ClosingCounter));
    }
}
