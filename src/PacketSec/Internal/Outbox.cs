using PacketSec.Protocol;
using PacketSec.Protocol.Schemes;

namespace PacketSec.Internal;

/// <summary>
/// What a machine wants done, taken under its gate and done after the gate is left. Reused, so that a datagram allocates nothing. Belongs to one thread.
/// </summary>
internal sealed class Outbox
{
    private readonly int _datagramSize;
    private byte[] _bytes = new byte[16 * 1024];
    private int _used;

    /// <summary>Creates an empty one.</summary>
    /// <param name="datagramSize">The longest datagram that machines send.</param>
    public Outbox(int datagramSize) => _datagramSize = Math.Max(datagramSize, ImplementationLimits.HandshakeMessageSize);

    public List<PeerEvent> PeerEvents { get; } = [];

    public List<EndpointEvent> EndpointEvents { get; } = [];

    public List<HandshakeWork> Work { get; } = [];

    public List<(Transmit Transmit, int Offset)> Transmits { get; } = [];

    public ReadOnlySpan<byte> BytesOf((Transmit Transmit, int Offset) item) => _bytes.AsSpan(item.Offset, item.Transmit.Length);

    /// <summary>Takes all that a peer machine has; the caller holds its gate.</summary>
    public void Collect(Instant now, PeerMachine machine, PacketAead aead)
    {
        while (machine.TryTakeWork(out var work))
        {
            Work.Add(work!);
        }

        while (machine.TryPollEvent(out var peerEvent))
        {
            PeerEvents.Add(peerEvent!);
        }

        while (machine.TryPollTransmit(now, aead, Room(), out var transmit))
        {
            Add(transmit);
        }
    }

    /// <summary>Takes all that the endpoint machine has; the caller holds its gate.</summary>
    public void Collect(EndpointMachine machine)
    {
        while (machine.TryTakeWork(out var work))
        {
            Work.Add(work!);
        }

        while (machine.TryPollEvent(out var endpointEvent))
        {
            EndpointEvents.Add(endpointEvent!);
        }

        while (machine.TryPollTransmit(Room(), out var transmit))
        {
            Add(transmit);
        }
    }

    public void Clear()
    {
        PeerEvents.Clear();
        EndpointEvents.Clear();
        Work.Clear();
        Transmits.Clear();
        _used = 0;
    }

    private Span<byte> Room()
    {
        // Bounded by the bounds of what machines queue: some 2 MiB.
        if (_bytes.Length - _used < _datagramSize)
        {
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, _used + _datagramSize));
        }

        return _bytes.AsSpan(_used);
    }

    private void Add(Transmit transmit)
    {
        Transmits.Add((transmit, _used));
        _used += transmit.Length;
    }
}
