using System.Net;

namespace PacketSec.Tests.Api;

/// <summary>Two endpoints on this machine's loopback, and what tests of both need.</summary>
internal sealed class EndpointPair : IAsyncDisposable
{
    private readonly PacketSecIdentity _dialIdentity = PacketSecIdentity.Generate();
    private readonly PacketSecIdentity _listenIdentity = PacketSecIdentity.Generate();

    private EndpointPair(
        Func<PacketSecEndpointOptions, PacketSecEndpointOptions>? dialler, Func<PacketSecEndpointOptions, PacketSecEndpointOptions>? listener)
    {
        var dial = new PacketSecEndpointOptions { Identity = _dialIdentity, LocalEndPoint = new(IPAddress.Loopback, 0) };
        var listen = new PacketSecEndpointOptions { Identity = _listenIdentity, LocalEndPoint = new(IPAddress.Loopback, 0) };
        ListenerOptions = listener?.Invoke(listen) ?? listen;
        Dialler = PacketSecEndpoint.Bind(dialler?.Invoke(dial) ?? dial);
        Listener = PacketSecEndpoint.Bind(ListenerOptions);
    }

    public PacketSecEndpointOptions ListenerOptions { get; }

    public PacketSecEndpoint Dialler { get; }

    public PacketSecEndpoint Listener { get; set; }

    public static EndpointPair Bind(
        Func<PacketSecEndpointOptions, PacketSecEndpointOptions>? dialler = null, Func<PacketSecEndpointOptions, PacketSecEndpointOptions>? listener = null)
        => new(dialler, listener);

    /// <summary>Opens a channel and accepts it.</summary>
    public async Task<(PacketSecChannel Dialled, PacketSecChannel Accepted)> OpenAsync(IPEndPoint? remote = null)
    {
        using var ceiling = Ceiling();
        var dialled = Dialler.ConnectAsync(remote ?? Listener.LocalEndPoint, Listener.PeerId, ceiling.Token);
        var accepted = await Listener.AcceptAsync(ceiling.Token);
        return (await dialled, accepted);
    }

    /// <summary>A token that ends a wait which has failed.</summary>
    public static CancellationTokenSource Ceiling() => new(SocketsCollection.CeilingMilliseconds);

    /// <summary>Ends both without a word, at once: a close takes two tenths of a second, and has tests of its own.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Dialler.AbortAsync(), Listener.AbortAsync());
        _dialIdentity.Dispose();
        _listenIdentity.Dispose();
    }
}

internal static class ChannelExtensions
{
    /// <summary>Receives one datagram, or fails at the ceiling.</summary>
    public static async Task<byte[]> ReceiveOneAsync(this PacketSecChannel channel)
    {
        using var ceiling = EndpointPair.Ceiling();
        var buffer = new byte[65_535];
        return buffer[..await channel.ReceiveAsync(buffer, ceiling.Token)];
    }

    /// <summary>Waits for the first event of a kind.</summary>
    public static async Task<T> EventAsync<T>(this PacketSecChannel channel)
        where T : PacketSecChannelEvent
    {
        using var ceiling = EndpointPair.Ceiling();
        await foreach (var channelEvent in channel.ReadEventsAsync(ceiling.Token))
        {
            if (channelEvent is T wanted)
            {
                return wanted;
            }
        }

        throw new InvalidOperationException($"The channel ended without {typeof(T).Name}.");
    }

    public static Task<T> WithinCeiling<T>(this Task<T> task) => task.WaitAsync(TimeSpan.FromMilliseconds(SocketsCollection.CeilingMilliseconds));

    public static Task WithinCeiling(this Task task) => task.WaitAsync(TimeSpan.FromMilliseconds(SocketsCollection.CeilingMilliseconds));
}
