namespace PacketSec.Load.Compare;

/// <summary>A comparison cannot be made; the message says what to do.</summary>
internal sealed class ContestException(string message) : Exception(message)
{
    /// <summary>Gets a value indicating whether the machine was in the way, so that another run may do.</summary>
    public bool MayPass { get; init; }
}
