using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace PacketSec.Udp.Linux;

/// <summary>The implementation over recvmsg and sendmsg, one call per datagram, nothing allocated.</summary>
/// <remarks>
/// The socket keeps its blocking mode; calls ask not to wait, and waiting is done by poll on the socket and on an event. The
/// control message of IP_PKTINFO tells the local address of a datagram, and in sending sets the source.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed unsafe class LinuxDatagramIo : SocketDatagramIo
{
    // Room for one in6_pktinfo, the largest message asked for, with its header; others are cut by the kernel.
    private const int ControlSize = 64;

    private readonly EventDescriptor _wakeEvent = new();
    private readonly AddressFamily _family;
    private readonly bool _isWildcard;
    private int _wakeRequested;

    public LinuxDatagramIo(Socket socket, IReadOnlyList<UdpWarning> warnings)
        : base(socket, warnings)
    {
        _family = socket.AddressFamily;
        _isWildcard = LocalAddress.IsUnspecified;
    }

    public override string PathName => "linux";

    public override bool ChoosesSource => true;

    public override SendStatus Send(in UdpAddress local, in UdpAddress remote, ReadOnlySpan<byte> datagram)
    {
        if (IsDisposed)
        {
            return SendStatus.Closed;
        }

        bool pin = _isWildcard && !local.IsUnspecified && local.IsIPv4 == remote.IsIPv4;
        SocketErrorClass error = TrySend(pin, local, remote, datagram);
        if (error == SocketErrorClass.Unauthenticated)
        {
            // The error belongs to an earlier datagram and took this one's place.
            CountUnauthenticatedError();
            error = TrySend(pin, local, remote, datagram);
        }
        else if (pin && error is (SocketErrorClass.Invalid or SocketErrorClass.Unreachable))
        {
            // The machine has moved to another network and lost the address (IPv4 reports that as unreachable, IPv6 as invalid):
            // whatever leads to a new session leaves from the new one.
            error = TrySend(false, local, remote, datagram);
        }

        return error == SocketErrorClass.None ? SendStatus.Sent : CountSendError(error);
    }

    public override ReceiveStatus Receive(Span<byte> buffer, int timeoutMilliseconds, out ReceivedDatagram info)
    {
        info = default;
        bool socketHeld = false;
        bool eventHeld = false;
        try
        {
            Socket.SafeHandle.DangerousAddRef(ref socketHeld);
            _wakeEvent.DangerousAddRef(ref eventHeld);
            return Receive((int)Socket.SafeHandle.DangerousGetHandle(), buffer, timeoutMilliseconds, out info);
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

    public override void Wake()
    {
        if (Interlocked.Exchange(ref _wakeRequested, 1) != 0)
        {
            return;
        }

        try
        {
            _wakeEvent.Set();
        }
        catch (ObjectDisposedException)
        {
            // The receiver has left already.
        }
    }

    protected override void DisposeResources() => _wakeEvent.Dispose();

    private ReceiveStatus Receive(int socket, Span<byte> buffer, int timeoutMilliseconds, out ReceivedDatagram info)
    {
        info = default;
        if (TryTakeWake(out ReceiveStatus status))
        {
            return status;
        }

        SocketErrorClass error = TryReceive(socket, buffer, out info);
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

            error = TryReceive(socket, buffer, out info);
        }

        if (error == SocketErrorClass.None)
        {
            // A closing socket yields empty datagrams from nowhere.
            return IsDisposed ? ReceiveStatus.Closed : ReceiveStatus.Datagram;
        }

        status = CountReceiveError(error, out bool pause);
        if (pause)
        {
            Wait(-1, PauseMilliseconds);
        }

        return status;
    }

    // A wake-up that is seen before its event is set leaves the event set: the next wait then ends early, which callers allow for.
    private bool TryTakeWake(out ReceiveStatus status)
    {
        status = IsDisposed ? ReceiveStatus.Closed : ReceiveStatus.Woken;
        if (Volatile.Read(ref _wakeRequested) == 0)
        {
            return IsDisposed;
        }

        _wakeEvent.Reset();
        Interlocked.Exchange(ref _wakeRequested, 0);
        return true;
    }

    // Returns 0 when the time is over. Poll ignores a negative descriptor.
    private int Wait(int socket, int timeoutMilliseconds)
    {
        LibC.PollDescriptor* descriptors = stackalloc LibC.PollDescriptor[2];
        descriptors[0] = new() { Descriptor = socket, Events = LibC.PollIn };
        descriptors[1] = new() { Descriptor = (int)_wakeEvent.DangerousGetHandle(), Events = LibC.PollIn };
        int ready = LibC.Poll(descriptors, 2, timeoutMilliseconds);
        if (descriptors[1].Result != 0 && Volatile.Read(ref _wakeRequested) == 0)
        {
            // The leftover of a wake-up that was seen before.
            _wakeEvent.Reset();
        }

        return ready;
    }

    [SkipLocalsInit]
    private SocketErrorClass TryReceive(int socket, Span<byte> buffer, out ReceivedDatagram info)
    {
        byte* name = stackalloc byte[UdpAddress.Sockaddr.IPv6Size];
        // In words of 8 bytes, for the alignment of the headers.
        ulong* control = stackalloc ulong[ControlSize / sizeof(ulong)];
        fixed (byte* data = buffer)
        {
            var vector = new LibC.IoVector { Base = data, Length = (nuint)buffer.Length };
            var message = new LibC.MessageHeader
            {
                Name = name,
                NameLength = UdpAddress.Sockaddr.IPv6Size,
                Vectors = &vector,
                VectorCount = 1,
                Control = _isWildcard ? control : null,
                ControlLength = _isWildcard ? (nuint)ControlSize : 0,
            };
            nint received = LibC.ReceiveMessage(socket, &message, LibC.MsgDontWait);
            info = default;
            if (received < 0)
            {
                return SocketErrors.ClassifyErrno(Marshal.GetLastPInvokeError());
            }

            if ((message.Flags & LibC.MsgTrunc) != 0)
            {
                return SocketErrorClass.TooLarge;
            }

            var sockaddr = new ReadOnlySpan<byte>(name, (int)message.NameLength);
            if (!UdpAddress.TryReadSockaddr(_family, sockaddr, out UdpAddress remote))
            {
                return IsDisposed ? SocketErrorClass.Closed : SocketErrorClass.Unknown;
            }

            info = new((int)received, remote, _isWildcard ? ReadLocal(message) : LocalAddress, Ecn: 0);
            return SocketErrorClass.None;
        }
    }

    private UdpAddress ReadLocal(in LibC.MessageHeader message)
    {
        // One message at most was asked for, so it is the first.
        var header = (LibC.ControlHeader*)message.Control;
        if (message.ControlLength < (nuint)sizeof(LibC.ControlHeader))
        {
            return LocalAddress;
        }

        void* content = header + 1;
        nuint length = header->Length - (nuint)sizeof(LibC.ControlHeader);
        if (header->Level == SocketTuning.IPLevel && header->Type == SocketTuning.LinuxPacketInfo
            && length >= (nuint)sizeof(LibC.PacketInfo))
        {
            // For a broadcast the header's address cannot be a source; this one always can.
            uint bits = ((LibC.PacketInfo*)content)->LocalAddress;
            return UdpAddress.FromIPv4(BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(bits) : bits, LocalAddress.Port);
        }

        if (header->Level == SocketTuning.IPv6Level && header->Type == SocketTuning.LinuxIPv6PacketInfo
            && length >= (nuint)sizeof(LibC.PacketInfoV6))
        {
            var packet = (LibC.PacketInfoV6*)content;
            return UdpAddress.FromBytes(new(packet->Address, UdpAddress.AddressSize), LocalAddress.Port, packet->Interface);
        }

        return LocalAddress;
    }

    [SkipLocalsInit]
    private SocketErrorClass TrySend(bool pin, in UdpAddress local, in UdpAddress remote, ReadOnlySpan<byte> datagram)
    {
        byte* name = stackalloc byte[UdpAddress.Sockaddr.IPv6Size];
        ulong* control = stackalloc ulong[ControlSize / sizeof(ulong)];
        bool isIPv4Socket = _family == AddressFamily.InterNetwork;
        Unsafe.WriteUnaligned(name, (ushort)(isIPv4Socket ? NativeFamily.IPv4 : NativeFamily.IPv6));
        if (!remote.TryWriteSockaddr(_family, new Span<byte>(name, UdpAddress.Sockaddr.IPv6Size)))
        {
            return SocketErrorClass.Unreachable;
        }

        fixed (byte* data = datagram)
        {
            var vector = new LibC.IoVector { Base = data, Length = (nuint)datagram.Length };
            var message = new LibC.MessageHeader
            {
                Name = name,
                NameLength = isIPv4Socket ? (uint)UdpAddress.Sockaddr.IPv4Size : UdpAddress.Sockaddr.IPv6Size,
                Vectors = &vector,
                VectorCount = 1,
                Control = pin ? control : null,
                ControlLength = pin ? WriteSource(control, isIPv4Socket, local) : 0,
            };
            try
            {
                return LibC.SendMessage(Socket.SafeHandle, &message, LibC.MsgDontWait) < 0
                    ? SocketErrors.ClassifyErrno(Marshal.GetLastPInvokeError())
                    : SocketErrorClass.None;
            }
            catch (ObjectDisposedException)
            {
                return SocketErrorClass.Closed;
            }
        }
    }

    // Writes the control message that sets the source and returns the size of both with padding. A dual-stack socket takes mapped
    // addresses in the IPv6 form.
    private static nuint WriteSource(ulong* control, bool isIPv4Socket, in UdpAddress local)
    {
        new Span<ulong>(control, ControlSize / sizeof(ulong)).Clear();
        var header = (LibC.ControlHeader*)control;
        void* content = header + 1;
        int size;
        if (isIPv4Socket)
        {
            size = sizeof(LibC.PacketInfo);
            header->Level = SocketTuning.IPLevel;
            header->Type = SocketTuning.LinuxPacketInfo;
            uint bits = local.IPv4Bits;
            ((LibC.PacketInfo*)content)->LocalAddress = BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(bits) : bits;
        }
        else
        {
            size = sizeof(LibC.PacketInfoV6);
            header->Level = SocketTuning.IPv6Level;
            header->Type = SocketTuning.LinuxIPv6PacketInfo;
            var packet = (LibC.PacketInfoV6*)content;
            local.WriteBytes(new(packet->Address, UdpAddress.AddressSize));
            packet->Interface = local.ScopeId;
        }

        header->Length = (nuint)(sizeof(LibC.ControlHeader) + size);
        int padded = (size + sizeof(nuint) - 1) / sizeof(nuint) * sizeof(nuint);
        return (nuint)(sizeof(LibC.ControlHeader) + padded);
    }

    private static class NativeFamily
    {
        public const ushort IPv4 = 2;
        public const ushort IPv6 = 10;
    }
}
