using PacketSec.Fuzz.Engine;
using PacketSec.Protocol.Wire;

namespace PacketSec.Fuzz.Targets;

/// <summary>
/// Two negotiators and the path between them, driven by a list of operations: dials, times, losses, copies, edits and forgeries of frames, and all
/// that the machines of the peers may say, at any time and in any order.
/// </summary>
internal sealed class NegotiatorTarget : FuzzTarget
{
    private const int MaxSteps = 200;
    private const int MaxInFlight = 16;

    public override string Name => "negotiator";

    public override string Property => "no sequence of frames, times and reports breaks a bound, and a frame that is dropped changes nothing";

    public override int MaxInputSize => 600;

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        [0x00, 0x03], [0x10, 0x03], [0x02, 0x00, 0x12, 0x00], [0x04, 0x00, 0x14, 0x00], [0x05, 0xff], [0x08, 0x00], [0x18, 0x00], [0x06, 0x03, 0x02, 0x10, 0x61],
        [0x06, 0x0f, 0x00, 0x10], [0x07, 0x00], [0x0b, 0x00], [0x0c, 0x00],
    ];

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        // Of the first byte each bit is a property of the two, which stays.
        var setting = input.IsEmpty ? 0 : input[0];
        NegotiatorSide[] sides =
        [
            new("00020507", "002408011220", setting, trace),
            new((setting & 1) == 0 ? "000107" : "00020508", "12201c1d", setting >> 4, trace),
        ];
        var at = 1;
        for (var step = 0; step < MaxSteps && at < input.Length; step++)
        {
            // The low half of the first byte is what, the next bit is who; one byte says more, and frames by hand take what they need.
            var operation = input[at++];
            var (side, other) = (sides[(operation >> 4) & 1], sides[1 - ((operation >> 4) & 1)]);
            var more = at < input.Length ? input[at++] : (byte)0;
            Step(operation & 0x0f, more, side, other, input, ref at);
            side.Check();
            other.Check();
            trace.Reach(1, ((operation & 0x0f) << 8) | side.Shape);
            if (side.InFlight.Count > MaxInFlight)
            {
                side.InFlight.RemoveRange(0, side.InFlight.Count - MaxInFlight);
            }
        }
    }

    private static void Step(int operation, byte more, NegotiatorSide side, NegotiatorSide other, ReadOnlySpan<byte> input, ref int at)
    {
        switch (operation)
        {
            case 0:
                side.Propose(more);
                break;
            case 1:
                side.Machine.Withdraw();
                break;
            case 2 or 3 when other.InFlight.Count > 0:
                // Delivered; an odd operation leaves a copy on the way.
                var index = more % other.InFlight.Count;
                var frame = other.InFlight[index];
                if (operation == 2)
                {
                    other.InFlight.RemoveAt(index);
                }

                side.Receive(frame);
                break;
            case 4:
                side.TakeReport(more);
                break;
            case 5:
                // Up to 2.5 s; both clocks go on.
                side.Advance(more * 10);
                other.Advance(more * 10);
                break;
            case 6:
                side.Receive(MakeFrame(more, input, ref at));
                break;
            case 7:
                side.Progress(more);
                break;
            case 8:
                side.WinAsInitiator(more);
                break;
            case 9:
                side.WinAsResponder(more);
                break;
            case 10:
                side.Machine.ForgetWon();
                break;
            case 11:
                side.Receive(PsecFrame.Reject.ToArray());
                break;
            case 12:
                side.Receive(NegotiatorSide.Accept(((char)('a' + (more % 4))).ToString()));
                break;
            case 13:
                side.Receive(NegotiatorSide.Accept(PsecFrame.RetryPrefix + new string('r', more)));
                break;
            case 14 when other.InFlight.Count > 0:
                // An edit on the way, of one byte that comes next.
                byte[] edited = [.. other.InFlight[^1]];
                edited[more % edited.Length] ^= at < input.Length ? input[at++] : (byte)1;
                side.Receive(edited);
                break;
            case 15:
                side.UseCopy();
                break;
        }
    }

    // A proposal by hand: whose, which attempt, and schemes a to d; with more bytes they are the frame as it is.
    private static byte[] MakeFrame(byte more, ReadOnlySpan<byte> input, ref int at)
    {
        if ((more & 0x80) != 0)
        {
            var length = Math.Min(more & 0x7f, input.Length - at);
            var raw = input.Slice(at, length).ToArray();
            at += length;
            return raw;
        }

        string[] ids = ["000107", "00020509", "12201c1d9057b4fbf625f0f198293ff01d59c6100003c48e77c1cecf386afee2bf81", "00020507"];
        var attempt = at < input.Length ? input[at++] : (byte)0;
        var schemes = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            if ((more >> i & 1) != 0)
            {
                schemes.Add(((char)('a' + ((i + attempt) % 4))).ToString());
            }
        }

        return ProposalFrame.Encode(Convert.FromHexString(ids[more >> 4 & 3]), [.. schemes, PsecFrame.AttemptPrefix + (attempt % 16), PsecFrame.Retry]);
    }
}
