using PacketSec.Protocol;

namespace PacketSec.Simulation.Network;

/// <summary>What a tap wants done with a datagram.</summary>
public enum TapVerdict
{
    /// <summary>It goes on, with the bytes as the tap left them.</summary>
    Pass,

    /// <summary>It vanishes.</summary>
    Drop,
}

/// <summary>
/// An adversary on the wire: sees each datagram before the network's own conditions act on it, may alter it in place or drop it, and may inject
/// others through <see cref="SimulatedNetwork.Inject"/>. Injected datagrams pass no tap.
/// </summary>
public interface INetworkTap
{
    TapVerdict OnDatagram(in TappedDatagram datagram);
}

/// <summary>Decides about one datagram.</summary>
public delegate TapVerdict TapHandler(in TappedDatagram datagram);

/// <summary>One datagram on its way.</summary>
public readonly ref struct TappedDatagram(Instant at, NetworkAddress from, NetworkAddress to, Span<byte> bytes)
{
    public Instant At { get; } = at;

    /// <summary>Gets the source as the network shows it, after any translation.</summary>
    public NetworkAddress From { get; } = from;

    public NetworkAddress To { get; } = to;

    /// <summary>Gets the bytes; writing to them alters the datagram.</summary>
    public Span<byte> Bytes { get; } = bytes;
}

/// <summary>A tap made of a function.</summary>
public sealed class Tap(TapHandler handler) : INetworkTap
{
    public TapVerdict OnDatagram(in TappedDatagram datagram) => handler(datagram);
}

/// <summary>One datagram that a <see cref="RecordingTap"/> kept.</summary>
public sealed record RecordedDatagram(Instant At, NetworkAddress From, NetworkAddress To, byte[] Bytes)
{
    /// <summary>Gets the first word of the datagram, or 0 where it is too short for one.</summary>
    public uint Word => Header.Read(Bytes);
}

/// <summary>Keeps everything that was ever sent.</summary>
public sealed class RecordingTap : INetworkTap
{
    private readonly List<RecordedDatagram> _datagrams = [];

    public IReadOnlyList<RecordedDatagram> Datagrams => _datagrams;

    /// <summary>Gets or sets a value indicating whether what passes is kept.</summary>
    public bool Recording { get; set; } = true;

    public TapVerdict OnDatagram(in TappedDatagram datagram)
    {
        if (Recording)
        {
            _datagrams.Add(new(datagram.At, datagram.From, datagram.To, datagram.Bytes.ToArray()));
        }

        return TapVerdict.Pass;
    }

    public void Clear() => _datagrams.Clear();
}
