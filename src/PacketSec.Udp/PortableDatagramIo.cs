using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace PacketSec.Udp;

/// <summary>The implementation over the framework's socket class alone, for every platform.</summary>
/// <remarks>
/// The overloads with <see cref="SocketAddress"/> allocate nothing. They can neither tell the local address of a datagram nor
/// choose the source of one (<c>ReceiveMessageFrom</c> could do the former, at the price of allocations, but not the latter), so on
/// a wildcard bind the system's routing picks the source of replies. A send may wait for buffer space.
/// </remarks>
internal sealed class PortableDatagramIo : SocketDatagramIo
{
    private const int TokenSize = 16;

    // The wake-up is a datagram to ourselves, and datagrams can get lost: no single wait is longer than this.
    private const int LongestWaitMilliseconds = 500;

    [ThreadStatic]
    private static SocketAddress? s_sendToIPv4;

    [ThreadStatic]
    private static SocketAddress? s_sendToIPv6;

    private readonly SocketAddress _from;
    private readonly SocketAddress _self;
    private readonly byte[] _token = RandomNumberGenerator.GetBytes(TokenSize);
    private int _wakeRequested;

    public PortableDatagramIo(Socket socket, IReadOnlyList<UdpWarning> warnings)
        : base(socket, warnings)
    {
        _from = new SocketAddress(socket.AddressFamily);
        _self = new SocketAddress(socket.AddressFamily);
        // The IPv4 loopback works on a dual-stack socket even where IPv6 is switched off.
        UdpAddress self = LocalAddress.IsUnspecified ? UdpAddress.FromIPv4(0x7F00_0001, LocalAddress.Port) : LocalAddress;
        self.TryWriteTo(_self);
        // A datagram with a bad checksum can be announced and then thrown away; the receive must not hang on it.
        socket.ReceiveTimeout = LongestWaitMilliseconds;
    }

    public override string PathName => "portable";

    public override bool ChoosesSource => false;

    public override SendStatus Send(in UdpAddress local, in UdpAddress remote, ReadOnlySpan<byte> datagram)
    {
        SocketAddress to = Socket.AddressFamily == AddressFamily.InterNetwork
            ? s_sendToIPv4 ??= new(AddressFamily.InterNetwork)
            : s_sendToIPv6 ??= new(AddressFamily.InterNetworkV6);
        if (IsDisposed)
        {
            return SendStatus.Closed;
        }

        if (!remote.TryWriteTo(to))
        {
            return SendStatus.Unreachable;
        }

        SocketErrorClass error = TrySend(datagram, to);
        if (error == SocketErrorClass.Unauthenticated)
        {
            // The error belongs to an earlier datagram and took this one's place.
            CountUnauthenticatedError();
            error = TrySend(datagram, to);
        }

        return error == SocketErrorClass.None ? SendStatus.Sent : CountSendError(error);
    }

    public override void Send(SendBatch batch)
    {
        Span<SendGroup> groups = batch.Groups;
        Begin(groups);
        for (int i = 0; i < groups.Length; i++)
        {
            ref SendGroup group = ref groups[i];
            ReadOnlySpan<byte> left = batch.BytesOf(group);
            while (!left.IsEmpty && group.Status == SendStatus.Sent)
            {
                int length = Math.Min(group.SegmentSize, left.Length);
                group.Status = Send(group.Local, group.Remote, left[..length]);
                left = left[length..];
                if (group.Status == SendStatus.Sent)
                {
                    group.Sent++;
                }
            }

            if (group.Status == SendStatus.TooLarge && group.Sent == 0 && group.LastLength < group.SegmentSize
                && Send(group.Local, group.Remote, batch.BytesOf(group)[^group.LastLength..]) == SendStatus.Sent)
            {
                group.Sent = 1;
            }

            if (EndsBatch(group.Status))
            {
                End(groups[i..], group.Status);
                return;
            }
        }
    }

    public override ReceiveBatch CreateReceiveBatch() => new(1, UdpTransport.ReceiveBufferSize);

    public override ReceiveStatus Receive(ReceiveBatch batch, int timeoutMilliseconds)
    {
        batch.Clear();
        try
        {
            if (!WaitForData(timeoutMilliseconds, out ReceiveStatus end))
            {
                return end;
            }

            CountReceiveCall();
            Span<byte> buffer = batch.Memory.AsSpan(0, batch.BufferSize);
            int length = Socket.ReceiveFrom(buffer, SocketFlags.None, _from);
            if (IsDisposed)
            {
                return ReceiveStatus.Closed;
            }

            if (length == TokenSize && buffer[..TokenSize].SequenceEqual(_token))
            {
                Interlocked.Exchange(ref _wakeRequested, 0);
                return ReceiveStatus.Woken;
            }

            if (length == buffer.Length)
            {
                // Some systems cut in silence, so that a full buffer is not to be trusted.
                return CountReceiveError(SocketErrorClass.TooLarge, out _);
            }

            if (!UdpAddress.TryFromSocketAddress(_from, out UdpAddress remote))
            {
                return CountReceiveError(SocketErrorClass.Unknown, out _);
            }

            batch.Add(new(Offset: 0, length, SegmentSize: length, remote, LocalAddress));
            return ReceiveStatus.Received;
        }
        catch (SocketException e)
        {
            ReceiveStatus status = CountReceiveError(SocketErrors.Classify(e.SocketErrorCode), out bool pause);
            if (pause)
            {
                Thread.Sleep(PauseMilliseconds);
            }

            return status;
        }
        catch (ObjectDisposedException)
        {
            return ReceiveStatus.Closed;
        }
    }

    public override void Wake()
    {
        if (Interlocked.Exchange(ref _wakeRequested, 1) != 0)
        {
            return;
        }

        try
        {
            CountWaitCall();
            // Lost at worst: then the buffer is full, hence the receiver awake, or the wait ends by its own limit.
            Socket.SendTo(_token, SocketFlags.None, _self);
        }
        catch (SocketException)
        {
            // As above: the receiver sees the request within LongestWaitMilliseconds.
        }
        catch (ObjectDisposedException)
        {
            // The receiver sees that the socket is disposed.
        }
    }

    private SocketErrorClass TrySend(ReadOnlySpan<byte> datagram, SocketAddress to)
    {
        CountSendCall();
        try
        {
            Socket.SendTo(datagram, SocketFlags.None, to);
            return SocketErrorClass.None;
        }
        catch (SocketException e)
        {
            return SocketErrors.Classify(e.SocketErrorCode);
        }
        catch (ObjectDisposedException)
        {
            return SocketErrorClass.Closed;
        }
    }

    private bool WaitForData(int timeoutMilliseconds, out ReceiveStatus end)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            if (IsDisposed)
            {
                end = ReceiveStatus.Closed;
                return false;
            }

            if (Interlocked.Exchange(ref _wakeRequested, 0) != 0)
            {
                end = ReceiveStatus.Woken;
                return false;
            }

            int left = LongestWaitMilliseconds;
            if (timeoutMilliseconds >= 0)
            {
                var passed = (long)Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                left = (int)Math.Clamp(timeoutMilliseconds - passed, 0, LongestWaitMilliseconds);
            }

            // A pending error ends the first wait at once without making the socket readable; the receive then reports it.
            if (Poll(left, SelectMode.SelectRead) || Poll(0, SelectMode.SelectError))
            {
                end = default;
                return true;
            }

            if (timeoutMilliseconds >= 0 && left < LongestWaitMilliseconds)
            {
                end = ReceiveStatus.TimedOut;
                return false;
            }
        }
    }

    private bool Poll(int milliseconds, SelectMode mode)
    {
        CountWaitCall();
        return Socket.Poll(milliseconds * 1000, mode);
    }
}
