using PacketSec.Architecture.Tests.Repository;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Architecture.Tests.Spec;

public class GeneratedTableTests
{
    [Fact]
    public void The_table_of_session_transitions_is_the_one_of_the_code()
        => GeneratedText.AssertSection("spec/sessions.md", "session-transitions", Lines(SessionTransitions.ToMarkdown()));

    [Fact]
    public void The_table_of_own_proposals_is_the_one_of_the_code()
        => GeneratedText.AssertSection("spec/psec.md", "own-proposal-transitions", Lines(NegotiationTransitions.OwnToMarkdown()));

    [Fact]
    public void The_table_of_others_proposals_is_the_one_of_the_code()
        => GeneratedText.AssertSection("spec/psec.md", "remote-proposal-transitions", Lines(NegotiationTransitions.RemoteToMarkdown()));

    [Fact]
    public void The_table_of_connections_between_sites_is_the_one_of_the_code()
        => GeneratedText.AssertSection("spec/mychips.md", "site-transitions", Lines(SiteTransitions.ToMarkdown()));

    private static string[] Lines(string table) => table.TrimEnd('\n').Split('\n');
}
