using PacketSec.Architecture.Tests.Repository;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Architecture.Tests.Spec;

public class GeneratedTableTests
{
    [Fact]
    public void The_table_of_session_transitions_is_the_one_of_the_code()
        => GeneratedText.AssertSection("spec/sessions.md", "session-transitions", SessionTransitions.ToMarkdown().TrimEnd('\n').Split('\n'));
}
