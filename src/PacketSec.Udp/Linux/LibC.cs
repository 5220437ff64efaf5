using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace PacketSec.Udp.Linux;

/// <summary>The calls and structures of Linux's C library that the framework does not offer.</summary>
[SupportedOSPlatform("linux")]
internal static unsafe partial class LibC
{
    public const int MsgTrunc = 0x20;
    public const int MsgDontWait = 0x40;
    public const short PollIn = 1;

    // The numbers of sched_setattr.
    public const int SetScheduleOnX64 = 314;
    public const int SetScheduleOnArm64 = 274;

    private const string Library = "libc";

    [LibraryImport(Library, EntryPoint = "recvmsg", SetLastError = true)]
    public static partial nint ReceiveMessage(int descriptor, MessageHeader* message, int flags);

    [LibraryImport(Library, EntryPoint = "sendmsg", SetLastError = true)]
    public static partial nint SendMessage(SafeHandle socket, MessageHeader* message, int flags);

    [LibraryImport(Library, EntryPoint = "recvmmsg", SetLastError = true)]
    public static partial int ReceiveMessages(int descriptor, MessageSlot* messages, uint count, int flags, TimeSpec* timeout);

    [LibraryImport(Library, EntryPoint = "sendmmsg", SetLastError = true)]
    public static partial int SendMessages(SafeHandle socket, MessageSlot* messages, uint count, int flags);

    [LibraryImport(Library, EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollDescriptor* descriptors, nuint count, int timeoutMilliseconds);

    [LibraryImport(Library, EntryPoint = "eventfd", SetLastError = true)]
    public static partial int CreateEvent(uint initial, int flags);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(SafeHandle descriptor, void* buffer, nuint count);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(SafeHandle descriptor, void* buffer, nuint count);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport(Library, EntryPoint = "setpriority", SetLastError = true)]
    public static partial int SetPriority(int which, uint who, int priority);

    /// <summary>Makes a system call that the library has no function for, of three arguments.</summary>
    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    public static partial nint SystemCall(nint number, nint first, void* second, nint third);

    [LibraryImport(Library, EntryPoint = "clock_gettime", SetLastError = true)]
    public static partial int GetClock(int clock, out TimeSpec time);

    /// <summary>struct sched_attr in its first version, for an ordinary thread: policy 0.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Schedule
    {
        public uint Size;
        public uint Policy;
        public ulong Flags;
        public int Niceness;
        public uint Priority;
        public ulong Slice;
        public ulong Deadline;
        public ulong Period;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Result;
    }

    /// <summary>struct iovec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public void* Base;
        public nuint Length;
    }

    /// <summary>struct msghdr as the kernel has it.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MessageHeader
    {
        public void* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    /// <summary>struct mmsghdr: a message and the bytes of it that were transferred.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MessageSlot
    {
        public MessageHeader Header;
        public uint Length;
    }

    /// <summary>struct cmsghdr; the data follows, and both are padded to the size of a pointer.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct ControlHeader
    {
        public nuint Length;
        public int Level;
        public int Type;
    }

    /// <summary>struct in_pktinfo; the addresses are in network order.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PacketInfo
    {
        public int Interface;
        public uint LocalAddress;
        public uint HeaderAddress;
    }

    /// <summary>struct in6_pktinfo.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PacketInfoV6
    {
        public fixed byte Address[UdpAddress.AddressSize];
        public uint Interface;
    }
}
