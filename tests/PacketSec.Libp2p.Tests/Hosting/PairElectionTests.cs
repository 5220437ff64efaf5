using PacketSec.Libp2p.Hosting;

namespace PacketSec.Libp2p.Tests.Hosting;

public sealed class PairElectionTests
{
    private readonly PairElection<string> _leader = new(leads: true);
    private readonly PairElection<string> _follower = new(leads: false);

    //= spec/libp2p.md#pair-first
    [Fact]
    public void The_leader_chooses_the_first_connection_and_asks_after_it_when_a_second_one_comes()
    {
        Assert.Equal([new(PairActionKind.Choose, "first")], _leader.Established("first"));
        Assert.Equal([new(PairActionKind.Probe, "first")], _leader.Established("second"));
        Assert.Equal("first", _leader.Chosen);

        // The probe that runs serves for a third one too.
        Assert.Empty(_leader.Established("third"));
        Assert.Empty(_leader.Established("first"));
        Assert.Empty(_leader.Established("second"));
    }

    //= spec/libp2p.md#pair-duplicate
    [Fact]
    public void An_answer_keeps_the_chosen_connection_and_closes_the_others()
    {
        Establish(_leader, "first", "second", "third");

        Assert.Equal([new(PairActionKind.Refuse, "second"), new(PairActionKind.Refuse, "third")], _leader.Probed("first", answered: true));
        Assert.Equal("first", _leader.Chosen);
        Assert.Equal([new(PairActionKind.Probe, "first")], _leader.Established("fourth"));
    }

    //= spec/libp2p.md#pair-duplicate
    [Fact]
    public void Silence_of_the_chosen_connection_makes_the_newest_one_take_its_place()
    {
        Establish(_leader, "first", "second", "third");

        Assert.Equal(
            [new(PairActionKind.Choose, "third"), new(PairActionKind.Refuse, "first"), new(PairActionKind.Refuse, "second")],
            _leader.Probed("first", answered: false));
        Assert.Equal("third", _leader.Chosen);
    }

    [Fact]
    public void The_end_of_the_chosen_connection_makes_the_leader_choose_another()
    {
        Establish(_leader, "first", "second");

        Assert.Equal([new(PairActionKind.Choose, "second")], _leader.Ended("first"));
        Assert.Empty(_leader.Probed("first", answered: false));
        Assert.Empty(_leader.Ended("second"));
        Assert.True(_leader.IsEmpty);
    }

    [Fact]
    public void A_probe_of_a_connection_that_is_not_chosen_any_more_says_nothing()
    {
        Establish(_leader, "first", "second", "third");
        _leader.Ended("first");

        // "third" is chosen, and "second" waits: its rival has still to be asked after.
        Assert.Equal("third", _leader.Chosen);
        Assert.Equal([new(PairActionKind.Probe, "third")], _leader.Probed("first", answered: false));
        Assert.Equal([new(PairActionKind.Refuse, "second")], _leader.Probed("third", answered: true));
    }

    //= spec/libp2p.md#pair-follow
    [Fact]
    public void The_follower_chooses_nothing_before_the_leader_shows_its_choice()
    {
        Establish(_follower, "first", "second");
        Assert.Null(_follower.Chosen);

        Assert.Equal([new(PairActionKind.Choose, "second")], _follower.PeerOpenedStream("second"));
        Assert.Empty(_follower.PeerOpenedStream("second"));
        Assert.Equal("second", _follower.Chosen);
    }

    //= spec/libp2p.md#pair-follow
    [Fact]
    public void The_follower_changes_over_to_a_connection_that_came_later()
    {
        Establish(_follower, "first");
        _follower.PeerOpenedStream("first");
        Establish(_follower, "second");

        Assert.Equal([new(PairActionKind.Choose, "second"), new(PairActionKind.Refuse, "first")], _follower.PeerOpenedStream("second"));
    }

    [Fact]
    public void A_choice_that_is_shown_late_does_not_undo_a_newer_one()
    {
        Establish(_follower, "first", "second");
        _follower.PeerOpenedStream("second");

        Assert.Empty(_follower.PeerOpenedStream("first"));
        Assert.Equal("second", _follower.Chosen);

        // It counts when the newer one has ended.
        Assert.Equal([new(PairActionKind.Choose, "first")], _follower.Ended("second"));
    }

    [Fact]
    public void A_connection_that_was_not_shown_does_not_follow_one_that_ended()
    {
        Establish(_follower, "first", "second");
        _follower.PeerOpenedStream("first");

        Assert.Empty(_follower.Ended("first"));
        Assert.Null(_follower.Chosen);
        Assert.False(_follower.IsEmpty);
    }

    //= spec/libp2p.md#pair-unshown
    [Fact]
    public void A_follower_that_is_shown_nothing_chooses_itself_once()
    {
        Establish(_follower, "first", "second");

        Assert.Equal([new(PairActionKind.Choose, "first")], _follower.NotShown("first"));
        Assert.Equal([new(PairActionKind.Refuse, "second")], _follower.NotShown("second"));
        Assert.Empty(_follower.NotShown("first"));
        Assert.Empty(_leader.NotShown("first"));
    }

    //= spec/libp2p.md#pair-bound
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void There_may_be_five_connections_and_a_sixth_is_closed(bool leads)
    {
        var election = new PairElection<string>(leads);
        string[] connections = ["1", "2", "3", "4", "5", "6", "7"];
        foreach (var connection in connections[..PairElection<string>.MaxConnections])
        {
            Assert.DoesNotContain(election.Established(connection), action => action.Kind == PairActionKind.Refuse);
        }

        Assert.Equal([new(PairActionKind.Refuse, connections[5])], election.Established(connections[5]));
        election.Ended(connections[1]);
        Assert.DoesNotContain(election.Established(connections[6]), action => action.Kind == PairActionKind.Refuse);
    }

    //= spec/libp2p.md#pair-show
    [Fact]
    public void A_thousand_pairs_choose_the_same_connection_whatever_the_network_does()
    {
        var switched = 0;
        for (var seed = 1UL; seed <= 1000; seed++)
        {
            var pair = new ElectionSimulation(seed);
            pair.Run();

            Assert.True(pair.Leader.Chosen is not null && pair.Leader.Chosen == pair.Follower.Chosen, $"seed {seed}: {pair}");
            Assert.True(pair.OpenAtBoth.SequenceEqual([pair.Leader.Chosen!.Value]), $"seed {seed}: {pair}");
            Assert.True(pair.HandedOut.All(handed => handed == pair.Leader.Chosen), $"seed {seed}: a dial was given another connection: {pair}");
            switched += pair.FirstEstablishedAtFollower == pair.Leader.Chosen ? 0 : 1;
        }

        // Both orders come: in some pairs the follower sees first what does not survive.
        Assert.InRange(switched, 100, 900);
    }

    private static void Establish(PairElection<string> election, params string[] connections)
    {
        foreach (var connection in connections)
        {
            election.Established(connection);
        }
    }
}
