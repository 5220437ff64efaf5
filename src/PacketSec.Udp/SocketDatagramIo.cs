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

    public DatagramIoCounters Counters => new(
        Interlocked.Read(ref _unauthenticatedErrors),
        Interlocked.Read(ref _truncated),
        Interlocked.Read(ref _receiveFailures),
        Interlocked.Read(ref _sendFailures));

    /// <summary>Gets the socket, for its options; never used for asynchronous calls, which make it non-blocking for good.</summary>
    internal Socket Socket { get; }

    protected bool IsDisposed => Volatile.Read(ref _disposed) != 0;

    public abstract SendStatus Send(in UdpAddress local, in UdpAddress remote, ReadOnlySpan<byte> datagram);

    public ReceiveStatus Receive(Span<byte> buffer, out ReceivedDatagram info) => Receive(buffer, Timeout.Infinite, out info);

    public abstract ReceiveStatus Receive(Span<byte> buffer, int timeoutMilliseconds, out ReceivedDatagram info);

    public abstract void Wake();

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        // The receiver leaves first: closing the socket waits until no call uses its descriptor.
        Wake();
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
}
