using PacketSec.Tests.Api;

namespace PacketSec.Tests.Streams;

/// <summary>Two connected sides over loopback.</summary>
internal sealed class ConnectionPair : IAsyncDisposable
{
    private readonly EndpointPair _endpoints;

    private ConnectionPair(EndpointPair endpoints, PacketSecConnection dialled, PacketSecConnection accepted)
        => (_endpoints, Dialled, Accepted) = (endpoints, dialled, accepted);

    public PacketSecConnection Dialled { get; }

    public PacketSecConnection Accepted { get; set; }

    public EndpointPair Endpoints => _endpoints;

    public static async Task<ConnectionPair> OpenAsync(
        PacketSecConnectionOptions? dialler = null,
        PacketSecConnectionOptions? listener = null,
        Func<PacketSecEndpointOptions, PacketSecEndpointOptions>? endpoints = null)
    {
        PacketSecEndpointOptions Quick(PacketSecEndpointOptions options) => (endpoints?.Invoke(options) ?? options) with { ClosesAtOnce = true };
        var pair = EndpointPair.Bind(Quick, Quick);
        var (dialled, accepted) = await pair.OpenAsync();
        return new(pair, PacketSecConnection.Open(dialled, dialler), PacketSecConnection.Open(accepted, listener));
    }

    /// <summary>Opens a stream and accepts it; its first byte has been read.</summary>
    public async Task<(PacketSecStream Opened, PacketSecStream Accepted)> OpenStreamAsync()
    {
        using var ceiling = EndpointPair.Ceiling();
        var opened = await Dialled.OpenStreamAsync(ceiling.Token);
        await opened.WriteAsync(new byte[] { 1 }, ceiling.Token);
        var accepted = await Accepted.AcceptStreamAsync(ceiling.Token);
        await accepted.ReadExactlyAsync(new byte[1], ceiling.Token);
        return (opened, accepted);
    }

    public async ValueTask DisposeAsync()
    {
        await Dialled.DisposeAsync();
        await Accepted.DisposeAsync();
        await _endpoints.DisposeAsync();
    }
}

internal static class StreamExtensions
{
    /// <summary>Reads to the end, or fails at the ceiling.</summary>
    public static async Task<byte[]> ReadAllAsync(this PacketSecStream stream)
    {
        using var ceiling = EndpointPair.Ceiling();
        using var all = new MemoryStream();
        await stream.CopyToAsync(all, ceiling.Token);
        return all.ToArray();
    }

    public static async Task<T> ThrowsAsync<T>(this ValueTask<int> call)
        where T : Exception
        => await Assert.ThrowsAnyAsync<T>(() => call.AsTask().WithinCeiling());

    public static async Task<PacketSecConnectionException> FailsAsync(this Task call)
        => await Assert.ThrowsAsync<PacketSecConnectionException>(() => call.WithinCeiling());

    public static byte[] Pattern(int length, int seed = 1)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
