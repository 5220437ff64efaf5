namespace PacketSec.Udp;

/// <summary>A bound UDP socket, as the driver sees it.</summary>
/// <remarks>
/// The sending methods, <see cref="Wake"/> and <see cref="IDisposable.Dispose"/> may be called from any thread at any time;
/// the receiving methods from one thread at a time. All calls are synchronous: the receiver blocks its own thread.
/// Nothing here throws because of the network.
/// </remarks>
internal interface IDatagramIo : IDisposable
{
    /// <summary>Gets the bound address; unspecified (<see cref="UdpAddress.IsUnspecified"/>) for a wildcard bind.</summary>
    UdpAddress LocalAddress { get; }

    /// <summary>
    /// Gets the name of the path that serves, for logs, such as <c>linux (UDP_SEGMENT, UDP_GRO, recvmmsg)</c>,
    /// <c>linux (one datagram per call)</c> or <c>portable</c>. It changes when the system turns out to refuse segments.
    /// </summary>
    string PathName { get; }

    /// <summary>Gets whether replies on a wildcard bind leave from the address that the request came to.</summary>
    bool ChoosesSource { get; }

    /// <summary>Gets what the bind could not do as wished, in the order found; to be logged once.</summary>
    IReadOnlyList<UdpWarning> Warnings { get; }

    /// <summary>Gets a snapshot of the error counters.</summary>
    DatagramIoCounters Counters { get; }

    /// <summary>Sends one datagram without waiting for buffer space.</summary>
    /// <param name="local">
    /// The address to send from, as a received datagram named it, or <see langword="default"/> to let the system choose. Its port
    /// is ignored. Used on wildcard binds only; when nothing can leave from it, as when this machine lost the address, the system chooses.
    /// </param>
    /// <param name="remote">The receiver.</param>
    /// <param name="datagram">0 to 65,507 bytes (IPv6: 65,527), no more than the path's MTU allows: datagrams are never fragmented.</param>
    SendStatus Send(in UdpAddress local, in UdpAddress remote, ReadOnlySpan<byte> datagram);

    /// <summary>
    /// Sends a batch without waiting for buffer space, and fills in what became of each group (<see cref="SendGroup.Sent"/>,
    /// <see cref="SendGroup.Status"/>). A group that fails does not hold up those behind it, unless it is with
    /// <see cref="SendStatus.WouldBlock"/> or <see cref="SendStatus.Closed"/>: then all of those have the same status.
    /// </summary>
    /// <param name="batch">The datagrams; not cleared.</param>
    void Send(SendBatch batch);

    /// <summary>Creates buffers for <see cref="Receive"/>, as many as it fills at best.</summary>
    ReceiveBatch CreateReceiveBatch();

    /// <summary>Waits until something is there, then takes what is there already, up to the number of buffers.</summary>
    /// <param name="batch">Where the datagrams go; what it held is forgotten.</param>
    /// <param name="timeoutMilliseconds">The longest wait; 0 does not wait, -1 waits without limit.</param>
    /// <returns><see cref="ReceiveStatus.Received"/> when the batch holds at least one datagram; otherwise it is empty.</returns>
    ReceiveStatus Receive(ReceiveBatch batch, int timeoutMilliseconds);

    /// <summary>
    /// Ends the current wait, or else the next one, with <see cref="ReceiveStatus.Woken"/>. Several calls before the receiver
    /// looks count as one. No effect after disposal.
    /// </summary>
    void Wake();
}

/// <summary>What became of a datagram to send.</summary>
internal enum SendStatus
{
    /// <summary>The system took it.</summary>
    Sent,

    /// <summary>Not sent: the socket's or the system's buffers are full for now.</summary>
    WouldBlock,

    /// <summary>Not sent: larger than UDP or the interface's MTU allows.</summary>
    TooLarge,

    /// <summary>Not sent: no route, another address family, or forbidden by a local rule.</summary>
    Unreachable,

    /// <summary>Not sent for another reason, counted in <see cref="DatagramIoCounters.SendFailures"/>.</summary>
    Failed,

    /// <summary>Not sent: the socket is disposed.</summary>
    Closed,
}

/// <summary>How a wait for a datagram ended. All but <see cref="Closed"/> mean: receive again.</summary>
internal enum ReceiveStatus
{
    /// <summary>Datagrams are in the batch.</summary>
    Received,

    /// <summary>The time is over.</summary>
    TimedOut,

    /// <summary><see cref="IDatagramIo.Wake"/> was called, or the wait ended early by itself.</summary>
    Woken,

    /// <summary>An error was counted (<see cref="DatagramIoCounters"/>); the socket still serves.</summary>
    Error,

    /// <summary>The socket is disposed; every later call returns the same.</summary>
    Closed,
}

/// <summary>Errors and system calls of one socket since it was bound.</summary>
/// <param name="UnauthenticatedErrors">ICMP errors that the system reported. Anyone can forge one, so they change nothing.</param>
/// <param name="Truncated">Datagrams dropped because they did not fit the receive buffer.</param>
/// <param name="ReceiveFailures">Other failures to receive.</param>
/// <param name="SendFailures">Sends that ended with <see cref="SendStatus.Failed"/>.</param>
/// <param name="KernelDrops">Datagrams that the system dropped because the receive buffer was full; 0 where it does not tell.</param>
/// <param name="SendCalls">System calls that sent.</param>
/// <param name="ReceiveCalls">System calls that received, and those that found nothing.</param>
/// <param name="WaitCalls">System calls that waited, or ended a wait.</param>
internal readonly record struct DatagramIoCounters(
    long UnauthenticatedErrors,
    long Truncated,
    long ReceiveFailures,
    long SendFailures,
    long KernelDrops,
    long SendCalls,
    long ReceiveCalls,
    long WaitCalls)
{
    /// <summary>Adds the counters of two sockets.</summary>
    public static DatagramIoCounters operator +(DatagramIoCounters a, DatagramIoCounters b) => new(
        a.UnauthenticatedErrors + b.UnauthenticatedErrors,
        a.Truncated + b.Truncated,
        a.ReceiveFailures + b.ReceiveFailures,
        a.SendFailures + b.SendFailures,
        a.KernelDrops + b.KernelDrops,
        a.SendCalls + b.SendCalls,
        a.ReceiveCalls + b.ReceiveCalls,
        a.WaitCalls + b.WaitCalls);
}
