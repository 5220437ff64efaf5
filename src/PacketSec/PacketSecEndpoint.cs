using System.Net;
using System.Runtime.CompilerServices;
using PacketSec.Internal;
using PacketSec.Protocol.Identity;
using PacketSec.Udp;

namespace PacketSec;

/// <summary>
/// One UDP socket and one identity: it dials peers and accepts their channels, both at the same port.
/// </summary>
/// <remarks>
/// All members may be called from any thread at any time. An endpoint has one thread that receives for each
/// shard, one that keeps the time, and up to two for handshakes.
/// Disposal closes its channels and ends every pending call with <see cref="PacketSecError.EndpointClosed"/>.
/// </remarks>
public sealed class PacketSecEndpoint : IAsyncDisposable
{
    private static readonly PacketSecConnectOptions DefaultDial = new();

    private readonly EndpointDriver _driver;

    private PacketSecEndpoint(EndpointDriver driver) => _driver = driver;

    /// <summary>Gets the bound address, with the port that the system chose.</summary>
    public IPEndPoint LocalEndPoint => _driver.LocalEndPoint;

    /// <summary>Gets the own peer ID, which others dial.</summary>
    public PeerId PeerId => _driver.Options.Identity.PeerId;

    /// <summary>
    /// Gets how datagrams go to and come from the system, for logs and reports, such as <c>linux (UDP_SEGMENT, UDP_GRO, recvmmsg)</c> or <c>portable</c>.
    /// </summary>
    public string PathDescription => _driver.PathDescription;

    /// <summary>Binds a socket and starts to serve.</summary>
    /// <param name="options">How.</param>
    /// <exception cref="ArgumentException">An option is out of its bounds.</exception>
    /// <exception cref="IOException">
    /// The address cannot be bound: the port is in use, forbidden, or the address is not this machine's. The message says what to do, and the inner
    /// <see cref="System.Net.Sockets.SocketException"/> has the system's code.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The identity is disposed.</exception>
    /// <exception cref="PlatformNotSupportedException">OpenSSL 3 is not installed.</exception>
    public static PacketSecEndpoint Bind(PacketSecEndpointOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();

        // The list is the caller's, and is looked at with each channel.
        return new(EndpointDriver.Start(options with { Schemes = [.. options.Schemes] }));
    }

    /// <summary>
    /// Opens a channel to an identity. Where an open channel to it exists and something authentic came in the last 10 s, that one is returned, and has
    /// two owners: the first disposal ends it. Calls for one identity at the same time share one handshake.
    /// </summary>
    /// <param name="remote">The peer's address.</param>
    /// <param name="expectedPeerId">Its identity: the handshake fails with any other.</param>
    /// <param name="cancellationToken">Gives the dial up: no trace of it is left, and 1 s later nothing is sent for it any more.</param>
    /// <exception cref="PacketSecException">
    /// <see cref="PacketSecError.TimedOut"/>, <see cref="PacketSecError.WrongIdentity"/>, <see cref="PacketSecError.Refused"/>,
    /// <see cref="PacketSecError.NoCommonScheme"/> or <see cref="PacketSecError.EndpointClosed"/>.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// The address has no port, is no host's, or is of a family that the endpoint is not bound to; or the identity is one's own.
    /// </exception>
    /// <exception cref="OperationCanceledException">The dial was given up.</exception>
    public Task<PacketSecChannel> ConnectAsync(IPEndPoint remote, PeerId expectedPeerId, CancellationToken cancellationToken = default)
        => ConnectAsync(remote, expectedPeerId, DefaultDial, cancellationToken);

    /// <summary>
    /// Opens a channel to an identity, as <see cref="ConnectAsync(IPEndPoint, PeerId, CancellationToken)"/> does, with a say in how a scheme is agreed on.
    /// A dial that joins one that runs already shares its negotiation.
    /// </summary>
    /// <param name="remote">The peer's address.</param>
    /// <param name="expectedPeerId">Its identity: the handshake fails with any other.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Gives the dial up: no trace of it is left, and 1 s later nothing is sent for it any more.</param>
    /// <exception cref="PacketSecException">
    /// <see cref="PacketSecError.TimedOut"/>, <see cref="PacketSecError.WrongIdentity"/>, <see cref="PacketSecError.Refused"/>,
    /// <see cref="PacketSecError.NoCommonScheme"/> or <see cref="PacketSecError.EndpointClosed"/>.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// The address has no port, is no host's, or is of a family that the endpoint is not bound to; the identity is one's own; or the options contradict
    /// each other, name an unknown scheme, or hide the peer ID with a scheme that gives it away.
    /// </exception>
    /// <exception cref="OperationCanceledException">The dial was given up.</exception>
    public Task<PacketSecChannel> ConnectAsync(
        IPEndPoint remote, PeerId expectedPeerId, PacketSecConnectOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(remote);
        ArgumentNullException.ThrowIfNull(expectedPeerId);
        ArgumentNullException.ThrowIfNull(options);
        return _driver.ConnectAsync(remote, expectedPeerId, options, cancellationToken);
    }

    /// <summary>Waits for a channel that a peer opens. Concurrent calls get different channels.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The channel, which the caller disposes. Its peer may have closed it since; what it sent can be received.</returns>
    /// <exception cref="PacketSecException">The endpoint is closed (<see cref="PacketSecError.EndpointClosed"/>).</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public ValueTask<PacketSecChannel> AcceptAsync(CancellationToken cancellationToken = default) => _driver.AcceptAsync(cancellationToken);

    /// <summary>Waits for the channels that peers open, one after the other, until the endpoint closes.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="PacketSecException">The endpoint is closed (<see cref="PacketSecError.EndpointClosed"/>).</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public async IAsyncEnumerable<PacketSecChannel> AcceptAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            yield return await _driver.AcceptAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Sends datagrams on channels of this endpoint with as few system calls as the platform allows. Each is sent, queued or refused as by
    /// <see cref="PacketSecChannel.TrySend(ReadOnlySpan{byte})"/>, those of one channel in their order. Fastest where those of one channel stand together.
    /// </summary>
    /// <param name="datagrams">The datagrams with their channels.</param>
    /// <param name="results">What became of each: as long as <paramref name="datagrams"/>, or empty where nobody asks.</param>
    /// <returns>How many were sent or queued.</returns>
    /// <exception cref="ArgumentException">
    /// A datagram is empty, a channel null or another endpoint's, or the results are shorter than the datagrams; nothing is sent then.
    /// </exception>
    public int TrySend(ReadOnlySpan<OutgoingDatagram> datagrams, Span<SendResult> results = default)
    {
        PacketSecChannel.CheckResults(datagrams.Length, results.Length);
        foreach (ref readonly var datagram in datagrams)
        {
            if (datagram.Payload.IsEmpty)
            {
                throw PacketSecChannel.Empty(nameof(datagrams));
            }

            if (datagram.Channel is null || !datagram.Channel.IsOf(_driver))
            {
                throw new ArgumentException("A datagram's channel is null or another endpoint's: each endpoint sends on its own channels.", nameof(datagrams));
            }
        }

        return _driver.Send(new DatagramsOfMany(datagrams), results);
    }

    /// <summary>Gets a snapshot of the counters.</summary>
    public PacketSecEndpointStatistics GetStatistics() => _driver.GetStatistics();

    /// <summary>
    /// Closes the endpoint: nothing more is accepted, the channels are closed, their peers told, all keys of sessions wiped. Complete within 500 ms.
    /// Idempotent. A datagram handler that runs at that time is not waited for.
    /// </summary>
    public ValueTask DisposeAsync() => _driver.DisposeAsync();

    /// <summary>Ends the endpoint as a crash of the process would: no peer is told.</summary>
    internal Task AbortAsync() => _driver.AbortAsync();

    /// <summary>Gets the end, whatever its reason.</summary>
    internal Task Stopped => _driver.Stopped;

    /// <summary>Gets the failure that ended the endpoint; null while it serves, and where its owner closed it.</summary>
    internal Exception? Failure => _driver.Failure;

    /// <summary>Gets the datagrams that the socket received, without a snapshot.</summary>
    internal long UdpDatagramsReceived => _driver.UdpDatagramsReceived;

    /// <summary>Gets the counters of all sockets.</summary>
    internal DatagramIoCounters IoCounters => _driver.IoCounters;

    /// <summary>Returns a digest of all that datagrams could change. Channels must be at rest.</summary>
    /// <param name="withHalfOpen">Whether half-open handshakes are part of it.</param>
    internal byte[] StateDigest(bool withHalfOpen) => _driver.StateDigest(withHalfOpen);
}
