using PacketSec.Protocol.Streams;

namespace PacketSec.Simulation.Streams;

/// <summary>A path by rate, round trip and loss, with a buffer of one bandwidth-delay product, and what a flow should reach on it.</summary>
internal sealed record StreamCell(double Megabits, double RttMs, double Loss)
{
    /// <summary>The smallest buffer: no link holds less than a few packets, whatever its product.</summary>
    private const long LeastQueue = 16 * 1024;

    // A large path needs windows of its size; the application sets them.
    public static StreamOptions Wide { get; } = new()
    {
        StreamWindow = 1 << 20,
        MaxStreamWindow = 192 << 20,
        ConnectionWindow = 1 << 20,
        MaxConnectionWindow = 256 << 20,
        SendBuffer = 128 << 20,
    };

    public LinkOptions Link => new()
    {
        BitsPerSecond = Megabits * 1e6,
        Delay = TimeSpan.FromMilliseconds(RttMs / 2),
        Loss = Loss,
        QueueBytes = Math.Max(LeastQueue, (long)(Megabits * 1e6 / 8 * RttMs / 1e3)),
    };

    /// <summary>
    /// Gets the bits of payload per second that are four fifths of the link's rate, or of the larger of what RFC 9438 gives for CUBIC (figure 6) and for its
    /// Reno-friendly region (figure 7) at this loss, whichever is less.
    /// </summary>
    //= rfc9438#section-5.2
    public double Target
    {
        get
        {
            const double Payload = 1400;
            if (Loss == 0)
            {
                return 0.8 * Megabits * 1e6;
            }

            var cubic = 1.054 * Math.Pow(RttMs / 1e3, 0.75) / Math.Pow(Loss, 0.75);
            var reno = Math.Sqrt(1.5 / Loss);
            return 0.8 * Math.Min(Megabits * 1e6, Math.Max(cubic, reno) * Payload * 8 / (RttMs / 1e3));
        }
    }
}
