using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PacketSec.Udp.Linux;

/// <content>Sending. Everything that the kernel reads lies on the stack of the caller, so that threads do not meet.</content>
internal sealed unsafe partial class LinuxDatagramIo
{
    private const int MaxMessages = SendBatch.MaxGroups;

    public override SendStatus Send(in UdpAddress local, in UdpAddress remote, ReadOnlySpan<byte> datagram)
    {
        if (IsDisposed)
        {
            return SendStatus.Closed;
        }

        fixed (byte* data = datagram)
        {
            SocketErrorClass error = SendOne(local, remote, data, datagram.Length);
            return error == SocketErrorClass.None ? SendStatus.Sent : CountSendError(error);
        }
    }

    public override void Send(SendBatch batch)
    {
        Span<SendGroup> groups = batch.Groups;
        Begin(groups);
        if (IsDisposed)
        {
            End(groups, SendStatus.Closed);
            return;
        }

        fixed (byte* data = batch.Bytes)
        {
            int next = 0;
            while (next < groups.Length)
            {
                next = SendSome(groups, next, data);
            }
        }
    }

    // Sends as many groups as one call takes, from the given one on, and returns where to go on: within a group when datagrams are sent
    // one by one and it has more of them.
    [SkipLocalsInit]
    private int SendSome(Span<SendGroup> groups, int first, byte* data)
    {
        bool segmented = Has(UdpFeatures.SegmentedSend);
        int room = segmented ? groups.Length - first : MaxMessages;
        LibC.MessageSlot* slots = stackalloc LibC.MessageSlot[room];
        Outgoing* messages = stackalloc Outgoing[room];
        int count = 0;
        int next = first;
        while (next < groups.Length && count < room)
        {
            ref SendGroup group = ref groups[next];
            int size = segmented ? group.Length : group.SegmentSize;
            int offset = group.Sent * group.SegmentSize;
            for (; offset < group.Length && group.Status == SendStatus.Sent && count < room; offset += size)
            {
                byte* start = data + group.Offset + offset;
                int length = Math.Min(size, group.Length - offset);
                if (TryPrepare(messages + count, slots + count, group.Local, group.Remote, start, length, group.SegmentSize))
                {
                    messages[count].Group = next;
                    count++;
                }
                else
                {
                    group.Status = SendStatus.Unreachable;
                }
            }

            if (offset < group.Length && group.Status == SendStatus.Sent)
            {
                break;
            }

            next++;
        }

        return TryHandOver(groups, slots, messages, count) ? next : groups.Length;
    }

    // Returns false when it has ended all groups that are left.
    private bool TryHandOver(Span<SendGroup> groups, LibC.MessageSlot* slots, Outgoing* messages, int count)
    {
        int done = 0;
        while (done < count)
        {
            int taken = Call(slots + done, messages + done, count - done, out int errno);
            for (; taken > 0; taken--, done++)
            {
                groups[messages[done].Group].Sent += messages[done].Segments;
            }

            if (errno == 0)
            {
                continue;
            }

            // The error is that of the first message which the system did not take.
            int index = messages[done].Group;
            ref SendGroup group = ref groups[index];
            group.Status = Recover(ref group, slots + done, messages + done, errno);
            if (EndsBatch(group.Status))
            {
                End(groups[index..], group.Status);
                return false;
            }

            done++;
            while (group.Status != SendStatus.Sent && done < count && messages[done].Group == index)
            {
                done++;
            }
        }

        return true;
    }

    private SendStatus Recover(ref SendGroup group, LibC.MessageSlot* slot, Outgoing* message, int errno)
    {
        var data = (byte*)message->Vector.Base;
        errno = Retry(slot, message, group.Local, group.Remote, errno);
        SocketErrorClass error = SocketErrors.ClassifyErrno(errno);
        if (errno == 0)
        {
            group.Sent += message->Segments;
        }
        else if (message->Segments > 1 && SocketErrors.MayRefuseSegments(errno))
        {
            error = SendOneByOne(ref group, data);
        }

        if (error == SocketErrorClass.TooLarge && group.Sent == 0 && group.LastLength < group.SegmentSize
            && SendOne(group.Local, group.Remote, data + group.Length - group.LastLength, group.LastLength) == SocketErrorClass.None)
        {
            group.Sent = 1;
        }

        return error == SocketErrorClass.None ? SendStatus.Sent : CountSendError(error);
    }

    private SocketErrorClass SendOneByOne(ref SendGroup group, byte* data)
    {
        for (int offset = 0; offset < group.Length; offset += group.SegmentSize)
        {
            int length = Math.Min(group.SegmentSize, group.Length - offset);
            SocketErrorClass error = SendOne(group.Local, group.Remote, data + offset, length);
            if (error != SocketErrorClass.None)
            {
                return error;
            }

            group.Sent++;
            // The datagram was not too large, and its receiver can be reached: it is the segments that this system refuses.
            Interlocked.And(ref _features, ~(int)UdpFeatures.SegmentedSend);
        }

        return SocketErrorClass.None;
    }

    [SkipLocalsInit]
    private SocketErrorClass SendOne(in UdpAddress local, in UdpAddress remote, byte* data, int length)
    {
        LibC.MessageSlot slot;
        Outgoing message;
        if (!TryPrepare(&message, &slot, local, remote, data, length, length))
        {
            return SocketErrorClass.Unreachable;
        }

        Call(&slot, &message, 1, out int errno);
        return SocketErrors.ClassifyErrno(Retry(&slot, &message, local, remote, errno));
    }

    // Sends a message again whose error is not its own, or may be that of its source; returns the error that remains, or 0.
    private int Retry(LibC.MessageSlot* slot, Outgoing* message, in UdpAddress local, in UdpAddress remote, int errno)
    {
        if (SocketErrors.ClassifyErrno(errno) == SocketErrorClass.Unauthenticated)
        {
            // The error belongs to an earlier datagram and took this one's place.
            CountUnauthenticatedError();
            Call(slot, message, 1, out errno);
        }

        if (CanPin(local, remote) && SocketErrors.ClassifyErrno(errno) is SocketErrorClass.Invalid or SocketErrorClass.Unreachable)
        {
            // The machine has moved to another network and lost the address (IPv4 reports that as unreachable, IPv6 as invalid):
            // whatever leads to a new session leaves from the new one.
            TryPrepare(message, slot, default, remote, (byte*)message->Vector.Base, message->Length, message->SegmentSize);
            Call(slot, message, 1, out errno);
        }

        return errno;
    }

    // Returns how many the system took, and the error of the next one.
    private int Call(LibC.MessageSlot* slots, Outgoing* messages, int count, out int errno)
    {
        errno = 0;
        if (_sendFault is not null)
        {
            count = 1;
            errno = _sendFault(messages->Length, messages->SegmentSize);
            if (errno != 0)
            {
                return 0;
            }
        }

        CountSendCall();
        try
        {
            int taken = count > 1 && Has(UdpFeatures.ManyPerCall)
                ? LibC.SendMessages(Socket.SafeHandle, slots, (uint)count, LibC.MsgDontWait)
                : LibC.SendMessage(Socket.SafeHandle, &slots->Header, LibC.MsgDontWait) < 0 ? -1 : 1;
            if (taken > 0)
            {
                return taken;
            }

            errno = Marshal.GetLastPInvokeError();
        }
        catch (ObjectDisposedException)
        {
            errno = SocketErrors.Errno.EBADF;
        }

        return 0;
    }

    private bool CanPin(in UdpAddress local, in UdpAddress remote) =>
        _isWildcard && !local.IsUnspecified && local.IsIPv4 == remote.IsIPv4;

    // Fills in a message of one datagram or several; false when this socket's family cannot reach the receiver.
    private bool TryPrepare(
        Outgoing* message, LibC.MessageSlot* slot, in UdpAddress local, in UdpAddress remote, byte* data, int length, int segmentSize)
    {
        bool isIPv4Socket = _family == AddressFamily.InterNetwork;
        *(ushort*)message->Name = isIPv4Socket ? NativeFamily.IPv4 : NativeFamily.IPv6;
        if (!remote.TryWriteSockaddr(_family, new Span<byte>(message->Name, UdpAddress.Sockaddr.IPv6Size)))
        {
            return false;
        }

        message->Vector = new() { Base = data, Length = (nuint)length };
        message->Length = length;
        message->SegmentSize = Math.Min(segmentSize, length);
        message->Segments = length > segmentSize ? (length + segmentSize - 1) / segmentSize : 1;
        var control = (byte*)message->Control;
        nuint controlLength = CanPin(local, remote) ? ControlMessages.WriteSource(control, isIPv4Socket, local) : 0;
        if (message->Segments > 1)
        {
            controlLength += ControlMessages.WriteSegmentSize(control + controlLength, segmentSize);
        }

        slot->Header = new()
        {
            Name = message->Name,
            NameLength = isIPv4Socket ? (uint)UdpAddress.Sockaddr.IPv4Size : UdpAddress.Sockaddr.IPv6Size,
            Vectors = &message->Vector,
            VectorCount = 1,
            Control = controlLength == 0 ? null : control,
            ControlLength = controlLength,
        };
        return true;
    }

    private static class NativeFamily
    {
        public const ushort IPv4 = 2;
        public const ushort IPv6 = 10;
    }

    /// <summary>A message to send. Its header points into it, so it is never copied.</summary>
    private struct Outgoing
    {
        public LibC.IoVector Vector;
        public fixed ulong Control[ControlMessages.SendSize / sizeof(ulong)];
        public fixed byte Name[UdpAddress.Sockaddr.IPv6Size];
        public int Length;
        public int SegmentSize;
        public int Segments;
        public int Group;
    }
}
