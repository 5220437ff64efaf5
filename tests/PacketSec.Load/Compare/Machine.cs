using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace PacketSec.Load.Compare;

/// <summary>What the figures were measured on.</summary>
/// <param name="Cpu">The processor's model.</param>
/// <param name="Cores">How many the process may use.</param>
/// <param name="Kernel">The system's version.</param>
/// <param name="Runtime">.NET's version.</param>
/// <param name="LoadAverage">What ran in the minute before.</param>
/// <param name="ReceiveBufferBytes">What a socket gets that asks for 4 MiB; Linux says twice of what it gives.</param>
/// <param name="SendBufferBytes">The same for sending.</param>
/// <param name="HasSegments">Whether the system has UDP_SEGMENT and UDP_GRO.</param>
internal sealed record Machine(
    string Cpu, int Cores, string Kernel, string Runtime, double LoadAverage, int ReceiveBufferBytes, int SendBufferBytes, bool HasSegments)
{
    // Every contestant asks for as much.
    private const int BufferBytes = 4 * 1024 * 1024;
    private const int UdpLevel = 17;
    private const int UdpSegment = 103;
    private const int UdpGro = 104;

    /// <summary>Gets the versions of OpenSSL and the compiler; null where nothing in C was built.</summary>
    public string? OpenSsl { get; init; }

    /// <summary>Gets the compiler's flags.</summary>
    public string CompilerFlags { get; init; } = Programs.CompilerFlags;

    public static Machine Describe()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)
        {
            ReceiveBufferSize = BufferBytes,
            SendBufferSize = BufferBytes,
        };
        return new(
            ReadCpu(),
            Environment.ProcessorCount,
            $"Linux {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}",
            RuntimeInformation.FrameworkDescription,
            double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0]),
            socket.ReceiveBufferSize,
            socket.SendBufferSize,
            Takes(socket, UdpSegment, 1220) && Takes(socket, UdpGro, 1));
    }

    private static string ReadCpu()
    {
        foreach (var line in File.ReadLines("/proc/cpuinfo"))
        {
            if (line.StartsWith("model name", StringComparison.Ordinal))
            {
                return line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
            }
        }

        return RuntimeInformation.ProcessArchitecture.ToString();
    }

    private static bool Takes(Socket socket, int option, int value)
    {
        try
        {
            socket.SetRawSocketOption(UdpLevel, option, BitConverter.GetBytes(value));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
