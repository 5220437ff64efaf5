using PacketSec.Protocol;

namespace PacketSec.Internal;

/// <summary>
/// One remote identity: its machine, the gate that every call into the machine is made under, and the channel that the application holds. Never is a
/// second gate taken while this one is held, and neither user code nor the system is called.
/// </summary>
internal sealed class PeerDriver : TimerWheel.Entry, IDisposable
{
    private readonly EndpointDriver _endpoint;
    private bool _over;

    public PeerDriver(EndpointDriver endpoint, PeerHandle handle, PeerMachine machine)
    {
        _endpoint = endpoint;
        Handle = handle;
        Machine = machine;
        Channel = new PacketSecChannel(endpoint, this);
    }

    public PeerHandle Handle { get; }

    public Lock Gate { get; } = new();

    /// <summary>Gets the machine. Called under the gate, but for what is safe to read from anywhere: counters and constants.</summary>
    public PeerMachine Machine { get; }

    public PacketSecChannel Channel { get; }

    /// <summary>Gets the dials that wait for this peer. The endpoint's thread alone uses it.</summary>
    public List<Dial> Dials { get; } = [];

    /// <summary>Gets or sets a value indicating whether the application has the channel, or is about to get it. The endpoint's thread alone uses it.</summary>
    public bool IsOwned { get; set; }

    /// <summary>Gets or sets a value indicating whether the endpoint machine knows that the channel is closing. The endpoint's thread alone uses it.</summary>
    public bool IsRetired { get; set; }

    /// <summary>Gets or sets a value indicating whether the system knew no way to the peer when asked last.</summary>
    public bool Unreachable { get; set; }

    /// <summary>The next in the endpoint's list of those with news.</summary>
    internal PeerDriver? NextWithNews { get; set; }

    internal int HasNews;

    /// <summary>Seals a datagram and sends it.</summary>
    /// <remarks>
    /// The machine's other calls belong to the endpoint's thread. What sealing leaves to be polled (the first work of a handshake) waits for that
    /// thread, which is told.
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

                result = Machine.TrySeal(_endpoint.Clock.Now, context.Aead, payload, context.Buffer, out length, out path);
                hasNews = result == SealResult.Queued || Machine.NextDeadline < DueAt;
            }

            if (hasNews)
            {
                _endpoint.Notify(this);
            }

            return result switch
            {
                SealResult.Sealed => _endpoint.Send(path, context.Buffer.AsSpan(0, length)),
                SealResult.Queued => SendResult.Queued,
                SealResult.QueueFull => SendResult.QueueFull,
                SealResult.TooLarge => SendResult.TooLarge,
                SealResult.Closed => SendResult.Closed,
            };
        }
        finally
        {
            _endpoint.SendContexts.Return(context);
        }
    }

    public void CountDrop(DropReason reason)
    {
        lock (Gate)
        {
            Machine.CountDrop(reason);
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
