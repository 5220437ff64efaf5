using PacketSec.Protocol;

namespace PacketSec;

/// <summary>Counters of one channel since it was made. A snapshot: the counters in it may be some datagrams apart.</summary>
public sealed record PacketSecChannelStatistics
{
    /// <summary>Gets the datagrams that were sealed and handed to the network.</summary>
    public required long DatagramsSent { get; init; }

    /// <summary>Gets their payload in bytes.</summary>
    public required long BytesSent { get; init; }

    /// <summary>Gets the authentic datagrams received, those included that found the receive queue full.</summary>
    public required long DatagramsReceived { get; init; }

    /// <summary>Gets their payload in bytes.</summary>
    public required long BytesReceived { get; init; }

    /// <summary>Gets the sessions that were confirmed: 1, and one more for each rekey, recovery and change of address.</summary>
    public required long Sessions { get; init; }

    /// <summary>Gets how often a handler given to <see cref="PacketSecChannel.OnDatagram"/> threw.</summary>
    public required long HandlerFailures { get; init; }

    /// <summary>
    /// Gets how often a handler held up the thread that receives for more than 1 ms in one go, which is one datagram or up to 16 that came together.
    /// </summary>
    public required long HandlerStalls { get; init; }

    /// <summary>Gets the drops by reason; reasons that did not occur are not in it.</summary>
    public required IReadOnlyDictionary<DropReason, long> Drops { get; init; }
}

/// <summary>Counters of one endpoint with all its channels, past ones included. A snapshot, as for channels.</summary>
public sealed record PacketSecEndpointStatistics
{
    /// <summary>Gets the channels that there are, those included that are being opened or closed.</summary>
    public required int Channels { get; init; }

    /// <summary>Gets the handshakes of others that are not complete.</summary>
    public required int HalfOpenHandshakes { get; init; }

    /// <summary>Gets the addresses whose proposals were accepted, and whose handshakes are not complete.</summary>
    public required int ProposalsServed { get; init; }

    /// <summary>Gets the proposals, accepts and rejects that were taken; copies that drew an answer are cached answers.</summary>
    public required long NegotiationFrames { get; init; }

    /// <summary>Gets the proposals that were answered by a request for a cookie, because too many others are being served. It rises under a flood.</summary>
    public required long RetriesSent { get; init; }

    /// <summary>Gets the first messages of others that were answered.</summary>
    public required long HandshakesBegun { get; init; }

    /// <summary>Gets the handshakes of others that were completed.</summary>
    public required long HandshakesFinished { get; init; }

    /// <summary>Gets the repeated handshake messages that drew the answer they drew before.</summary>
    public required long CachedAnswers { get; init; }

    /// <summary>Gets the sessions that were confirmed, in all channels.</summary>
    public required long Sessions { get; init; }

    /// <summary>Gets all UDP datagrams that the socket received.</summary>
    public required long UdpDatagramsReceived { get; init; }

    /// <summary>Gets the application's datagrams that were sealed and handed to the network.</summary>
    public required long DatagramsSent { get; init; }

    /// <summary>Gets their payload in bytes.</summary>
    public required long BytesSent { get; init; }

    /// <summary>Gets the authentic datagrams received, those included that found a receive queue full.</summary>
    public required long DatagramsReceived { get; init; }

    /// <summary>Gets their payload in bytes.</summary>
    public required long BytesReceived { get; init; }

    /// <summary>Gets the datagrams that the system did not take: its buffers were full, or it knows no route.</summary>
    public required long SendFailures { get; init; }

    /// <summary>Gets the datagrams that the system dropped because a socket's receive buffer was full; 0 where it does not tell.</summary>
    public required long ReceiveBufferDrops { get; init; }

    /// <summary>Gets the ICMP errors that the system reported. They change nothing: anyone can forge one.</summary>
    public required long IcmpErrors { get; init; }

    /// <summary>Gets the drops by reason; reasons that did not occur are not in it.</summary>
    public required IReadOnlyDictionary<DropReason, long> Drops { get; init; }
}
