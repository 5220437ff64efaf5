using System.Net;
using System.Net.Sockets;

namespace PacketSec.Tests.Api;

/// <summary>A UDP socket that answers nothing and shows what comes.</summary>
internal sealed class SilentHost : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);

    public SilentHost() => _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));

    public IPEndPoint Address => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>Gets a value indicating whether a datagram waits.</summary>
    public bool HasMore => _socket.Available > 0;

    /// <summary>Waits for a datagram.</summary>
    public async Task<(byte[] Datagram, IPEndPoint Source)> ReceiveAsync()
    {
        using var ceiling = EndpointPair.Ceiling();
        var buffer = new byte[2048];
        var received = await _socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), ceiling.Token);
        return (buffer[..received.ReceivedBytes], (IPEndPoint)received.RemoteEndPoint);
    }

    public void SendTo(ReadOnlySpan<byte> datagram, IPEndPoint remote) => _socket.SendTo(datagram, SocketFlags.None, remote);

    public void Dispose() => _socket.Dispose();
}
