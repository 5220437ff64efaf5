namespace PacketSec.Internal;

/// <summary>Datagrams that the application hands over in one call, and whose they are.</summary>
internal interface IOutgoingDatagrams
{
    int Count { get; }

    PeerDriver PeerOf(int index);

    ReadOnlySpan<byte> PayloadOf(int index);
}

/// <summary>Datagrams of one channel.</summary>
internal readonly ref struct DatagramsOfOne(PeerDriver peer, ReadOnlySpan<ReadOnlyMemory<byte>> datagrams) : IOutgoingDatagrams
{
    private readonly ReadOnlySpan<ReadOnlyMemory<byte>> _datagrams = datagrams;

    public int Count => _datagrams.Length;

    public PeerDriver PeerOf(int index) => peer;

    public ReadOnlySpan<byte> PayloadOf(int index) => _datagrams[index].Span;
}

/// <summary>Datagrams of many channels.</summary>
internal readonly ref struct DatagramsOfMany(ReadOnlySpan<OutgoingDatagram> datagrams) : IOutgoingDatagrams
{
    private readonly ReadOnlySpan<OutgoingDatagram> _datagrams = datagrams;

    public int Count => _datagrams.Length;

    public PeerDriver PeerOf(int index) => _datagrams[index].Channel.Peer;

    public ReadOnlySpan<byte> PayloadOf(int index) => _datagrams[index].Payload.Span;
}
