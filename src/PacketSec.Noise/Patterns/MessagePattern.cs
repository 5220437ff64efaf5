namespace PacketSec.Noise;

/// <summary>One message of a handshake pattern: who sends it, and its tokens in order.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class MessagePattern
{
    internal MessagePattern(bool fromInitiator, IReadOnlyList<PatternToken> tokens)
    {
        FromInitiator = fromInitiator;
        Tokens = tokens;
    }

    /// <summary>Gets whether the initiator sends this message.</summary>
    public bool FromInitiator { get; }

    /// <summary>Gets the tokens in the order in which both sides process them.</summary>
    public IReadOnlyList<PatternToken> Tokens { get; }

    /// <summary>Returns the message in the notation of the Noise specification, such as <c>&lt;- e, ee, s, es</c>.</summary>
    public override string ToString() => PatternNotation.Format(this);
}
