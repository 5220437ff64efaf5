namespace PacketSec.Protocol.Streams.Recovery;

/// <summary>Numbers from a first to a last one, both included.</summary>
/// <param name="First">The smallest.</param>
/// <param name="Last">The largest.</param>
internal readonly record struct NumberRange(long First, long Last);
