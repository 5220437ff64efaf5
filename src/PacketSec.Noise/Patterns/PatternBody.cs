namespace PacketSec.Noise;

/// <summary>What a pattern consists of besides its name, before it is found valid.</summary>
internal sealed record PatternBody(bool InitiatorStaticIsKnown, bool ResponderStaticIsKnown, IReadOnlyList<MessagePattern> Messages)
{
    /// <summary>Whether a psk token stands anywhere: then each ephemeral key is also mixed into the key (section 9.2).</summary>
    public bool HasPsk => Messages.Any(message => message.Tokens.Contains(PatternToken.Psk));
}
