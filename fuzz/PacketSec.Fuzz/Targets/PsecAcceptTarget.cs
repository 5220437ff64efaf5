using PacketSec.Fuzz.Engine;
using PacketSec.Protocol.Wire;

namespace PacketSec.Fuzz.Targets;

/// <summary>Accepts of PSEC, and which bytes are a frame at all.</summary>
internal sealed class PsecAcceptTarget : FuzzTarget
{
    public override string Name => "psec-accept";

    public override string Property => "an accept is rewritten byte for byte, and no part of it is one";

    public override int MaxInputSize => 300;

    public override IReadOnlyList<byte[]> Dictionary { get; } =
        [[0x01], [0xff], [0x80, 0x01], "\u0007p2pke-1"u8.ToArray(), "psec-retry-1:"u8.ToArray(), [0xc3, 0xa9], [0xed, 0xa0, 0x80], [0xc0, 0x80]];

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        var isAccept = WireMessage.TryRead<AcceptFrame>(input, out var frame);
        var isFrame = PsecFrame.IsFrame(input);
        trace.Reach(1, (isAccept ? 2 : 0) + (isFrame ? 1 : 0));
        Require(isFrame || !isAccept, "an accept is a frame");
        if (!isAccept)
        {
            return;
        }

        trace.Reach(2, FuzzTrace.Magnitude(frame.Scheme.Length));
        trace.Reach(3, (PsecFrame.IsScheme(frame.Scheme) ? 1 : 0) + (PsecFrame.IsRetry(frame.Scheme) ? 2 : 0));
        Require(PsecFrame.IsString(frame.Scheme), "the string is one");
        Require(!WireMessage.TryRead<ProposalFrame>(input, out _), "an accept is no proposal");
        var written = new byte[frame.EncodedLength];
        Require(WireMessage.Write(frame, written) == written.Length && input.SequenceEqual(written), "an accept is rewritten byte for byte");
        Require(
            input.SequenceEqual([input[0], .. input[1..^frame.Scheme.Length], .. PsecFrame.ToBytes(System.Text.Encoding.UTF8.GetString(frame.Scheme))]),
            "the string is one text");
        Require(!WireMessage.TryRead<AcceptFrame>(input[..^1], out _), "an accept that is cut is none");
        Require(!WireMessage.TryRead<AcceptFrame>([.. input, 0], out _), "an accept with a byte behind it is none");
    }
}
