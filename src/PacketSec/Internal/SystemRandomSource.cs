using System.Security.Cryptography;
using PacketSec.Crypto;

namespace PacketSec.Internal;

/// <summary>The operating system's generator. Thread-safe.</summary>
internal sealed class SystemRandomSource : IRandomSource
{
    private SystemRandomSource()
    {
    }

    /// <summary>Gets the one instance.</summary>
    public static SystemRandomSource Instance { get; } = new();

    /// <inheritdoc/>
    public void Fill(Span<byte> destination) => RandomNumberGenerator.Fill(destination);
}
