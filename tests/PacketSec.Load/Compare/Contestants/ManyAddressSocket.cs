using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace PacketSec.Load.Compare.Contestants;

/// <summary>Takes a datagram that came to one of the addresses.</summary>
/// <param name="local">The IPv4 address that it came to.</param>
/// <param name="datagram">The datagram, valid during the call.</param>
internal delegate void DatagramTo(uint local, ReadOnlySpan<byte> datagram);

/// <summary>Asks for what a datagram will need that is still so many steps ahead.</summary>
/// <param name="local">The IPv4 address that it came to.</param>
/// <param name="step">3, 2, then 1.</param>
internal delegate void AheadOf(uint local, int step);

/// <summary>
/// One IPv4 socket that speaks from any address of 127.0.0.0/8, to one port of 127.0.0.1: up to 64 messages with a call, each from its own address and
/// cut into equal datagrams by the system. What a program in C would do; Linux on 64 bits only.
/// </summary>
/// <remarks>For one thread.</remarks>
internal sealed unsafe partial class ManyAddressSocket : IDisposable
{
    public const int MostMessages = 64;
    public const int AheadSteps = 3;

    private const int BufferBytes = 4 * 1024 * 1024;
    private const int ReceiveSize = 2048;
    private const int ControlSize = 64;
    private const int UdpLevel = 17;
    private const int UdpSegment = 103;
    private const int PacketInfo = 8;
    private const int MtuDiscover = 10;
    private const int MtuProbe = 3;
    private const int DontWait = 0x40;
    private const int Again = 11;
    private const int Interrupted = 4;
    private const int Refused = 111;
    private const int SockaddrSize = 16;
    private const int CacheLine = 64;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly int _descriptor;
    private readonly int _messageSize;
    private readonly byte[] _send;
    private readonly byte[] _receive = GC.AllocateArray<byte>(MostMessages * ReceiveSize, pinned: true);
    private readonly Message[] _sendMessages = GC.AllocateArray<Message>(MostMessages, pinned: true);
    private readonly Message[] _receiveMessages = GC.AllocateArray<Message>(MostMessages, pinned: true);
    private readonly IoVector[] _vectors = GC.AllocateArray<IoVector>(2 * MostMessages, pinned: true);
    private readonly byte[] _controls = GC.AllocateArray<byte>(2 * MostMessages * ControlSize, pinned: true);
    private readonly byte[] _target = GC.AllocateArray<byte>(SockaddrSize, pinned: true);
    private int _queued;
    private int _end;

    /// <summary>Creates a socket on a port that the system chooses.</summary>
    /// <param name="port">The port of 127.0.0.1 to send to.</param>
    /// <param name="messageSize">The longest message in bytes, all of its datagrams together.</param>
    public ManyAddressSocket(int port, int messageSize)
    {
        _socket.SendBufferSize = BufferBytes;
        _socket.ReceiveBufferSize = BufferBytes;
        _socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.PacketInformation, true);
        _socket.SetRawSocketOption(0, MtuDiscover, BitConverter.GetBytes(MtuProbe));
        _socket.Bind(new IPEndPoint(IPAddress.Any, 0));
        _descriptor = (int)_socket.Handle;
        _messageSize = messageSize;
        _send = GC.AllocateArray<byte>(MostMessages * (messageSize + CacheLine), pinned: true);
        BitConverter.TryWriteBytes(_target, (ushort)AddressFamily.InterNetwork);
        BinaryPrimitives.WriteUInt16BigEndian(_target.AsSpan(2), (ushort)port);
        IPAddress.Loopback.TryWriteBytes(_target.AsSpan(4), out _);
        for (var i = 0; i < MostMessages; i++)
        {
            _vectors[MostMessages + i] = new() { Base = Pointer(_receive, i * ReceiveSize), Length = ReceiveSize };
        }
    }

    public ushort Port => (ushort)((IPEndPoint)_socket.LocalEndPoint!).Port;

    /// <summary>Gets the room of the next message.</summary>
    public Span<byte> Next => _send.AsSpan(_end, _messageSize);

    /// <summary>Queues what was written to <see cref="Next"/>, and sends all that is queued when that is as much as one call takes.</summary>
    public void Queue(uint source, int length, int segmentSize)
    {
        var control = Pointer(_controls, _queued * ControlSize);
        new Span<byte>(control, ControlSize).Clear();
        var info = (ControlHeader*)control;
        *info = new() { Length = (nuint)(sizeof(ControlHeader) + 12), Level = 0, Type = PacketInfo };
        BinaryPrimitives.WriteUInt32BigEndian(new Span<byte>(control + sizeof(ControlHeader) + 4, 4), source);
        var controlLength = sizeof(ControlHeader) + 16;
        if (segmentSize < length)
        {
            var segment = (ControlHeader*)(control + controlLength);
            *segment = new() { Length = (nuint)(sizeof(ControlHeader) + 2), Level = UdpLevel, Type = UdpSegment };
            *(ushort*)(segment + 1) = (ushort)segmentSize;
            controlLength += sizeof(ControlHeader) + 8;
        }

        // Close together, as in C: what is in the nearest cache is copied from there.
        _vectors[_queued] = new() { Base = Pointer(_send, _end), Length = (nuint)length };
        _end += (length + CacheLine - 1) / CacheLine * CacheLine;
        _sendMessages[_queued] = new()
        {
            Name = Pointer(_target, 0),
            NameLength = SockaddrSize,
            Vectors = Pointer(_vectors, _queued),
            VectorCount = 1,
            Control = control,
            ControlLength = (nuint)controlLength,
        };
        if (++_queued == MostMessages)
        {
            Flush();
        }
    }

    public void Flush()
    {
        for (var sent = 0; sent < _queued;)
        {
            var more = SendMessages(_descriptor, Pointer(_sendMessages, sent), (uint)(_queued - sent), 0);
            if (more < 0 && Marshal.GetLastPInvokeError() is var error && error is not (Interrupted or Refused))
            {
                throw new SocketException(error, $"sendmmsg failed with error {error} of the system.");
            }

            sent += Math.Max(more, 0);
        }

        _queued = 0;
        _end = 0;
    }

    /// <summary>Takes what has come, without waiting.</summary>
    /// <param name="take">Takes each datagram.</param>
    /// <param name="lookAhead">Is told before, where each of the next ones came to: one step for each, the nearest last.</param>
    /// <returns>How many datagrams.</returns>
    public int Receive(DatagramTo take, AheadOf? lookAhead = null)
    {
        for (var i = 0; i < MostMessages; i++)
        {
            _receiveMessages[i] = new()
            {
                Vectors = Pointer(_vectors, MostMessages + i),
                VectorCount = 1,
                Control = Pointer(_controls, (MostMessages + i) * ControlSize),
                ControlLength = ControlSize,
            };
        }

        var count = ReceiveMessages(_descriptor, Pointer(_receiveMessages, 0), MostMessages, DontWait, null);
        if (count < 0)
        {
            return Marshal.GetLastPInvokeError() is var error && error is Again or Interrupted or Refused
                ? 0
                : throw new SocketException(error, $"recvmmsg failed with error {error} of the system.");
        }

        for (var i = lookAhead is null ? 0 : -AheadSteps; i < count; i++)
        {
            for (var step = AheadSteps; lookAhead is not null && step > 0; step--)
            {
                if (i + step >= 0 && i + step < count)
                {
                    lookAhead(LocalOf(i + step), step);
                }
            }

            if (i >= 0)
            {
                take(LocalOf(i), _receive.AsSpan(i * ReceiveSize, (int)_receiveMessages[i].Received));
            }
        }

        return count;
    }

    public void Dispose() => _socket.Dispose();

    // The one control message that was asked for: the address in the header of the datagram is its last word.
    private uint LocalOf(int message)
        => BinaryPrimitives.ReadUInt32BigEndian(_controls.AsSpan(((MostMessages + message) * ControlSize) + sizeof(ControlHeader) + 8, 4));

    // All arrays are pinned.
    private static T* Pointer<T>(T[] array, int index)
        where T : unmanaged
        => (T*)Marshal.UnsafeAddrOfPinnedArrayElement(array, index);

    [LibraryImport("libc", EntryPoint = "sendmmsg", SetLastError = true)]
    private static partial int SendMessages(int descriptor, Message* messages, uint count, int flags);

    [LibraryImport("libc", EntryPoint = "recvmmsg", SetLastError = true)]
    private static partial int ReceiveMessages(int descriptor, Message* messages, uint count, int flags, void* timeout);

    /// <summary>struct mmsghdr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Message
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;

        // An int, padded to the size of a pointer.
        public nuint Flags;
        public uint Received;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct IoVector
    {
        public void* Base;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct ControlHeader
    {
        public nuint Length;
        public int Level;
        public int Type;
    }
}
