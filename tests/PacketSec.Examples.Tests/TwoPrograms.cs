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
    // <example:streams>
    public static async Task<string> FetchAsync(PacketSecChannel channel, string question, CancellationToken stop)
    {
        // The other side opens its connection too, and answers whatever AcceptStreamAsync gives it.
        await using var connection = PacketSecConnection.Open(channel);
        await using var stream = await connection.OpenStreamAsync(stop);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(question), stop);
        stream.CompleteWrites(); // The other direction stays open.

        using var reader = new StreamReader(stream, Encoding.UTF8);
        return await reader.ReadToEndAsync(stop);
    }

    // </example>
    // <example:answer>
    public static async Task AnswerAsync(PacketSecChannel channel, CancellationToken stop)
    {
        await using var connection = PacketSecConnection.Open(channel);
        await foreach (var stream in connection.AcceptAllStreamsAsync(stop))
        {
            await stream.Input.CopyToAsync(stream.Output, stop); // Echo: pipes over the stream's own buffers.
            await stream.Output.CompleteAsync();
        }
    }

    // </example>
}
