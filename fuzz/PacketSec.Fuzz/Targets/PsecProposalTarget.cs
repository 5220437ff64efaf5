using PacketSec.Crypto;
using PacketSec.Fuzz.Engine;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;

namespace PacketSec.Fuzz.Targets;

/// <summary>Proposals of PSEC, their normal forms, and what is read from their strings.</summary>
internal sealed class PsecProposalTarget : FuzzTarget
{
    private const string Self = "00020507";

    private static readonly NegotiatorContext Context = new()
    {
        Crypto = CryptoProvider.Default,
        Random = new FuzzRandom(1),
        Self = PeerId.TryRead(Convert.FromHexString(Self), out var self) ? self : throw new InvalidOperationException(),
        Served = ["a", "p2pke-1"],
    };

    public override string Name => "psec-proposal";

    public override string Property => "a proposal is rewritten byte for byte, and its normal form is that of all its copies";

    public override int MaxInputSize => 2300;

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        [0x00, 0x03, 0x00, 0x01, 0x07, 0x01], [0x26, 0x00, 0x24, 0x08, 0x01, 0x12, 0x20], [0x22, 0x12, 0x20], [0x80, 0x01], "\u0007p2pke-1"u8.ToArray(),
        "\u000cpsec-retry-1"u8.ToArray(), "\u000fpsec-retry-1:ab"u8.ToArray(), "\u0025psec-attempt-1:AAECAwQFBgcICQoLDA0ODw"u8.ToArray(),
    ];

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        var isProposal = WireMessage.TryRead<ProposalFrame>(input, out var frame);
        if (!input.IsEmpty && input[0] == (byte)PsecFrameType.Proposal)
        {
            Require(PsecFrame.IsFrame(input) == isProposal, "a frame that begins as a proposal is one");
        }

        if (!isProposal)
        {
            return;
        }

        Require(PsecFrame.LooksLikeProposal(input), "a proposal looks like one");
        Require(PeerId.TryRead(frame.PeerId, out _), "a proposal has a peer ID");
        var strings = new List<string>();
        var kept = new List<string>();
        var schemes = 0;
        foreach (var text in frame)
        {
            Require(PsecFrame.IsString(text), "a string is one");
            Require(!(PsecFrame.IsScheme(text) && PsecFrame.IsRetry(text)), "a scheme's name belongs to no retry");
            strings.Add(System.Text.Encoding.UTF8.GetString(text));
            schemes += PsecFrame.IsScheme(text) ? 1 : 0;
            if (!PsecFrame.IsRetry(text))
            {
                kept.Add(strings[^1]);
            }
        }

        trace.Reach(1, FuzzTrace.Magnitude(strings.Count));
        trace.Reach(2, FuzzTrace.Magnitude(frame.FirstPacket.Length));
        trace.Reach(3, FuzzTrace.Magnitude(strings.Count - kept.Count) + (8 * Math.Min(schemes, 4)));
        Require(strings.Count == frame.Count, "a proposal has as many strings as it says");
        var written = new byte[frame.EncodedLength];
        Require(WireMessage.Write(frame, written) == written.Length && input.SequenceEqual(written), "a proposal is rewritten byte for byte");
        Require(input.SequenceEqual(ProposalFrame.Encode(frame.PeerId, strings, frame.FirstPacket)), "a proposal is made of its fields");
        CheckNormalForm(frame, kept, trace);
        CheckLook(frame, schemes, trace);
    }

    private static void CheckNormalForm(in ProposalFrame frame, List<string> kept, FuzzTrace trace)
    {
        var normal = frame.ToNormalForm();
        var isRead = WireMessage.TryRead<ProposalFrame>(normal, out var again);
        Require(isRead == kept.Count > 0, "a normal form is a proposal if it has a string");
        if (isRead)
        {
            Require(normal.AsSpan().SequenceEqual(again.ToNormalForm()), "the normal form of a normal form is itself");
            Require(normal.AsSpan().SequenceEqual(ProposalFrame.Encode(frame.PeerId, kept)), "a normal form has what belongs to no retry");
        }

        trace.Reach(4, isRead ? 1 : 0);
        if (frame.Count < byte.MaxValue)
        {
            WireMessage.TryRead<ProposalFrame>(ProposalFrame.Encode(frame.PeerId, [.. kept, "psec-retry-1:x"], [1]), out var copy);
            Require(normal.AsSpan().SequenceEqual(copy.ToNormalForm()), "a copy with another cookie and first packet has the same normal form");
        }
    }

    private static void CheckLook(in ProposalFrame frame, int schemes, FuzzTrace trace)
    {
        var looked = new Negotiator(Context, longest: 1232).Look(frame);
        trace.Reach(5, ((int)looked.Kind * 4) + (looked.Scheme is null ? 0 : 1) + (looked.TakesRetry ? 2 : 0));
        if (looked.Kind != ProposalKind.Reflected)
        {
            Require(looked.Schemes.Count == schemes, "what is no scheme has no place in the list");
            Require(looked.Scheme is null || looked.Schemes.Contains(looked.Scheme), "what is chosen was proposed");
            Require(looked.TakesRetry || looked.Cookie.Length == 0, "who has a cookie takes a retry");
        }
    }
}
