using PacketSec.Libp2p.Addresses;

namespace PacketSec.Libp2p.Transports;

/// <summary>Accepts connections at one local address.</summary>
/// <remarks>
/// All members may be called from any thread at any time. Disposal ends the listener and every wait on it; connections that it accepted live on.
/// </remarks>
public interface IListener : IAsyncDisposable
{
    /// <summary>Gets the address that others dial, with the port that the system chose and the own peer ID.</summary>
    Multiaddress LocalAddress { get; }

    /// <summary>Waits for a connection that a peer opened. One that a dial of this side has returned may come too: then it is the same object.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="Libp2pException">The listener is closed (<see cref="Libp2pError.Closed"/>).</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    ValueTask<IConnection> AcceptAsync(CancellationToken cancellationToken = default);
}
