using System.Buffers;
using PacketSec.Fuzz.Engine;
using PacketSec.Libp2p.Negotiation;
using PacketSec.Protocol.Wire;

namespace PacketSec.Fuzz.Targets;

/// <summary>Messages of multistream-select: a stream's bytes are cut into messages, and these are read as lines.</summary>
internal sealed class MultistreamTarget : FuzzTarget
{
    public override string Name => "multistream";

    public override string Property => "messages are taken the same from whole and from divided bytes, and are written as they were read";

    public override int MaxInputSize => 2 * MultistreamSelect.MaxMessageSize;

    public override IReadOnlyList<byte[]> Dictionary { get; } =
        ["\u0013/multistream/1.0.0\n"u8.ToArray(), "\u0003na\n"u8.ToArray(), "\u0003ls\n"u8.ToArray(), [0x80, 0x08], [0x81, 0x08], "\n"u8.ToArray()];

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        var bytes = input.ToArray();
        var whole = new ReadOnlySequence<byte>(bytes);
        var divided = Divide(bytes);
        for (var count = 1; ; count++)
        {
            var before = whole.Length;
            var status = DelimitedMessage.TryTake(ref whole, MultistreamSelect.MaxMessageSize, out var message);
            Require(status == DelimitedMessage.TryTake(ref divided, MultistreamSelect.MaxMessageSize, out var same), "how bytes are divided changes nothing");
            Require(whole.Length == divided.Length && message.ToArray().AsSpan().SequenceEqual(same.ToArray()), "both take the same message");
            trace.Reach(1, (int)status);
            if (status != MessageStatus.Complete)
            {
                Require(whole.Length == before, "what is not complete moves nothing");
                return;
            }

            trace.Reach(2, count);
            Check(message.ToArray(), before - whole.Length, trace);
        }
    }

    private static void Check(byte[] message, long taken, FuzzTrace trace)
    {
        Require(message.Length <= MultistreamSelect.MaxMessageSize, "no message is above the bound");
        var written = new ArrayBufferWriter<byte>();
        DelimitedMessage.Write(written, message);
        Require(written.WrittenCount == taken && written.WrittenCount == Varint.Length((ulong)message.Length) + message.Length, "a length has one form");
        if (MultistreamSelect.TryReadLine(message, out var line))
        {
            trace.Reach(3, line.Length);
            Require(System.Text.Encoding.UTF8.GetBytes(line + "\n").AsSpan().SequenceEqual(message), "a line is written as it was read");
        }
    }

    private static ReadOnlySequence<byte> Divide(byte[] bytes)
    {
        if (bytes.Length < 2)
        {
            return new(bytes);
        }

        var first = new Segment(bytes.AsMemory(0, 1), null);
        var last = first;
        for (var at = 1; at < bytes.Length; at += 3)
        {
            last = new Segment(bytes.AsMemory(at, Math.Min(3, bytes.Length - at)), last);
        }

        return new(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? former)
        {
            Memory = memory;
            if (former is not null)
            {
                RunningIndex = former.RunningIndex + former.Memory.Length;
                former.Next = this;
            }
        }
    }
}
