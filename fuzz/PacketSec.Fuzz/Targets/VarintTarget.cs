using PacketSec.Fuzz.Engine;
using PacketSec.Protocol.Wire;

namespace PacketSec.Fuzz.Targets;

/// <summary>Both kinds of varints, and the bytes they delimit.</summary>
internal sealed class VarintTarget : FuzzTarget
{
    public override string Name => "varint";

    public override string Property => "a strict varint is rewritten byte for byte, and is the same number to a lenient reader";

    public override int MaxInputSize => 64;

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        var isLenient = Varint.TryReadLenient(input, out var lenient, out var lenientLength);
        trace.Reach(1, isLenient ? lenientLength : 0);
        Require(!isLenient || lenientLength <= Math.Min(input.Length, Varint.MaxLenientLength), "a varint is within its bounds");
        if (Varint.TryReadStrict(input, out var strict, out var length))
        {
            trace.Reach(2, length);
            Span<byte> written = stackalloc byte[Varint.MaxLenientLength];
            Require(Varint.Write(written, strict) == length && Varint.Length(strict) == length, "a strict varint has its shortest length");
            Require(written[..length].SequenceEqual(input[..length]), "a strict varint is rewritten byte for byte");
            Require(isLenient && lenient == strict && lenientLength == length, "a lenient reader takes what a strict one takes");
        }

        CheckDelimited(input, trace);
    }

    private static void CheckDelimited(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        var reader = new WireReader(input);
        var copy = reader;
        if (!reader.TryReadDelimited(out var bytes))
        {
            Require(reader.Remaining == input.Length, "a read that fails moves nothing");
            return;
        }

        trace.Reach(3, FuzzTrace.Magnitude(bytes.Length));
        var written = new byte[input.Length - reader.Remaining];
        var writer = new WireWriter(written);
        writer.WriteDelimited(bytes);
        Require(writer.Room == 0 && written.AsSpan().SequenceEqual(input[..written.Length]), "delimited bytes are rewritten byte for byte");
        Require(copy.TryReadLenientDelimited(out var same) && same.SequenceEqual(bytes), "a lenient reader takes what a strict one takes");
    }
}
