using System.Buffers;
using System.Threading.Channels;
using PacketSec.Libp2p.Transports;

namespace PacketSec.Libp2p.Datagrams;

/// <summary>
/// Unreliable datagrams of one application protocol, both ways: section 7 of <c>spec/libp2p.md</c>. A flow belongs to a control stream, and ends with it.
/// </summary>
/// <remarks>All members may be called from any thread at any time; <see cref="ReceiveAsync"/> by one caller at a time.</remarks>
public sealed class DatagramFlow : IAsyncDisposable
{
    /// <summary>The protocol that a control stream negotiates.</summary>
    public const string ControlProtocolId = "/dg/1";

    /// <summary>How many datagrams may wait for the application. Past it new ones are dropped.</summary>
    public const int MaxWaiting = 256;

    /// <summary>How many bytes may wait for the application. Past it new datagrams are dropped.</summary>
    public const int MaxWaitingBytes = 256 * 1024;

    private readonly IConnection _connection;
    private readonly IStream _control;
    private readonly Action<DatagramFlow> _ended;
    private readonly Channel<byte[]> _waiting = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly CancellationTokenSource _lifetime = new();
    private readonly Task _watch;
    private int _waitingBytes;
    private long _dropped;
    private int _disposed;

    internal DatagramFlow(IConnection connection, IStream control, string protocol, Action<DatagramFlow> ended)
    {
        _connection = connection;
        _control = control;
        _ended = ended;
        Protocol = protocol;
        _watch = WatchAsync();
    }

    /// <summary>Gets the application protocol.</summary>
    public string Protocol { get; }

    /// <summary>Gets the longest payload in bytes that can be sent now.</summary>
    public int MaxPayload => _connection.MaxDatagramPayload - FlowDatagram.Overhead(Id);

    /// <summary>Gets how many datagrams came that the application was too slow for.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Gets a task that completes, and never fails, when the flow is over.</summary>
    public Task Closed => _watch;

    internal long Id => _control.Id;

    internal int Waiting => _waiting.Reader.Count;

    /// <summary>Sends a datagram, which the network may lose.</summary>
    /// <param name="payload">Up to <see cref="MaxPayload"/> bytes; none are a datagram too.</param>
    /// <returns>False when too many wait to be sent already: send less, or again later.</returns>
    /// <exception cref="Libp2pException"><see cref="Libp2pError.TooLarge"/>, or the flow is over (<see cref="Libp2pError.Closed"/>).</exception>
    //= spec/libp2p.md#flow-end
    public bool TrySend(ReadOnlySpan<byte> payload)
    {
        if (_watch.IsCompleted || Volatile.Read(ref _disposed) != 0)
        {
            throw Over();
        }

        if (payload.Length > MaxPayload)
        {
            throw new Libp2pException(
                Libp2pError.TooLarge, $"The datagram has {payload.Length} bytes; {MaxPayload} are possible now.");
        }

        var length = FlowDatagram.Overhead(Id) + payload.Length;
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            FlowDatagram.Write(buffer.AsSpan(0, length), Id, payload);
            return _connection.TrySendDatagram(buffer.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Waits for a datagram. Those that came before the end of the flow can be taken after it.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The payload.</returns>
    /// <exception cref="Libp2pException">The flow is over, and nothing is left (<see cref="Libp2pError.Closed"/>).</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        while (await _waiting.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_waiting.Reader.TryRead(out var payload))
            {
                Interlocked.Add(ref _waitingBytes, -payload.Length);
                return payload;
            }
        }

        throw Over();
    }

    /// <summary>Ends the flow on both sides. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _lifetime.CancelAsync().ConfigureAwait(false);
            await _watch.ConfigureAwait(false);
            _lifetime.Dispose();
        }
    }

    /// <summary>Takes a datagram that came.</summary>
    //= spec/libp2p.md#flow-bound
    internal void Deliver(byte[] payload)
    {
        if (Interlocked.Add(ref _waitingBytes, payload.Length) > MaxWaitingBytes || !_waiting.Writer.TryWrite(payload))
        {
            Interlocked.Add(ref _waitingBytes, -payload.Length);
            Interlocked.Increment(ref _dropped);
        }
    }

    // Nothing is said on the control stream once it is negotiated: its end is all there is to wait for.
    private async Task WatchAsync()
    {
        await Task.Yield();
        try
        {
            while (true)
            {
                var result = await _control.Input.ReadAsync(_lifetime.Token).ConfigureAwait(false);
                _control.Input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    break;
                }
            }
        }
        catch (OperationCanceledException) when (_lifetime.IsCancellationRequested)
        {
            // Disposed: the control stream ends below.
        }
        catch (Libp2pException)
        {
            // Reset, or the connection is over: an end as any other.
        }

        _ended(this);
        _waiting.Writer.TryComplete();
        await _control.DisposeAsync().ConfigureAwait(false);
    }

    private Libp2pException Over() => new(Libp2pError.Closed, $"The flow of {Protocol} is over: open another one.");
}
