using System.Net;
using System.Net.Sockets;

namespace PacketSec.Udp;

/// <summary>What the implementations share: the socket, its counters, and disposal.</summary>
internal abstract class SocketDatagramIo : IDatagramIo
{
    /// <summary>
    /// How long a receiver pauses after an error that may persist, so that a broken socket does not take a whole processor.
    /// </summary>
    protected const int PauseMilliseconds = 10;

    private long _unauthenticatedErrors;
    private long _truncated;
    private long _receiveFailures;
    private long _sendFailures;
    private long _kernelDrops;
    private long _sendCalls;
    private long _receiveCalls;
    private long _waitCalls;
    private int _disposed;

    protected SocketDatagramIo(Socket socket, IReadOnlyList<UdpWarning> warnings)
    {
        Socket = socket;
        Warnings = warnings;
        LocalAddress = UdpAddress.FromEndPoint((IPEndPoint)socket.LocalEndPoint!);
    }

    public UdpAddress LocalAddress { get; }

    public IReadOnlyList<UdpWarning> Warnings { get; }

    public abstract string PathName { get; }

    public abstract bool ChoosesSource { get; }

    public DatagramIoCounters Counters
    {
        get
        {
            ReadKernelDrops();
            return new(
                Interlocked.Read(ref _unauthenticatedErrors),
                Interlocked.Read(ref _truncated),
                Interlocked.Read(ref _receiveFailures),
                Interlocked.Read(ref _sendFailures),
                Interlocked.Read(ref _kernelDrops),
                Interlocked.Read(ref _sendCalls),
                Interlocked.Read(ref _receiveCalls),
                Interlocked.Read(ref _waitCalls));
        }
    }

    /// <summary>Gets which calls for several datagrams serve now.</summary>
    public virtual UdpFeatures Features => UdpFeatures.None;

    /// <summary>Gets the socket, for its options; never used for asynchronous calls, which make it non-blocking for good.</summary>
    internal Socket Socket { get; }

    protected bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    public abstract SendStatus Send(in UdpAddress local, in UdpAddress remote, ReadOnlySpan<byte> datagram);

    public abstract void Send(SendBatch batch);

    public abstract ReceiveBatch CreateReceiveBatch();

    public abstract ReceiveStatus Receive(ReceiveBatch batch, int timeoutMilliseconds);

    public abstract void Wake();

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        // The receiver leaves first: closing the socket waits until no call uses its descriptor.
        Wake();
        ReadKernelDrops();
        Socket.Dispose();
        DisposeResources();
    }

    /// <summary>Frees what the implementation added, after the socket is closed.</summary>
    protected virtual void DisposeResources()
    {
    }

    /// <summary>Counts an error of a receive and tells what the caller gets to know.</summary>
    /// <param name="error">The class of the error.</param>
    /// <param name="pause">True when the error may persist.</param>
    protected ReceiveStatus CountReceiveError(SocketErrorClass error, out bool pause)
    {
        pause = false;
        switch (error)
        {
            case var _ when IsDisposed:
                return ReceiveStatus.Closed;
            case SocketErrorClass.WouldBlock or SocketErrorClass.Interrupted:
                return ReceiveStatus.Woken;
            case SocketErrorClass.TooLarge:
                Interlocked.Increment(ref _truncated);
                return ReceiveStatus.Error;
            case SocketErrorClass.Unauthenticated or SocketErrorClass.Unreachable:
                // A receive does not route: "unreachable" is an ICMP message here.
                Interlocked.Increment(ref _unauthenticatedErrors);
                return ReceiveStatus.Error;
            default:
                Interlocked.Increment(ref _receiveFailures);
                pause = true;
                return ReceiveStatus.Error;
        }
    }

    /// <summary>Forgets what became of the groups when they were sent before.</summary>
    protected static void Begin(Span<SendGroup> groups)
    {
        foreach (ref SendGroup group in groups)
        {
            group.Sent = 0;
            group.Status = SendStatus.Sent;
        }
    }

    /// <summary>Tells that nothing more of these groups is sent, and why.</summary>
    protected static void End(Span<SendGroup> groups, SendStatus status)
    {
        foreach (ref SendGroup group in groups)
        {
            group.Status = status;
        }
    }

    /// <summary>Gets whether a send that ended so would end the same way for every other group.</summary>
    protected static bool EndsBatch(SendStatus status) => status is SendStatus.WouldBlock or SendStatus.Closed;

    protected void CountSendCall() => Interlocked.Increment(ref _sendCalls);

    protected void CountReceiveCall() => Interlocked.Increment(ref _receiveCalls);

    protected void CountWaitCall() => Interlocked.Increment(ref _waitCalls);

    /// <summary>Counts an ICMP message that a send was told of.</summary>
    protected void CountUnauthenticatedError() => Interlocked.Increment(ref _unauthenticatedErrors);

    /// <summary>Counts a failed send and tells what the caller gets to know.</summary>
    protected SendStatus CountSendError(SocketErrorClass error)
    {
        if (IsDisposed)
        {
            return SendStatus.Closed;
        }

        SendStatus status = SocketErrors.ToSendStatus(error);
        if (status == SendStatus.Failed)
        {
            Interlocked.Increment(ref _sendFailures);
        }

        return status;
    }

    // Once the socket is closed, the number it had then stays.
    private void ReadKernelDrops()
    {
        if (OperatingSystem.IsLinux() && SocketTuning.TryReadDrops(Socket, out long drops))
        {
            Interlocked.Exchange(ref _kernelDrops, drops);
        }
    }
}
