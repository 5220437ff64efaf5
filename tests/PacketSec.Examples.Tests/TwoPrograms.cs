using System.Net;
using System.Text;
using PacketSec.Protocol.Identity;

namespace PacketSec.Examples.Tests;

/// <summary>The two programs of the README.</summary>
internal static class TwoPrograms
{
    // <example:listener>
    public static async Task ListenAsync(string keyFile, IPEndPoint address, Action<PacketSecEndpoint> bound, CancellationToken stop)
    {
        using var identity = PacketSecIdentity.LoadOrCreate(keyFile);
        await using var endpoint = PacketSecEndpoint.Bind(new() { Identity = identity, LocalEndPoint = address });
        bound(endpoint); // endpoint.PeerId is what others dial.

        await foreach (var channel in endpoint.AcceptAllAsync(stop))
        {
            // Echo: the handler runs on the receive thread, and the span is valid during the call.
            channel.OnDatagram(datagram => channel.TrySend(datagram));
        }
    }

    // </example>
    // <example:dialler>
    public static async Task<string> DialAsync(string keyFile, IPEndPoint remote, PeerId peer, CancellationToken stop)
    {
        using var identity = PacketSecIdentity.LoadOrCreate(keyFile);
        await using var endpoint = PacketSecEndpoint.Bind(new() { Identity = identity, LocalEndPoint = new(IPAddress.IPv6Any, 0) });
        await using var channel = await endpoint.ConnectAsync(remote, peer, stop); // throws WrongIdentity for anyone else

        SendResult result = channel.TrySend("hello"u8); // Sent | Queued | QueueFull | TooLarge | Closed
        if (result is not (SendResult.Sent or SendResult.Queued))
        {
            throw new InvalidOperationException($"The datagram was not taken: {result}.");
        }

        var buffer = new byte[2048];
        int length = await channel.ReceiveAsync(buffer, stop);
        return Encoding.UTF8.GetString(buffer, 0, length);
    }

    // </example>
}
