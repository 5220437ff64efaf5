using System.Runtime.InteropServices;

namespace PacketSec.Udp.Linux;

/// <content>Receiving and waiting.</content>
internal sealed unsafe partial class LinuxDatagramIo
{
    private const int Buffers = 32;

    // So many full pieces stay in a processor's own cache until they are read.
    private const int BuffersOfCoalesced = 8;

    public override ReceiveBatch CreateReceiveBatch()
    {
        var batch = new ReceiveBatch(Has(UdpFeatures.ManyPerCall) ? Buffers : 1, UdpTransport.ReceiveBufferSize);
        ReceiveHeaders.Of(batch);
        return batch;
    }

    public override ReceiveStatus Receive(ReceiveBatch batch, int timeoutMilliseconds)
    {
        batch.Clear();
        bool socketHeld = false;
        bool eventHeld = false;
        try
        {
            Socket.SafeHandle.DangerousAddRef(ref socketHeld);
            _wakeEvent.DangerousAddRef(ref eventHeld);
            return Receive((int)Socket.SafeHandle.DangerousGetHandle(), batch, timeoutMilliseconds);
        }
        catch (ObjectDisposedException)
        {
            return ReceiveStatus.Closed;
        }
        finally
        {
            if (eventHeld)
            {
                _wakeEvent.DangerousRelease();
            }

            if (socketHeld)
            {
                Socket.SafeHandle.DangerousRelease();
            }
        }
    }

    private ReceiveStatus Receive(int socket, ReceiveBatch batch, int timeoutMilliseconds)
    {
        if (TryTakeWake(out ReceiveStatus status))
        {
            return status;
        }

        // Where the last call took all there was, waiting first saves a call that finds nothing.
        bool waitFirst = timeoutMilliseconds != 0 && batch.TookAll;
        SocketErrorClass error = waitFirst ? SocketErrorClass.WouldBlock : TryReceive(socket, batch);
        if (error == SocketErrorClass.WouldBlock)
        {
            if (timeoutMilliseconds == 0)
            {
                return ReceiveStatus.TimedOut;
            }

            int ready = Wait(socket, timeoutMilliseconds);
            if (TryTakeWake(out status))
            {
                return status;
            }

            if (ready == 0)
            {
                return ReceiveStatus.TimedOut;
            }

            error = TryReceive(socket, batch);
        }

        if (error == SocketErrorClass.None)
        {
            return Finish(batch);
        }

        status = CountReceiveError(error, out bool pause);
        if (pause)
        {
            Wait(-1, PauseMilliseconds);
        }

        return status;
    }

    private ReceiveStatus Finish(ReceiveBatch batch)
    {
        if (IsDisposed)
        {
            // A closing socket yields empty datagrams from nowhere.
            batch.Clear();
            return ReceiveStatus.Closed;
        }

        return batch.Count > 0 ? ReceiveStatus.Received : ReceiveStatus.Error;
    }

    // A wake-up that is seen before its event is set leaves the event set: the next wait then ends early, which callers allow for.
    private bool TryTakeWake(out ReceiveStatus status)
    {
        status = IsDisposed ? ReceiveStatus.Closed : ReceiveStatus.Woken;
        if (Volatile.Read(ref _wakeRequested) == 0)
        {
            return IsDisposed;
        }

        ResetWakeEvent();
        Interlocked.Exchange(ref _wakeRequested, 0);
        return true;
    }

    private void ResetWakeEvent()
    {
        CountWaitCall();
        _wakeEvent.Reset();
    }

    // Returns 0 when the time is over. Poll ignores a negative descriptor.
    private int Wait(int socket, int timeoutMilliseconds)
    {
        LibC.PollDescriptor* descriptors = stackalloc LibC.PollDescriptor[2];
        descriptors[0] = new() { Descriptor = socket, Events = LibC.PollIn };
        descriptors[1] = new() { Descriptor = (int)_wakeEvent.DangerousGetHandle(), Events = LibC.PollIn };
        CountWaitCall();
        int ready = LibC.Poll(descriptors, 2, timeoutMilliseconds);
        if (descriptors[1].Result != 0 && Volatile.Read(ref _wakeRequested) == 0)
        {
            // The leftover of a wake-up that was seen before.
            ResetWakeEvent();
        }

        return ready;
    }

    // Returns the error of the call; those of single pieces are counted here, and may leave the batch empty.
    private SocketErrorClass TryReceive(int socket, ReceiveBatch batch)
    {
        ReceiveHeaders headers = ReceiveHeaders.Of(batch);
        int count = !Has(UdpFeatures.ManyPerCall) ? 1 : Math.Min(batch.Buffers, headers.Coalesced ? BuffersOfCoalesced : Buffers);
        LibC.MessageSlot* slots = headers.Prepare(count);
        CountReceiveCall();
        int asked = count;
        if (count > 1)
        {
            count = LibC.ReceiveMessages(socket, slots, (uint)count, LibC.MsgDontWait, null);
        }
        else
        {
            nint length = LibC.ReceiveMessage(socket, &slots->Header, LibC.MsgDontWait);
            slots->Length = (uint)Math.Max(length, 0);
            count = length < 0 ? -1 : 1;
        }

        if (count < 0)
        {
            int errno = Marshal.GetLastPInvokeError();
            return SocketErrors.ClassifyErrno(errno);
        }

        headers.SetUsed(count);
        batch.TookAll = count < asked;
        headers.Coalesced = false;
        for (int i = 0; i < count; i++)
        {
            SocketErrorClass error = TryRead(slots[i], batch.OffsetOf(i), out ReceivedSegments piece);
            if (error != SocketErrorClass.None)
            {
                CountReceiveError(error, out _);
                continue;
            }

            headers.Coalesced |= piece.SegmentSize < piece.Length;
            batch.Add(piece);
        }

        return SocketErrorClass.None;
    }

    private SocketErrorClass TryRead(in LibC.MessageSlot slot, int offset, out ReceivedSegments piece)
    {
        piece = default;
        if ((slot.Header.Flags & LibC.MsgTrunc) != 0)
        {
            return SocketErrorClass.TooLarge;
        }

        var sockaddr = new ReadOnlySpan<byte>(slot.Header.Name, (int)slot.Header.NameLength);
        if (!UdpAddress.TryReadSockaddr(_family, sockaddr, out UdpAddress remote))
        {
            return SocketErrorClass.Unknown;
        }

        UdpAddress local = LocalAddress;
        var length = (int)slot.Length;
        int segmentSize = length;
        ControlMessages.Read(slot.Header, ref local, ref segmentSize);
        piece = new(offset, length, segmentSize > 0 ? Math.Min(segmentSize, length) : length, remote, local);
        return SocketErrorClass.None;
    }
}
