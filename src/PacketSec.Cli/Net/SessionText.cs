using System.Text.Json;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;

namespace PacketSec.Cli.Net;

/// <summary>What a session was agreed on, for the lines that tell of it.</summary>
internal static class SessionText
{
    public static string RoleOf(SessionRole role) => role == SessionRole.Initiator ? "initiator" : "responder";

    public static string CaseOf(Agreement? agreement) => agreement?.Case switch
    {
        null => "direct",
        NegotiationCase.Standard => "standard",
        NegotiationCase.Simultaneous => "simultaneous",
        { } other => throw new InvalidOperationException($"Nobody prints {other}."),
    };

    /// <summary>Returns the part of the transcript that first packets carry in clear, in hexadecimal.</summary>
    public static string TagOf(Agreement agreement) => Convert.ToHexStringLower(agreement.Transcript[..Agreement.TagSize]);

    /// <summary>Describes a session for people.</summary>
    /// <param name="session">The session.</param>
    /// <param name="direct">The channel's scheme, where nothing was negotiated.</param>
    public static string Describe(PacketSecChannelEvent.SessionConfirmed session, string direct)
    {
        var (agreement, role) = (session.Agreement, RoleOf(session.Role));
        return agreement is null
            ? $"{direct}, {CaseOf(agreement)}, as {role}"
            : $"{agreement.Scheme}, {CaseOf(agreement)}, as {role}, transcript {TagOf(agreement)}";
    }

    /// <summary>Describes a session for programs.</summary>
    /// <param name="line">Takes the properties.</param>
    /// <param name="session">The session.</param>
    /// <param name="direct">The channel's scheme, where nothing was negotiated.</param>
    public static void Write(Utf8JsonWriter line, PacketSecChannelEvent.SessionConfirmed session, string direct)
    {
        line.WriteString("scheme", session.Agreement?.Scheme ?? direct);
        line.WriteString("case", CaseOf(session.Agreement));
        line.WriteString("role", RoleOf(session.Role));
        if (session.Agreement is { } agreement)
        {
            line.WriteString("transcript_tag", TagOf(agreement));
        }
    }
}
