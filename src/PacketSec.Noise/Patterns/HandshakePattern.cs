using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace PacketSec.Noise;

/// <summary>
/// A handshake pattern as data (Noise revision 34, section 7): the pre-messages and the messages with their tokens. Every instance obeys the
/// validity rules of sections 7.3 and 9.3.
/// </summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class HandshakePattern
{
    private readonly int[] _pskPositions;
    private readonly int[] _overheads;

    private HandshakePattern(string baseName, int[] pskPositions, PatternBody body)
    {
        BaseName = baseName;
        _pskPositions = pskPositions;
        Name = baseName + string.Join('+', pskPositions.Select(position => "psk" + position.ToString(CultureInfo.InvariantCulture)));
        InitiatorStaticIsKnown = body.InitiatorStaticIsKnown;
        ResponderStaticIsKnown = body.ResponderStaticIsKnown;
        Messages = Array.AsReadOnly([.. body.Messages]);
        PskCount = pskPositions.Length;
        _overheads = PatternRules.Overheads(body);
    }

    /// <summary>Gets the names of all fundamental and deferred patterns of revision 34, without modifiers.</summary>
    public static IReadOnlyCollection<string> KnownNames => PatternTable.Names;

    /// <summary>Gets the name as it stands in a protocol name, modifiers included: <c>XXpsk3</c>.</summary>
    public string Name { get; }

    /// <summary>Gets whether the responder knows the initiator's static key beforehand (pre-message <c>-&gt; s</c>).</summary>
    public bool InitiatorStaticIsKnown { get; }

    /// <summary>Gets whether the initiator knows the responder's static key beforehand (pre-message <c>&lt;- s</c>).</summary>
    public bool ResponderStaticIsKnown { get; }

    /// <summary>Gets the messages, the initiator's first one first, the senders alternating.</summary>
    public IReadOnlyList<MessagePattern> Messages { get; }

    /// <summary>Gets the number of pre-shared keys that a handshake needs.</summary>
    public int PskCount { get; }

    /// <summary>Gets whether only the initiator ever sends: the pattern has a single message.</summary>
    public bool IsOneWay => Messages.Count == 1;

    internal string BaseName { get; }

    /// <summary>
    /// Finds a pattern of revision 34 by its name, with <c>psk</c> modifiers in ascending order: <c>IK</c>, <c>X1X1</c>, <c>NNpsk0+psk2</c>.
    /// The modifier <c>fallback</c> is not supported.
    /// </summary>
    /// <param name="name">The name.</param>
    /// <exception cref="ArgumentException">There is no such pattern.</exception>
    public static HandshakePattern FromName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return TryFromName(name, out var pattern)
            ? pattern
            : throw new ArgumentException($"'{name}' is not a handshake pattern of Noise revision 34.", nameof(name));
    }

    /// <summary>Finds a pattern of revision 34 by its name; see <see cref="FromName"/>.</summary>
    /// <param name="name">The name.</param>
    /// <param name="pattern">The pattern, or null.</param>
    /// <returns>Whether there is such a pattern.</returns>
    public static bool TryFromName(string? name, [NotNullWhen(true)] out HandshakePattern? pattern)
    {
        pattern = null;
        if (name is null)
        {
            return false;
        }

        var end = name.AsSpan().IndexOfAnyInRange('a', 'z');
        var baseName = end < 0 ? name : name[..end];
        if (!PatternTable.TryGet(baseName, out var found))
        {
            return false;
        }

        if (end < 0)
        {
            pattern = found;
            return true;
        }

        var previous = -1;
        foreach (var modifier in name[end..].Split('+'))
        {
            // A single digit: no pattern of the table has ten messages.
            if (modifier.Length != 4 || !modifier.StartsWith("psk", StringComparison.Ordinal) || !char.IsAsciiDigit(modifier[3]))
            {
                return false;
            }

            var position = modifier[3] - '0';
            if (position <= previous || position > found.Messages.Count)
            {
                return false;
            }

            found = found.WithPsk(position);
            previous = position;
        }

        pattern = found;
        return true;
    }

    /// <summary>Reads a custom pattern in the notation of the Noise specification.</summary>
    /// <param name="name">Its name: upper-case ASCII letters and digits, a letter first, and none of <see cref="KnownNames"/>.</param>
    /// <param name="notation">
    /// Pre-messages of <c>s</c>, <c>...</c>, and messages; line ends count as spaces. For example
    /// <c>&lt;- s ... -&gt; e &lt;- e -&gt; ee, es, s, se</c>. A message without tokens carries its payload only, as a confirmation does.
    /// Pre-shared keys come by <see cref="WithPsk"/>, so that the name tells of them.
    /// </param>
    /// <exception cref="ArgumentException">The name or the notation is malformed, or a validity rule is broken: the text says which.</exception>
    public static HandshakePattern Parse(string name, string notation)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(notation);
        if (name.Length == 0 || !char.IsAsciiLetterUpper(name[0]) || !name.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c)))
        {
            throw new ArgumentException("A pattern's name has upper-case ASCII letters and digits only, a letter first.", nameof(name));
        }

        if (PatternTable.TryGet(name, out _))
        {
            throw new ArgumentException($"The name {name} belongs to a pattern of the Noise specification.", nameof(name));
        }

        if (!PatternNotation.TryParse(notation, out var body, out var error))
        {
            throw new ArgumentException(error, nameof(notation));
        }

        return Create(name, [], body);
    }

    /// <summary>Applies a <c>psk</c> modifier (section 9.4).</summary>
    /// <param name="position">0: a pre-shared key at the start of the first message; n: one at the end of message n.</param>
    /// <returns>A new pattern; its name lists the modifiers in ascending order.</returns>
    /// <exception cref="ArgumentException">There is no such message, the modifier is there already, or a validity rule is broken.</exception>
    public HandshakePattern WithPsk(int position)
    {
        if (position < 0 || position > Messages.Count)
        {
            throw new ArgumentException($"The psk modifiers of {Name} go from 0 to {Messages.Count}.", nameof(position));
        }

        if (_pskPositions.Contains(position))
        {
            throw new ArgumentException($"{Name} has the modifier psk{position} already.", nameof(position));
        }

        var changed = Math.Max(position - 1, 0);
        var messages = Messages.ToArray();
        var tokens = messages[changed].Tokens;
        messages[changed] = new MessagePattern(
            messages[changed].FromInitiator,
            Array.AsReadOnly<PatternToken>(position == 0 ? [PatternToken.Psk, .. tokens] : [.. tokens, PatternToken.Psk]));
        int[] positions = [.. _pskPositions.Append(position).Order()];
        return Create(BaseName, positions, new PatternBody(InitiatorStaticIsKnown, ResponderStaticIsKnown, messages));
    }

    /// <summary>Returns the pattern in the notation of the Noise specification, on one line.</summary>
    public override string ToString() => PatternNotation.Format(this);

    internal static HandshakePattern CreateNamed(string name, string notation)
        => PatternNotation.TryParse(notation, out var body, out var error)
            ? Create(name, [], body)
            : throw new ArgumentException(error, nameof(notation));

    /// <summary>The bytes that a message has beyond its payload: keys and tags.</summary>
    internal int Overhead(int message) => _overheads[message];

    /// <summary>Whether a side has a static key: sent in a message or known beforehand.</summary>
    internal bool HasStatic(bool initiator)
        => (initiator ? InitiatorStaticIsKnown : ResponderStaticIsKnown) || Sends(initiator, PatternToken.S);

    /// <summary>Whether a side sends an ephemeral key.</summary>
    internal bool HasEphemeral(bool initiator) => Sends(initiator, PatternToken.E);

    private static HandshakePattern Create(string baseName, int[] pskPositions, PatternBody body)
        => PatternRules.FindViolation(body) is { } violation
            ? throw new ArgumentException($"{baseName} is not a valid pattern: {violation}")
            : new HandshakePattern(baseName, pskPositions, body);

    private bool Sends(bool initiator, PatternToken token)
        => Messages.Any(message => message.FromInitiator == initiator && message.Tokens.Contains(token));
}
