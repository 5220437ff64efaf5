namespace PacketSec.Internal;

/// <summary>Datagrams that the application hands over in one call, and whose they are.</summary>
internal interface IOutgoingDatagrams
{
    int Count { get; }

    PeerDriver PeerOf(int index);

    ReadOnlySpan<byte> PayloadOf(int index);

    /// <summary>Takes one step for each of the next datagrams, so that what their peers need is near when it is their turn.</summary>
    void LookAhead(int current);
}

/// <summary>Datagrams of one channel.</summary>
internal readonly ref struct DatagramsOfOne(PeerDriver peer, ReadOnlySpan<ReadOnlyMemory<byte>> datagrams) : IOutgoingDatagrams
{
    private readonly ReadOnlySpan<ReadOnlyMemory<byte>> _datagrams = datagrams;

    public int Count => _datagrams.Length;

    public PeerDriver PeerOf(int index) => peer;

    public ReadOnlySpan<byte> PayloadOf(int index) => _datagrams[index].Span;

    public void LookAhead(int current)
    {
        // The one peer is near after the first datagram.
    }
}

/// <summary>Datagrams of many channels.</summary>
internal readonly ref struct DatagramsOfMany(ReadOnlySpan<OutgoingDatagram> datagrams) : IOutgoingDatagrams
{
    private readonly ReadOnlySpan<OutgoingDatagram> _datagrams = datagrams;

    public int Count => _datagrams.Length;

    public PeerDriver PeerOf(int index) => _datagrams[index].Channel.Peer;

    public ReadOnlySpan<byte> PayloadOf(int index) => _datagrams[index].Payload.Span;

    // Each step reads only what the one before has asked for: the channel, its peer, its machine, its session, its key.
    public void LookAhead(int current)
    {
        if (current + 5 < _datagrams.Length)
        {
            PeerDriver.Fetch(_datagrams[current + 5].Channel);
        }

        if (current + 4 < _datagrams.Length)
        {
            PeerDriver.Fetch(_datagrams[current + 4].Channel.Peer);
        }

        if (current + 3 < _datagrams.Length)
        {
            PeerOf(current + 3).FetchParts();
        }

        if (current + 2 < _datagrams.Length)
        {
            PeerOf(current + 2).Machine.FetchState();
        }

        if (current + 1 < _datagrams.Length)
        {
            PeerOf(current + 1).Machine.FetchSendKey();
        }
    }
}
