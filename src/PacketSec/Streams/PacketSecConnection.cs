using System.Net;
using System.Runtime.CompilerServices;
using PacketSec.Internal;
using PacketSec.Protocol.Identity;

namespace PacketSec;

/// <summary>
/// Reliable streams, and unreliable datagrams, over a channel: the frames and the recovery of QUIC (RFC 9000, 9002, 9221, 9438) on sessions that are
/// renewed, moved and found again beneath it. Both sides open one on their channel; either opens streams, and either may write first.
/// </summary>
/// <remarks>
/// All members may be called from any thread at any time; <see cref="ReceiveDatagramAsync"/> by one caller at a time. The wire format is in
/// <c>spec/streams.md</c>. Memory is bounded by <see cref="PacketSecConnectionOptions"/>.
/// </remarks>
public sealed class PacketSecConnection : IAsyncDisposable
{
    private static readonly PacketSecConnectionOptions DefaultOptions = new();

    private readonly ConnectionDriver _driver;

    private PacketSecConnection(ConnectionDriver driver) => _driver = driver;

    /// <summary>Gets the channel beneath. It ends with the connection.</summary>
    public PacketSecChannel Channel => _driver.Channel;

    /// <summary>Gets the proven identity of the peer.</summary>
    public PeerId RemotePeerId => Channel.RemotePeerId;

    /// <summary>Gets the address that packets go to.</summary>
    public IPEndPoint RemoteAddress => Channel.RemoteAddress;

    /// <summary>Gets a task that completes, and never fails, when the connection has ended: with the reason.</summary>
    public Task<PacketSecConnectionClosed> Closed => _driver.Closed;

    /// <summary>
    /// Gets the largest datagram that <see cref="TrySendDatagram"/> takes now, in bytes: 1,100 at least. It grows while the path's MTU is being found, and
    /// falls with it.
    /// </summary>
    public int MaxDatagramPayload => _driver.MaxDatagramPayload;

    /// <summary>
    /// Opens the connection of a channel, which gets all of the channel's datagrams from now on, those included that wait there. Nothing is sent yet.
    /// Where <see cref="Closed"/> of a channel's connection said <see cref="PacketSecConnectionError.PeerRestarted"/>, another call with the channel gives
    /// the connection that the restarted peer has begun, with the options of the one before.
    /// </summary>
    /// <param name="channel">The channel. The connection owns it from here on.</param>
    /// <param name="options">What the peer may do; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its bounds.</exception>
    /// <exception cref="InvalidOperationException">The channel's datagrams go to a call, a handler, or another connection.</exception>
    public static PacketSecConnection Open(PacketSecChannel channel, PacketSecConnectionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(channel);
        return new(channel.OpenConnection(options ?? DefaultOptions));
    }

    /// <summary>
    /// Opens a stream on which both sides send. Waits while the peer permits no more. The peer learns of the stream with the first bytes, or the end, that
    /// are written to it.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="PacketSecConnectionException">The connection has ended.</exception>
    /// <exception cref="ObjectDisposedException">This side disposed the connection.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public ValueTask<PacketSecStream> OpenStreamAsync(CancellationToken cancellationToken = default) => _driver.OpenAsync(true, cancellationToken);

    /// <summary>Opens a stream on which only this side sends, as <see cref="OpenStreamAsync"/> does.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="PacketSecConnectionException">The connection has ended.</exception>
    /// <exception cref="ObjectDisposedException">This side disposed the connection.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public ValueTask<PacketSecStream> OpenUnidirectionalStreamAsync(CancellationToken cancellationToken = default)
        => _driver.OpenAsync(false, cancellationToken);

    /// <summary>Waits for a stream that the peer opens. Concurrent calls get different streams.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="PacketSecConnectionException">The connection has ended, and no stream is left.</exception>
    /// <exception cref="ObjectDisposedException">This side disposed the connection.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public ValueTask<PacketSecStream> AcceptStreamAsync(CancellationToken cancellationToken = default) => _driver.AcceptAsync(cancellationToken);

    /// <summary>Waits for the streams that the peer opens, one after the other, until the connection ends.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public async IAsyncEnumerable<PacketSecStream> AcceptAllStreamsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await _driver.AcceptOrEndAsync(cancellationToken).ConfigureAwait(false) is { } stream)
        {
            yield return stream;
        }
    }

    /// <summary>
    /// Sends a datagram: authenticated and encrypted, unreliable, without order, within the congestion window. One that waits leaves before streams do.
    /// </summary>
    /// <param name="payload">0 to <see cref="MaxDatagramPayload"/> bytes.</param>
    /// <returns>False when <see cref="PacketSecConnectionOptions.DatagramBuffer"/> bytes wait already: send less, or again later.</returns>
    /// <exception cref="PacketSecConnectionException">
    /// The datagram is too large now (<see cref="PacketSecConnectionError.DatagramTooLarge"/>), and <see cref="PacketSecConnectionException.Size"/> says
    /// what is possible; or the connection has ended.
    /// </exception>
    /// <exception cref="ObjectDisposedException">This side disposed the connection.</exception>
    public bool TrySendDatagram(ReadOnlySpan<byte> payload) => _driver.TrySendDatagram(payload);

    /// <summary>Receives one datagram. A call that is cancelled takes none.</summary>
    /// <param name="buffer">Where it goes.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Its length.</returns>
    /// <exception cref="PacketSecConnectionException">
    /// The connection has ended and no datagram is left; or the next one is longer than the buffer
    /// (<see cref="PacketSecConnectionError.DatagramTooLarge"/>): it stays, and <see cref="PacketSecConnectionException.Size"/> tells what it needs.
    /// </exception>
    /// <exception cref="ObjectDisposedException">This side disposed the connection.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    /// <exception cref="InvalidOperationException">Another call is under way.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> ReceiveDatagramAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int length;
        while (!_driver.TryReceiveDatagram(buffer.Span, out length, cancellationToken, out var wait))
        {
            await wait.ConfigureAwait(false);
        }

        return length;
    }

    /// <summary>Gets a snapshot of what is known of the connection and its path.</summary>
    public PacketSecConnectionStatistics GetStatistics() => _driver.GetStatistics();

    /// <summary>
    /// Ends the connection when all that this side writes has arrived: waits until each stream that this side sends on is completed or given up and all
    /// of it acknowledged. Streams that are not completed are waited for. What the peer still sends then is given up.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait, not the connection.</param>
    /// <exception cref="PacketSecConnectionException">The connection ended before, for another reason than that the peer closed it.</exception>
    /// <exception cref="ObjectDisposedException">This side disposed the connection.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public ValueTask ShutdownAsync(CancellationToken cancellationToken = default) => _driver.ShutdownAsync(cancellationToken);

    /// <summary>Ends the connection at once, and its channel; what is under way is lost. Pending calls fail. Complete within 500 ms. Idempotent.</summary>
    /// <param name="code">A code of the application's choice, 0 to 2^62-1, which the peer is told.</param>
    /// <param name="reason">Words for people, which the peer is told: the first 256 bytes of their UTF-8.</param>
    /// <exception cref="ArgumentOutOfRangeException">The code is out of its bounds.</exception>
    public ValueTask CloseAsync(long code, string reason = "")
    {
        ArgumentNullException.ThrowIfNull(reason);
        return _driver.CloseAsync(code, reason);
    }

    /// <summary>Ends the connection and its channel as <see cref="CloseAsync"/> does, with code 0.</summary>
    public ValueTask DisposeAsync() => _driver.CloseAsync(0, string.Empty);
}
