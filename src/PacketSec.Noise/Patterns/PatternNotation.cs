using System.Diagnostics.CodeAnalysis;

namespace PacketSec.Noise;

/// <summary>Reads and prints the notation of section 7. Arrows delimit messages, so that line ends carry no meaning.</summary>
internal static class PatternNotation
{
    private const string FromInitiator = "->";
    private const string FromResponder = "<-";
    private const string EndOfPreMessages = "...";

    public static bool TryParse(string notation, [NotNullWhen(true)] out PatternBody? body, [NotNullWhen(false)] out string? error)
    {
        body = null;
        error = null;
        var words = notation.Split([' ', '\t', '\r', '\n', ','], StringSplitOptions.RemoveEmptyEntries);
        var ellipsis = Array.IndexOf(words, EndOfPreMessages);
        var initiatorKnown = false;
        var responderKnown = false;
        if (ellipsis >= 0)
        {
            if (!TryReadMessages(words.AsSpan(0, ellipsis), out var preMessages, out error))
            {
                return false;
            }

            foreach (var preMessage in preMessages)
            {
                ref var known = ref preMessage.FromInitiator ? ref initiatorKnown : ref responderKnown;
                if (known || preMessage.Tokens is not [PatternToken.S])
                {
                    error = "A pre-message is one 's', at most once for each side.";
                    return false;
                }

                known = true;
            }
        }

        if (!TryReadMessages(words.AsSpan(ellipsis + 1), out var messages, out error))
        {
            return false;
        }

        body = new PatternBody(initiatorKnown, responderKnown, messages);
        return true;
    }

    public static string Format(HandshakePattern pattern)
    {
        var parts = new List<string>();
        if (pattern.InitiatorStaticIsKnown)
        {
            parts.Add($"{FromInitiator} s");
        }

        if (pattern.ResponderStaticIsKnown)
        {
            parts.Add($"{FromResponder} s");
        }

        if (parts.Count > 0)
        {
            parts.Add(EndOfPreMessages);
        }

        parts.AddRange(pattern.Messages.Select(Format));
        return string.Join(' ', parts);
    }

    public static string Format(MessagePattern message)
        => $"{(message.FromInitiator ? FromInitiator : FromResponder)} {string.Join(", ", message.Tokens.Select(Word))}".TrimEnd();

    private static bool TryReadMessages(
        ReadOnlySpan<string> words, [NotNullWhen(true)] out List<MessagePattern>? messages, [NotNullWhen(false)] out string? error)
    {
        messages = [];
        error = null;
        while (!words.IsEmpty)
        {
            if (words[0] is not (FromInitiator or FromResponder))
            {
                error = $"'{words[0]}' stands where an arrow (-> or <-) was expected.";
                return false;
            }

            var length = 1;
            while (length < words.Length && words[length] is not (FromInitiator or FromResponder))
            {
                length++;
            }

            var tokens = new PatternToken[length - 1];
            for (var i = 0; i < tokens.Length; i++)
            {
                if (!TryReadToken(words[i + 1], out tokens[i]))
                {
                    error = $"'{words[i + 1]}' is not a token of a custom pattern: they are e, s, ee, es, se, ss.";
                    return false;
                }
            }

            messages.Add(new MessagePattern(words[0] == FromInitiator, Array.AsReadOnly(tokens)));
            words = words[length..];
        }

        return true;
    }

    private static bool TryReadToken(string word, out PatternToken token)
    {
        (token, var known) = word switch
        {
            "e" => (PatternToken.E, true),
            "s" => (PatternToken.S, true),
            "ee" => (PatternToken.EE, true),
            "es" => (PatternToken.ES, true),
            "se" => (PatternToken.SE, true),
            "ss" => (PatternToken.SS, true),
            _ => (default, false),
        };
        return known;
    }

    private static string Word(PatternToken token) => token switch
    {
        PatternToken.E => "e",
        PatternToken.S => "s",
        PatternToken.EE => "ee",
        PatternToken.ES => "es",
        PatternToken.SE => "se",
        PatternToken.SS => "ss",
        PatternToken.Psk => "psk",
    };
}
