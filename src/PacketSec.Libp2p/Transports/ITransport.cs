using PacketSec.Libp2p.Addresses;
using PacketSec.Protocol.Identity;

namespace PacketSec.Libp2p.Transports;

/// <summary>
/// A transport that is secure and multiplexed by itself: what it dials and accepts are connections with a proven peer and many streams. Section 3 of
/// <c>spec/libp2p.md</c> says what every transport has to do.
/// </summary>
/// <remarks>All members may be called from any thread at any time. Disposal closes listeners and connections.</remarks>
public interface ITransport : IAsyncDisposable
{
    /// <summary>Gets the own peer ID, which others dial.</summary>
    PeerId LocalPeerId { get; }

    /// <summary>Says whether an address has a form that this transport dials or listens on. Never throws.</summary>
    /// <param name="address">The address, with or without a peer ID.</param>
    bool Matches(Multiaddress address);

    /// <summary>Opens a connection to the peer that the address names, and to no other.</summary>
    /// <param name="remote">An address with a peer ID at its end.</param>
    /// <param name="cancellationToken">Gives the dial up: no connection is left of it.</param>
    /// <exception cref="Libp2pException">
    /// <see cref="Libp2pError.UnsupportedAddress"/>, <see cref="Libp2pError.WrongPeer"/>, <see cref="Libp2pError.Refused"/>,
    /// <see cref="Libp2pError.TimedOut"/>, <see cref="Libp2pError.DialFailed"/> or <see cref="Libp2pError.Closed"/>.
    /// </exception>
    /// <exception cref="OperationCanceledException">The dial was given up.</exception>
    Task<IConnection> DialAsync(Multiaddress remote, CancellationToken cancellationToken = default);

    /// <summary>Begins to accept connections at an address.</summary>
    /// <param name="local">An address of this machine; port 0 lets the system choose.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <exception cref="Libp2pException"><see cref="Libp2pError.UnsupportedAddress"/>, or <see cref="Libp2pError.Closed"/>.</exception>
    /// <exception cref="IOException">The system does not give the address.</exception>
    Task<IListener> ListenAsync(Multiaddress local, CancellationToken cancellationToken = default);
}
