namespace PacketSec.Protocol.Streams.Recovery;

/// <summary>What became of a packet sent.</summary>
internal enum SentState : byte
{
    /// <summary>Its fate is open.</summary>
    Outstanding,

    /// <summary>It was acknowledged.</summary>
    Acknowledged,

    /// <summary>It counts as lost.</summary>
    Lost,

    /// <summary>It asks for no acknowledgement, so nobody waits for its fate.</summary>
    Unwatched,
}

/// <summary>A packet sent.</summary>
internal struct SentPacket
{
    /// <summary>When, in nanoseconds.</summary>
    public long SentAt;

    /// <summary>The session that sealed it.</summary>
    public long Session;

    /// <summary>Its size as a UDP payload.</summary>
    public int Size;

    /// <summary>The first record of what it carried.</summary>
    public int Records;

    /// <summary>Which of the paths used so far it went.</summary>
    public int Path;

    public SentState State;

    /// <summary>Whether it asks for an acknowledgement; such packets are in flight, the others are not.</summary>
    public bool AckEliciting;

    /// <summary>Whether it probes the path's MTU, so that its loss says nothing about congestion.</summary>
    public bool MtuProbe;
}

/// <summary>The packets whose fate is open, and those between them, in a ring that grows to a bound and is used again.</summary>
internal sealed class SentPackets
{
    /// <summary>The packets between the oldest open one and the newest; past it nothing is sent.</summary>
    public const int Capacity = 65_536;

    private const int Reserve = 1024;

    private SentPacket[] _ring = new SentPacket[64];

    /// <summary>Gets the number of the oldest packet whose fate is open; equal to <see cref="Next"/> when there is none.</summary>
    public long First { get; private set; }

    /// <summary>Gets the number of the next packet.</summary>
    public long Next { get; private set; }

    public bool IsFull => Next - First == Capacity;

    /// <summary>Gets whether only probes and acknowledgements have room.</summary>
    public bool IsNearlyFull => Next - First >= Capacity - Reserve;

    public ref SentPacket this[long number] => ref _ring[(int)(number & (_ring.Length - 1))];

    /// <summary>Adds the next packet.</summary>
    /// <returns>Its number.</returns>
    //= spec/streams.md#packet-numbers
    public long Add(in SentPacket packet)
    {
        if (IsFull)
        {
            throw new InvalidOperationException("Too many packets are in flight; IsFull said so.");
        }

        if (Next - First == _ring.Length)
        {
            Grow();
        }

        this[Next] = packet;
        return Next++;
    }

    /// <summary>Lets the oldest packets go whose fate is not open.</summary>
    public void Trim()
    {
        while (First < Next && this[First].State != SentState.Outstanding)
        {
            First++;
        }
    }

    private void Grow()
    {
        var grown = new SentPacket[2 * _ring.Length];
        for (var number = First; number < Next; number++)
        {
            grown[(int)(number & (grown.Length - 1))] = this[number];
        }

        _ring = grown;
    }
}
