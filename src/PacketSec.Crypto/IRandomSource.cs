namespace PacketSec.Crypto;

/// <summary>
/// Where all randomness of the core comes from: given to it, never taken. In production it is the operating system's generator; in the
/// simulator it is seeded.
/// </summary>
/// <remarks>Thread-safe.</remarks>
public interface IRandomSource
{
    /// <summary>Fills a span with random bytes.</summary>
    /// <param name="destination">The span to fill.</param>
    void Fill(Span<byte> destination);
}
