using System.Buffers.Binary;
using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using PacketSec.Cli.Inspect;
using PacketSec.Internal;

namespace PacketSec.Cli.Net;

/// <summary>Writes what endpoints send and receive, as the network sees it, into a file. Thread-safe.</summary>
internal sealed class Capture : IDatagramTap, IDisposable
{
    private const int KnownSources = 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, IPAddress> _sources = [];
    private readonly PcapWriter _writer;
    private readonly string _path;
    private readonly Reporter _reporter;
    private bool _isDisposed;

    private Capture(PcapWriter writer, string path, Reporter reporter) => (_writer, _path, _reporter) = (writer, path, reporter);

    /// <summary>Makes the option <c>--pcap</c>.</summary>
    public static Option<string?> CreateOption() => new("--pcap")
    {
        Description = "Write every datagram sent and received, sealed as it is, to this file (pcapng), for psec inspect and Wireshark.",
        HelpName = "FILE",
    };

    /// <summary>Begins a capture.</summary>
    /// <param name="path">The file, which replaces an older capture but nothing else; null captures nothing.</param>
    /// <param name="reporter">Is told at the end when the file could not be written.</param>
    /// <exception cref="CliException">The file cannot be written, or is something else than a capture.</exception>
    public static Capture? Open(string? path, Reporter reporter)
    {
        if (path is null)
        {
            return null;
        }

        try
        {
            return IsReplaceable(path)
                ? new(PcapWriter.Create(path), path, reporter)
                : throw new CliException(ExitCodes.File, $"'{path}' exists and is no capture: name another file by --pcap.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliException(ExitCodes.File, $"The capture '{path}' cannot be written: {error.Message} Name another file by --pcap.", error);
        }
    }

    public void OnDatagram(TapDirection direction, DateTimeOffset time, IPEndPoint local, IPEndPoint remote, ReadOnlySpan<byte> datagram)
    {
        var own = local.Address.Equals(IPAddress.IPv6Any) || local.Address.Equals(IPAddress.Any)
            ? new IPEndPoint(SourceTowards(remote), local.Port)
            : local;
        var (from, to) = direction == TapDirection.Sent ? (own, remote) : (remote, own);
        _writer.Write(time, from, to, datagram);
    }

    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        _writer.Dispose();
        if (_writer.Failure is { } failure)
        {
            _reporter.Problem($"The capture '{_path}' is incomplete: {failure.Message}");
        }
    }

    private static bool IsReplaceable(string path)
    {
        const uint Pcapng = 0x0a0d0d0a;

        // Pipes and devices have no length.
        if (new FileInfo(path) is not { Exists: true, Length: > 0 })
        {
            return true;
        }

        Span<byte> start = stackalloc byte[sizeof(uint)];
        using var file = File.OpenRead(path);
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && BinaryPrimitives.ReadUInt32BigEndian(start) == Pcapng;
    }

    // A socket that is bound to all addresses leaves the choice to the system, and the first datagrams do not tell it: another socket asks.
    private IPAddress SourceTowards(IPEndPoint remote)
    {
        lock (_gate)
        {
            if (_sources.TryGetValue(remote.Address, out var known))
            {
                return known;
            }

            if (_sources.Count == KnownSources)
            {
                _sources.Clear();
            }

            return _sources[remote.Address] = Ask(remote);
        }
    }

    private static IPAddress Ask(IPEndPoint remote)
    {
        try
        {
            using var socket = new Socket(remote.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(remote);
            return ((IPEndPoint)socket.LocalEndPoint!).Address;
        }
        catch (SocketException)
        {
            return remote.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;
        }
    }
}
