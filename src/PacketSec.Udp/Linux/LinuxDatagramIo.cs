using System.Net.Sockets;
using System.Runtime.Versioning;

namespace PacketSec.Udp.Linux;

/// <summary>The implementation over recvmmsg and sendmmsg, with UDP_GRO and UDP_SEGMENT, or as many of them as serve.</summary>
/// <remarks>
/// The socket keeps its blocking mode; calls ask not to wait, and waiting is done by poll on the socket and on an event. The
/// control message of IP_PKTINFO tells the local address of a datagram, and in sending sets the source. Nothing is allocated per call.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed partial class LinuxDatagramIo : SocketDatagramIo
{
    private readonly EventDescriptor _wakeEvent = new();
    private readonly AddressFamily _family;
    private readonly bool _isWildcard;
    private readonly Func<int, int, int>? _sendFault;
    private int _features;
    private int _wakeRequested;

    /// <summary>Serves a bound socket.</summary>
    /// <param name="socket">The socket; owned from now on.</param>
    /// <param name="warnings">As <see cref="IDatagramIo.Warnings"/>.</param>
    /// <param name="features">What <see cref="EnableFeatures"/> found.</param>
    /// <param name="sendFault">As <see cref="UdpBindOptions.SendFault"/>.</param>
    public LinuxDatagramIo(Socket socket, IReadOnlyList<UdpWarning> warnings, UdpFeatures features, Func<int, int, int>? sendFault)
        : base(socket, warnings)
    {
        _family = socket.AddressFamily;
        _isWildcard = LocalAddress.IsUnspecified;
        _features = (int)features;
        _sendFault = sendFault;
    }

    public override string PathName
    {
        get
        {
            UdpFeatures features = Features;
            IEnumerable<string> names = Names.Where(n => features.HasFlag(n.Feature)).Select(n => n.Name);
            return features == UdpFeatures.None ? "linux (one datagram per call)" : $"linux ({string.Join(", ", names)})";
        }
    }

    public override bool ChoosesSource => true;

    public override UdpFeatures Features => (UdpFeatures)Volatile.Read(ref _features);

    private static (UdpFeatures Feature, string Name)[] Names { get; } =
    [
        (UdpFeatures.SegmentedSend, "UDP_SEGMENT"),
        (UdpFeatures.CoalescedReceive, "UDP_GRO"),
        (UdpFeatures.ManyPerCall, "recvmmsg"),
    ];

    /// <summary>Finds out what the kernel offers, and switches it on.</summary>
    /// <param name="socket">A socket that is not bound yet.</param>
    /// <param name="allowed">What may be used.</param>
    public static UdpFeatures EnableFeatures(Socket socket, UdpFeatures allowed)
    {
        UdpFeatures features = UdpFeatures.None;
        if (allowed.HasFlag(UdpFeatures.SegmentedSend) && SocketTuning.CanSegment(socket))
        {
            features |= UdpFeatures.SegmentedSend;
        }

        if (allowed.HasFlag(UdpFeatures.CoalescedReceive) && SocketTuning.TryCoalesce(socket))
        {
            features |= UdpFeatures.CoalescedReceive;
        }

        if (allowed.HasFlag(UdpFeatures.ManyPerCall) && HasMessageCalls(socket))
        {
            features |= UdpFeatures.ManyPerCall;
        }

        return features;
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
            _wakeEvent.Set();
        }
        catch (ObjectDisposedException)
        {
            // The receiver has left already.
        }
    }

    protected override void DisposeResources() => _wakeEvent.Dispose();

    private bool Has(UdpFeatures feature) => (Volatile.Read(ref _features) & (int)feature) != 0;

    // Both calls do nothing for no messages, unless the kernel, a sandbox or the C library lacks them.
    private static unsafe bool HasMessageCalls(Socket socket)
    {
        try
        {
            return LibC.ReceiveMessages((int)socket.SafeHandle.DangerousGetHandle(), null, 0, LibC.MsgDontWait, null) == 0
                && LibC.SendMessages(socket.SafeHandle, null, 0, LibC.MsgDontWait) == 0;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
    }
}
