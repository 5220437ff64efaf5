using PacketSec.Protocol;

namespace PacketSec.Internal;

/// <summary>
/// One remote identity: its machine, the gate that every call into the machine is made under, and the channel that the application holds. Never is a
/// second gate taken while this one is held, and neither user code nor the system is called.
/// </summary>
internal sealed class PeerDriver : TimerWheel.Entry, IDisposable
{
    private readonly EndpointDriver _endpoint;
    private Shard _shard;
    private bool _over;

    public PeerDriver(EndpointDriver endpoint, Shard shard, PeerHandle handle, PeerMachine machine)
    {
        _endpoint = endpoint;
        _shard = shard;
        Handle = handle;
        Machine = machine;
        Channel = new PacketSecChannel(endpoint, this);
    }

    public PeerHandle Handle { get; }

    public Lock Gate { get; } = new();

    /// <summary>Gets the machine. Called under the gate, but for what is safe to read from anywhere: counters and constants.</summary>
    public PeerMachine Machine { get; }

    public PacketSecChannel Channel { get; }

    /// <summary>Gets or sets the shard that sends for it: the one that its datagrams come to.</summary>
    public Shard Shard
    {
        get => Volatile.Read(ref _shard);
        set => Volatile.Write(ref _shard, value);
    }

    /// <summary>Gets a value indicating whether the machine is disposed. Read under the gate.</summary>
    public bool IsOver => _over;

    /// <summary>Gets or sets a value indicating whether its gate was not free when datagrams came last. Their shard's thread uses it.</summary>
    public bool IsParked { get; set; }

    /// <summary>Gets the dials that wait for this peer. The endpoint's thread alone uses it.</summary>
    public List<Dial> Dials { get; } = [];

    /// <summary>Gets or sets a value indicating whether the application has the channel, or is about to get it. The endpoint's thread alone uses it.</summary>
    public bool IsOwned { get; set; }

    /// <summary>Gets or sets a value indicating whether whoever accepts gets the channel when it is open. The endpoint's thread alone uses it.</summary>
    public bool IsToBeOffered { get; set; }

    /// <summary>Gets or sets a value indicating whether the endpoint machine knows that the channel is closing. The endpoint's thread alone uses it.</summary>
    public bool IsRetired { get; set; }

    /// <summary>Gets or sets a value indicating whether the system knew no way to the peer when asked last.</summary>
    public bool Unreachable { get; set; }

    /// <summary>The next in the endpoint's list of those with news.</summary>
    internal PeerDriver? NextWithNews { get; set; }

    internal int HasNews;

    /// <summary>Seals a datagram and sends it.</summary>
    /// <remarks>
    /// What sealing leaves to be polled (the first work of a handshake) waits for the endpoint's thread, which is told.
    /// </remarks>
    public SendResult TrySend(ReadOnlySpan<byte> payload)
    {
        if (Volatile.Read(ref _over))
        {
            return SendResult.Closed;
        }

        var context = _endpoint.SendContexts.Rent();
        try
        {
            context.Batch.Clear();
            var buffer = context.Batch.Free;
            SealResult result;
            int length;
            PathAddress path;
            bool hasNews;
            lock (Gate)
            {
                if (_over)
                {
                    return SendResult.Closed;
                }

                result = Machine.TrySeal(_endpoint.Clock.Now, context.Aead, payload, buffer, out length, out path);
                hasNews = result == SealResult.Queued || IsTooLateFor(Machine.NextDeadline);
            }

            if (hasNews)
            {
                _endpoint.Notify(this);
            }

            return result == SealResult.Sealed
                ? EndpointDriver.ToSendResult(_endpoint.Transmit(Shard, path, buffer[..length]))
                : EndpointDriver.ToSendResult(result);
        }
        finally
        {
            _endpoint.SendContexts.Return(context);
        }
    }

    /// <summary>Asks the processor to bring an object near, which is not looked at; a hint, from any thread.</summary>
    public static void Fetch(PeerDriver? peer)
    {
        if (peer is not null)
        {
            CacheLines.Fetch(peer, 0, 2 * CacheLines.Size);
        }
    }

    /// <summary>Asks for a channel, which leads to its peer.</summary>
    public static void Fetch(PacketSecChannel channel) => CacheLines.Fetch(channel, 0, 2 * CacheLines.Size);

    /// <summary>Asks for what a datagram needs of the objects that this one refers to.</summary>
    public void FetchParts()
    {
        PeerMachine.Fetch(Machine);
        CacheLines.Fetch(Channel, 0, 2 * CacheLines.Size);
#pragma warning disable CS9216 // Nobody locks this way: it is the object's place in memory that counts.
        CacheLines.Fetch(Gate, 0, sizeof(long));
#pragma warning restore CS9216
    }

    public void CountDrops(DropReason reason, int count)
    {
        lock (Gate)
        {
            for (; count > 0; count--)
            {
                Machine.CountDrop(reason);
            }
        }
    }

    /// <summary>Wipes all keys; nothing is sealed from here on.</summary>
    public void Dispose()
    {
        lock (Gate)
        {
            _over = true;
            Machine.Dispose();
        }
    }
}
