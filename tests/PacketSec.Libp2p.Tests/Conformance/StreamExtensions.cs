using System.Buffers;
using PacketSec.Libp2p.Transports;

namespace PacketSec.Libp2p.Tests.Conformance;

internal static class StreamExtensions
{
    public static async Task WriteAsync(this IStream stream, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        => await stream.Output.WriteAsync(bytes, cancellationToken);

    public static async Task<byte[]> ReadExactlyAsync(this IStream stream, int count, CancellationToken cancellationToken)
    {
        var result = await stream.Input.ReadAtLeastAsync(count, cancellationToken);
        Assert.True(result.Buffer.Length >= count, $"the stream ended after {result.Buffer.Length} of {count} bytes");
        var bytes = result.Buffer.Slice(0, count).ToArray();
        stream.Input.AdvanceTo(result.Buffer.GetPosition(count));
        return bytes;
    }

    public static async Task<byte[]> ReadToEndAsync(this IStream stream, CancellationToken cancellationToken)
    {
        var bytes = new ArrayBufferWriter<byte>();
        while (true)
        {
            var result = await stream.Input.ReadAsync(cancellationToken);
            foreach (var segment in result.Buffer)
            {
                bytes.Write(segment.Span);
            }

            stream.Input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return bytes.WrittenSpan.ToArray();
            }
        }
    }

    /// <summary>Sends back all that comes, then ends.</summary>
    public static async Task EchoAsync(this IStream stream, CancellationToken cancellationToken)
    {
        await using (stream)
        {
            await stream.WriteAsync(await stream.ReadToEndAsync(cancellationToken), cancellationToken);
            stream.CompleteWrites();
        }
    }
}
