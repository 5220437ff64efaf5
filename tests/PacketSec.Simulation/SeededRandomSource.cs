using PacketSec.Crypto;

namespace PacketSec.Simulation;

/// <summary>Gives the core the randomness of a seed, so that a simulated handshake can be repeated byte for byte.</summary>
/// <remarks>Thread-safe, as the seam asks; the order of calls decides who gets what.</remarks>
public sealed class SeededRandomSource(ulong seed) : IRandomSource
{
    private readonly DeterministicRandom _random = new(seed);
    private readonly Lock _gate = new();

    public void Fill(Span<byte> destination)
    {
        lock (_gate)
        {
            _random.Fill(destination);
        }
    }
}
