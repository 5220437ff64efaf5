namespace PacketSec.Load.Compare;

/// <summary>A comparison cannot be made; the message says what to do.</summary>
internal sealed class ContestException(string message) : Exception(message);
