using System.Diagnostics.CodeAnalysis;

namespace PacketSec.Fuzz.Engine;

/// <summary>One thing to be fuzzed: takes any bytes, and throws exactly when a property is violated.</summary>
internal abstract class FuzzTarget
{
    /// <summary>Gets the name on the command line and of the corpus folder.</summary>
    public abstract string Name { get; }

    /// <summary>Gets what must hold, in one line.</summary>
    public abstract string Property { get; }

    /// <summary>Gets the longest input that is tried, in bytes.</summary>
    public virtual int MaxInputSize => 1024;

    /// <summary>Gets pieces that inputs are likely to be made of.</summary>
    public virtual IReadOnlyList<byte[]> Dictionary => [];

    /// <summary>Runs one input. It keeps no state from one input to the next.</summary>
    /// <param name="input">Any bytes.</param>
    /// <param name="trace">Told how far the input came, so that the engine keeps those that come somewhere new.</param>
    public abstract void Run(ReadOnlySpan<byte> input, FuzzTrace trace);

    /// <summary>Throws when a property does not hold.</summary>
    /// <param name="holds">Whether it holds.</param>
    /// <param name="property">The property.</param>
    protected static void Require([DoesNotReturnIf(false)] bool holds, string property)
    {
        if (!holds)
        {
            throw new PropertyViolationException(property);
        }
    }
}

/// <summary>A property of a target does not hold.</summary>
internal sealed class PropertyViolationException(string property) : Exception(property);
