using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;
using static PacketSec.Core.Tests.Negotiation.NegotiatorFixture;

namespace PacketSec.Core.Tests.Negotiation;

/// <summary>
/// Each event in each state, brought about from outside: by frames, by the clock, and by what the machine of the peer says. A dash is no change.
/// </summary>
public sealed class NegotiationTransitionTests
{
    private const string OwnTable =
        """
        | state | JoinOver | FirstPacketMade | HypothesisAdded | Rejected | Won | TimeOver | Withdrawn |
        | --- | --- | --- | --- | --- | --- | --- | --- |
        | Joining | Preparing | – | – | – | Won | Failed | Withdrawn |
        | Preparing | – | Outstanding | Preparing | – | Won | Failed | Withdrawn |
        | Outstanding | – | – | Outstanding | Rejected | Won | Failed | Withdrawn |
        | Rejected | – | – | Outstanding | – | Won | Failed | Withdrawn |
        | Won | – | – | – | – | – | – | – |
        | Failed | – | – | – | – | – | – | – |
        | Withdrawn | – | – | – | – | – | – | – |

        """;

    private const string RemoteTable =
        """
        | state | FirstPacket | OwnEnded | Won | TimeOver | Displaced |
        | --- | --- | --- | --- | --- | --- |
        | Accepted | AcceptedServing | – | Over | Forgotten | Forgotten |
        | AcceptedServing | AcceptedServing | – | Over | Forgotten | – |
        | Simultaneous | SimultaneousServing | Forgotten | Over | Forgotten | Forgotten |
        | SimultaneousServing | SimultaneousServing | Forgotten | Over | Forgotten | – |
        | Over | – | – | – | Forgotten | – |
        | Forgotten | – | – | – | – | – |

        """;

    public static TheoryData<string, string, string> OwnCells => Cells(OwnTable);

    public static TheoryData<string, string, string> RemoteCells => Cells(RemoteTable);

    [Fact]
    public void The_tables_are_these()
    {
        Assert.Equal(OwnTable, NegotiationTransitions.OwnToMarkdown());
        Assert.Equal(RemoteTable, NegotiationTransitions.RemoteToMarkdown());
        Assert.Equal((49, 30), (OwnCells.Count, RemoteCells.Count));
    }

    [Theory]
    [MemberData(nameof(OwnCells))]
    public void An_own_proposal_goes_from_state_to_state_as_its_table_says(string from, string what, string to)
    {
        var fixture = new NegotiatorFixture();
        var own = Bring(fixture, Enum.Parse<OwnProposalState>(from));
        Do(fixture, own, Enum.Parse<OwnProposalEvent>(what));
        Assert.Equal(to == "–" ? from : to, own.State.ToString());
        Assert.Equal(own.State < OwnProposalState.Won, fixture.Machine.Own == own);
    }

    [Theory]
    [MemberData(nameof(RemoteCells))]
    public void Another_peers_proposal_goes_from_state_to_state_as_its_table_says(string from, string what, string to)
    {
        var fixture = new NegotiatorFixture();
        var remote = Bring(fixture, Enum.Parse<RemoteProposalState>(from));
        Do(fixture, remote, Enum.Parse<RemoteProposalEvent>(what));
        Assert.Equal(to == "–" ? from : to, remote.State.ToString());
        Assert.Equal(remote.State != RemoteProposalState.Forgotten, fixture.Machine.Remotes.Contains(remote));
    }

    private static TheoryData<string, string, string> Cells(string table)
    {
        var rows = table.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(row => row.Split('|', StringSplitOptions.TrimEntries)[1..^1]).ToList();
        var cells = new TheoryData<string, string, string>();
        foreach (var row in rows.Skip(2))
        {
            for (var column = 1; column < row.Length; column++)
            {
                cells.Add(row[0], rows[0][column], row[column]);
            }
        }

        return cells;
    }

    private static OwnProposal Bring(NegotiatorFixture fixture, OwnProposalState state)
    {
        if (state == OwnProposalState.Joining)
        {
            fixture.Take(Proposal(HighId, "joined", "a"));
        }

        fixture.Propose(new ProposalOptions { Schemes = ["a", "b"], EmbedFirstPacket = true }, within: TimeSpan.FromMinutes(2));
        var own = fixture.Own;
        if (state is OwnProposalState.Joining or OwnProposalState.Preparing)
        {
            return own;
        }

        fixture.Machine.TakeFirstPacket(fixture.Now, fixture.Begun(), [1]);
        switch (state)
        {
            case OwnProposalState.Rejected:
                Assert.Equal(DropReason.None, fixture.Receive([0xff]));
                break;
            case OwnProposalState.Won:
                fixture.Machine.OnWonAsInitiator(fixture.Now, Unknown);
                break;
            case OwnProposalState.Failed:
                fixture.Now = own.Deadline;
                fixture.Machine.HandleTimeout(fixture.Now);
                break;
            case OwnProposalState.Withdrawn:
                fixture.Machine.Withdraw();
                break;
        }

        Assert.Equal(state, own.State);
        return own;
    }

    private static void Do(NegotiatorFixture fixture, OwnProposal own, OwnProposalEvent what)
    {
        switch (what)
        {
            case OwnProposalEvent.JoinOver:
                fixture.Now += TimeSpan.FromMilliseconds(500);
                fixture.Machine.HandleTimeout(fixture.Now);
                break;
            case OwnProposalEvent.FirstPacketMade:
                fixture.Machine.TakeFirstPacket(fixture.Now, own.Standard ?? Agreement.Standard(CryptoProvider.Default, [1], "a", null), [1]);
                break;
            case OwnProposalEvent.HypothesisAdded:
                fixture.Take(Proposal(HighId, "other", "b"));
                break;
            case OwnProposalEvent.Rejected:
                fixture.Receive([0xff]);
                break;
            case OwnProposalEvent.Won:
                fixture.Machine.OnWonAsResponder(fixture.Now, Unknown, own.Peer);
                break;
            case OwnProposalEvent.TimeOver:
                fixture.Now = own.Deadline;
                fixture.Machine.HandleTimeout(fixture.Now);
                break;
            case OwnProposalEvent.Withdrawn:
                fixture.Machine.Withdraw();
                break;
        }
    }

    private static RemoteProposal Bring(NegotiatorFixture fixture, RemoteProposalState state)
    {
        var accepted = state is RemoteProposalState.Accepted or RemoteProposalState.AcceptedServing or RemoteProposalState.Over;
        RemoteProposal? remote = null;
        if (accepted)
        {
            remote = fixture.Take(Proposal(HighId, "it", "a"));
        }

        // In each state an own proposal is there that may end.
        fixture.Propose(new ProposalOptions { Schemes = ["a", "b"], EmbedFirstPacket = false }, within: TimeSpan.FromMinutes(2));
        fixture.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal(OwnProposalState.Outstanding, fixture.Own.State);
        remote ??= fixture.Take(Proposal(HighId, "it", "a"));
        switch (state)
        {
            case RemoteProposalState.AcceptedServing or RemoteProposalState.SimultaneousServing:
                fixture.Machine.OnProgress(fixture.Now, remote);
                break;
            case RemoteProposalState.Over:
                fixture.Machine.OnWonAsResponder(fixture.Now, remote.Agreement, Peer(HighId));
                break;
            case RemoteProposalState.Forgotten:
                fixture.Now = remote.ForgetAt;
                fixture.Machine.HandleTimeout(fixture.Now);
                break;
        }

        Assert.Equal(state, remote.State);
        return remote;
    }

    private static void Do(NegotiatorFixture fixture, RemoteProposal remote, RemoteProposalEvent what)
    {
        switch (what)
        {
            case RemoteProposalEvent.FirstPacket:
                fixture.Machine.OnProgress(fixture.Now, remote);
                break;
            case RemoteProposalEvent.OwnEnded:
                fixture.Machine.Withdraw();
                break;
            case RemoteProposalEvent.Won:
                fixture.Machine.OnWonAsResponder(fixture.Now, remote.Agreement, Dialled);
                break;
            case RemoteProposalEvent.TimeOver:
                fixture.Now = remote.ForgetAt;
                fixture.Machine.HandleTimeout(fixture.Now);
                break;
            case RemoteProposalEvent.Displaced:
                for (var i = 0; i < 4; i++)
                {
                    fixture.Take(Proposal(HighId, $"further-{i}", "a"));
                }

                break;
        }
    }
}
