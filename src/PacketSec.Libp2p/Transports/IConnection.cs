using PacketSec.Libp2p.Addresses;
using PacketSec.Protocol.Identity;

namespace PacketSec.Libp2p.Transports;

/// <summary>A connection to a peer that has proved its identity: streams, and unreliable datagrams.</summary>
/// <remarks>
/// All members may be called from any thread at any time; <see cref="ReceiveDatagramAsync"/> and <see cref="AcceptStreamAsync"/> by one caller each at a
/// time. Disposal closes with code 0.
/// </remarks>
public interface IConnection : IAsyncDisposable
{
    /// <summary>Gets the proven identity of the peer.</summary>
    PeerId RemotePeerId { get; }

    /// <summary>Gets the peer's address, with its peer ID at the end.</summary>
    Multiaddress RemoteAddress { get; }

    /// <summary>Gets the longest datagram in bytes that can be sent now.</summary>
    int MaxDatagramPayload { get; }

    /// <summary>Gets a task that completes, and never fails, when the connection is over.</summary>
    Task<ConnectionEnd> Closed { get; }

    /// <summary>Opens a stream, as soon as the peer permits one more.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="Libp2pException">The connection is over (<see cref="Libp2pError.Closed"/>).</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    ValueTask<IStream> OpenStreamAsync(CancellationToken cancellationToken = default);

    /// <summary>Waits for a stream that the peer opened. How many may wait is bounded by the transport.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="Libp2pException">The connection is over (<see cref="Libp2pError.Closed"/>).</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    ValueTask<IStream> AcceptStreamAsync(CancellationToken cancellationToken = default);

    /// <summary>Sends a datagram, which the network may lose.</summary>
    /// <param name="payload">1 to <see cref="MaxDatagramPayload"/> bytes.</param>
    /// <returns>False when too many wait to be sent already: send less, or again later.</returns>
    /// <exception cref="Libp2pException"><see cref="Libp2pError.TooLarge"/>, or <see cref="Libp2pError.Closed"/>.</exception>
    bool TrySendDatagram(ReadOnlySpan<byte> payload);

    /// <summary>Waits for a datagram.</summary>
    /// <param name="buffer">Where it goes; as long as the longest that is expected.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Its length.</returns>
    /// <exception cref="Libp2pException">
    /// <see cref="Libp2pError.TooLarge"/> when the buffer is too short, and the datagram waits on; or <see cref="Libp2pError.Closed"/>.
    /// </exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    ValueTask<int> ReceiveDatagramAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>
    /// Closes the connection, and all its streams with it; the peer is told as far as the network takes it there. Idempotent: the first call's code counts.
    /// </summary>
    /// <param name="code">0 to 2^62-1, for the peer.</param>
    /// <param name="reason">For people at the other end.</param>
    ValueTask CloseAsync(long code = 0, string reason = "");
}
