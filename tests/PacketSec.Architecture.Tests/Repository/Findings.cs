namespace PacketSec.Architecture.Tests.Repository;

/// <summary>Assertions that print everything they found: what to mend is in the text of the failure.</summary>
internal static class Findings
{
    public static void None(IEnumerable<string> findings)
    {
        var lines = findings.ToList();
        Assert.True(lines.Count == 0, $"{lines.Count} found, none expected:\n{string.Join('\n', lines)}");
    }
}
