using System.Buffers;
using System.IO.Pipelines;
using PacketSec.Protocol.Wire;

namespace PacketSec.Libp2p.Negotiation;

/// <summary>What came of looking for a message.</summary>
internal enum MessageStatus
{
    /// <summary>It is there.</summary>
    Complete,

    /// <summary>More bytes are needed.</summary>
    Incomplete,

    /// <summary>The stream ended before its first byte.</summary>
    Ended,

    /// <summary>Its length is no varint, or above the bound; or the stream ended inside it.</summary>
    Malformed,
}

/// <summary>Messages with their length before them, as a minimal varint.</summary>
internal static class DelimitedMessage
{
    /// <summary>Takes a message from the front of bytes.</summary>
    /// <param name="bytes">What came; moves behind the message.</param>
    /// <param name="maxSize">The longest message.</param>
    /// <param name="message">A view of the message.</param>
    public static MessageStatus TryTake(ref ReadOnlySequence<byte> bytes, int maxSize, out ReadOnlySequence<byte> message)
    {
        message = default;
        Span<byte> prefix = stackalloc byte[Varint.MaxStrictLength];
        var available = (int)Math.Min(prefix.Length, bytes.Length);
        bytes.Slice(0, available).CopyTo(prefix);
        if (!Varint.TryReadStrict(prefix[..available], out var size, out var length))
        {
            return prefix[..available].IndexOfAnyInRange((byte)0, (byte)0x7f) < 0 && available < prefix.Length && !Exceeds(prefix[..available], maxSize)
                ? MessageStatus.Incomplete
                : MessageStatus.Malformed;
        }

        if (size > (ulong)maxSize)
        {
            return MessageStatus.Malformed;
        }

        if (bytes.Length - length < (long)size)
        {
            return MessageStatus.Incomplete;
        }

        message = bytes.Slice(length, (long)size);
        bytes = bytes.Slice(message.End);
        return MessageStatus.Complete;
    }

    /// <summary>Waits for a message, and takes it from the reader.</summary>
    /// <param name="reader">The reader; what follows the message stays in it.</param>
    /// <param name="maxSize">The longest message.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The message, empty unless it is complete.</returns>
    public static async ValueTask<(MessageStatus Status, byte[] Message)> ReadAsync(PipeReader reader, int maxSize, CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            var rest = result.Buffer;
            var status = TryTake(ref rest, maxSize, out var message);
            if (status == MessageStatus.Complete)
            {
                var bytes = message.ToArray();
                reader.AdvanceTo(rest.Start);
                return (status, bytes);
            }

            var isEmpty = rest.IsEmpty;
            reader.AdvanceTo(rest.Start, rest.End);
            if (status == MessageStatus.Malformed || result.IsCompleted)
            {
                return (isEmpty ? MessageStatus.Ended : MessageStatus.Malformed, []);
            }
        }
    }

    /// <summary>Writes a message; the caller flushes.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="message">The message.</param>
    public static void Write(IBufferWriter<byte> writer, ReadOnlySpan<byte> message)
    {
        var head = writer.GetSpan(Varint.MaxLenientLength);
        writer.Advance(Varint.Write(head, (ulong)message.Length));
        writer.Write(message);
    }

    // The bits that came already name a length above the bound, whatever follows.
    private static bool Exceeds(ReadOnlySpan<byte> prefix, int maxSize) => prefix.Length >= Varint.Length((ulong)maxSize);
}
