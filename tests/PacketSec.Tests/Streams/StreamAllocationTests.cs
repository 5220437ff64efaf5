using PacketSec.Tests.Api;

namespace PacketSec.Tests.Streams;

/// <summary>A stream costs no garbage once its buffers have their size.</summary>
[Collection(SocketsCollection.Name)]
public sealed class StreamAllocationTests
{
    private const int Buffer = 1024 * 1024;
    private const int WarmUp = 16 * 1024 * 1024;
    private const int Counted = 192 * 1024 * 1024;

    // Lent buffers of both endpoints, which are made when threads first need them at once.
    private const int Contexts = 1024 * 1024;

    private static readonly byte[] Chunk = new byte[256 * 1024];
    private static readonly byte[] Target = new byte[256 * 1024];

    [Fact]
    public async Task A_packet_allocates_nothing_on_either_side()
    {
        var options = new PacketSecConnectionOptions
        {
            StreamWindow = Buffer,
            MaxStreamWindow = Buffer,
            ConnectionWindow = 2 * Buffer,
            MaxConnectionWindow = 2 * Buffer,
            SendBuffer = Buffer,
            MaxUdpPayload = 1200,
        };
        await using var pair = await ConnectionPair.OpenAsync(options, options);
        var (opened, accepted) = await pair.OpenStreamAsync();
        using var ceiling = EndpointPair.Ceiling();

        // While nobody reads, the buffers of both sides get their largest size.
        var warmUp = WriteAsync(opened, WarmUp, ceiling.Token);
        await Until.TrueAsync(() => pair.Accepted.GetStatistics().StreamBytesReceived >= Buffer);
        await ReadAsync(accepted, WarmUp, ceiling.Token);
        await warmUp;
        await MoveAsync(opened, accepted, WarmUp, ceiling.Token);
        var packets = pair.Dialled.GetStatistics().PacketsSent;
        var before = GC.GetTotalAllocatedBytes(precise: true);
        await MoveAsync(opened, accepted, Counted, ceiling.Token);
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        packets = pair.Dialled.GetStatistics().PacketsSent - packets;

        // A call of the application has a state machine of its own where nothing is optimised; there are fewer calls than packets.
        Assert.True(packets >= Counted / 1200, $"{packets} packets");
        Assert.InRange(allocated, 0, Contexts + (packets * 8));
    }

    private static async Task MoveAsync(PacketSecStream from, PacketSecStream to, int bytes, CancellationToken cancellationToken)
    {
        var writing = WriteAsync(from, bytes, cancellationToken);
        await ReadAsync(to, bytes, cancellationToken);
        await writing;
    }

    private static Task WriteAsync(PacketSecStream stream, int bytes, CancellationToken cancellationToken) => Task.Run(
        async () =>
        {
            for (var left = bytes; left > 0; left -= Chunk.Length)
            {
                await stream.WriteAsync(Chunk, cancellationToken);
            }
        },
        cancellationToken);

    private static async Task ReadAsync(PacketSecStream stream, int bytes, CancellationToken cancellationToken)
    {
        while (bytes > 0)
        {
            bytes -= await stream.ReadAsync(Target.AsMemory(0, Math.Min(bytes, Target.Length)), cancellationToken);
        }
    }
}
