using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;

namespace PacketSec.Core.Tests.Negotiation;

/// <summary>One negotiator with a clock and frames from other peers. Every drop, in whatever test, is shown to change nothing.</summary>
internal sealed class NegotiatorFixture
{
    // In the order of their numbers: the shortest IDs are smaller than longer ones, whatever their bytes.
    public const string LowId = "000107";
    public const string SelfId = "00020507";
    public const string HighId = "12201c1d9057b4fbf625f0f198293ff01d59c6100003c48e77c1cecf386afee2bf81";
    public const string DialledId = "0024080112208174099687a26621f4e2cdd7cc03b3dacedb3fb962255b1aafd033cabe831530";

    public static readonly PathAddress Path = new(new(1, 1), new(2, 2));
    public static readonly PeerId Dialled = Peer(DialledId);
    public static readonly TimeSpan Nanosecond100 = new(1);

    /// <summary>An agreement that no proposal led to.</summary>
    public static readonly Agreement Unknown = Agreement.Standard(CryptoProvider.Default, [1], "a", null);

    private readonly NegotiatorContext _context;

    public NegotiatorFixture(string self = SelfId, string[]? served = null, bool hides = false, int longest = ImplementationLimits.DatagramSize)
    {
        Random = new();
        _context = new()
        {
            Crypto = CryptoProvider.Default,
            Random = Random,
            Self = Peer(self),
            Served = served ?? ["a", "b", "c"],
            Hides = hides,
        };
        Machine = new(_context, longest);
    }

    public Negotiator Machine { get; }

    public ScriptedSource Random { get; }

    public Instant Now { get; set; } = new(1_000_000_000_000);

    public OwnProposal Own => Machine.Own ?? throw new InvalidOperationException("There is no own proposal.");

    public static PeerId Peer(string id) => PeerId.TryRead(Convert.FromHexString(id), out var peer) ? peer : throw new ArgumentException(id);

    /// <summary>A proposal of another peer; its attempt string is the name.</summary>
    public static byte[] Proposal(string id, string name, params string[] schemes)
        => ProposalFrame.Encode(Convert.FromHexString(id), [.. schemes, PsecFrame.AttemptPrefix + name, PsecFrame.Retry]);

    public static byte[] Accept(string text)
    {
        var frame = new AcceptFrame(PsecFrame.ToBytes(text));
        var bytes = new byte[frame.EncodedLength];
        WireMessage.Write(frame, bytes);
        return bytes;
    }

    /// <summary>The string of a retry for the own proposal: its name, and after it whatever the other side likes.</summary>
    public string Retry(string cookie) => PsecFrame.RetryPrefix + Base64Url.EncodeToString(SHA256.HashData(Own.NormalForm).AsSpan(0, 9)) + cookie;

    public static string[] Strings(byte[] proposal)
    {
        Assert.True(WireMessage.TryRead<ProposalFrame>(proposal, out var frame));
        var strings = new List<string>();
        foreach (var text in frame)
        {
            strings.Add(Encoding.UTF8.GetString(text));
        }

        return [.. strings];
    }

    public static byte[] FirstPacketIn(byte[] proposal)
        => WireMessage.TryRead<ProposalFrame>(proposal, out var frame) ? frame.FirstPacket.ToArray() : throw new ArgumentException("no proposal");

    /// <summary>Begins an attempt without a first packet; returns the proposal if it goes out at once.</summary>
    public byte[]? Propose(params string[] schemes)
    {
        Propose(new ProposalOptions { Schemes = schemes, EmbedFirstPacket = false });
        return Frames().SingleOrDefault();
    }

    public void Propose(ProposalOptions options, TimeSpan? within = null)
        => Machine.Propose(Now, Path, Dialled, options, Now + (within ?? TimeSpan.FromSeconds(10)));

    /// <summary>Begins an attempt that asks for its first packet, and makes one; returns the proposal.</summary>
    public byte[] ProposeWith(byte[] firstPacket, params string[] schemes)
    {
        Propose(new ProposalOptions { Schemes = schemes });
        var begin = Assert.IsType<NegotiationReport.Begin>(Assert.Single(Reports()));
        Assert.True(begin.Embed);
        Machine.TakeFirstPacket(Now, begin.Agreement, firstPacket);
        return Assert.Single(Frames());
    }

    public ReceivedProposal Look(byte[] proposal)
    {
        var before = Digest();
        Assert.True(WireMessage.TryRead<ProposalFrame>(proposal, out var frame));
        var looked = Machine.Look(frame);
        Assert.Equal(before, Digest());
        return looked;
    }

    public DropReason Receive(byte[] frame) => Receive(frame, out _);

    public DropReason Receive(byte[] frame, out byte[] answer)
    {
        Assert.True(PsecFrame.IsFrame(frame));
        var (digest, output) = (Digest(), Pending());
        answer = [];
        var reason = (PsecFrameType)frame[0] switch
        {
            PsecFrameType.Proposal => Machine.Take(Now, Look(frame), out answer),
            PsecFrameType.Accept when WireMessage.TryRead<AcceptFrame>(frame, out var accept) => Machine.HandleAccept(Now, accept),
            _ => Machine.HandleReject(Now),
        };
        if (reason != DropReason.None)
        {
            Assert.Equal(digest, Digest());
            Assert.Equal(output, Pending());
        }

        return reason;
    }

    /// <summary>Receives a proposal that is taken, and returns its record, which is the newest.</summary>
    public RemoteProposal Take(byte[] proposal)
    {
        Assert.Equal(DropReason.None, Receive(proposal));
        return Machine.Remotes[^1];
    }

    /// <summary>A first packet comes for a proposal.</summary>
    public RemoteProposal Serve(byte[] proposal)
    {
        var remote = Take(proposal);
        Machine.OnProgress(Now, remote);
        return remote;
    }

    public List<byte[]> Frames()
    {
        var frames = new List<byte[]>();
        while (Machine.TryPollFrame(out var frame))
        {
            Assert.True(WireMessage.TryRead<ProposalFrame>(frame, out _));
            frames.Add(frame);
        }

        return frames;
    }

    public List<NegotiationReport> Reports()
    {
        var reports = new List<NegotiationReport>();
        while (Machine.TryPollReport(out var report))
        {
            reports.Add(report);
        }

        return reports;
    }

    /// <summary>The agreement of the one handshake that is to begin.</summary>
    public Agreement Begun() => Assert.IsType<NegotiationReport.Begin>(Assert.Single(Reports())).Agreement;

    /// <summary>The outcome of the attempt, which is the one thing to report.</summary>
    public NegotiationOutcome Outcome() => Assert.IsType<NegotiationReport.Over>(Assert.Single(Reports())).Outcome;

    /// <summary>Moves the clock, doing what becomes due on the way; returns when proposals were sent, from here on, and which.</summary>
    public List<(TimeSpan At, byte[] Frame)> Advance(TimeSpan by)
    {
        var (start, end) = (Now, Now + by);
        var sent = new List<(TimeSpan, byte[])>();
        while (Machine.NextDeadline is { } due && due <= end)
        {
            Assert.True(due >= Now, "what is due was not done");
            Now = due;
            Machine.HandleTimeout(Now);
            Assert.True(Machine.NextDeadline is not { } next || next > Now, "what is due was done");
            sent.AddRange(Frames().Select(frame => (Now - start, frame)));
        }

        Now = end;
        return sent;
    }

    public byte[] Digest() => Digest(Machine);

    public static byte[] Digest(Negotiator machine)
    {
        var digest = new StateDigestBuilder();
        machine.AddTo(digest);
        return digest.ToDigest(CryptoProvider.Default);
    }

    // What waits to be polled is no state; a copy tells how much it is.
    private (int Frames, int Reports) Pending()
    {
        var copy = Machine.Clone();
        var (frames, reports) = (0, 0);
        for (; copy.TryPollFrame(out _); frames++)
        {
        }

        for (; copy.TryPollReport(out _); reports++)
        {
        }

        return (frames, reports);
    }

    /// <summary>Randomness that repeats, with a lengthening of timers that the test chooses.</summary>
    internal sealed class ScriptedSource : IRandomSource
    {
        private const int JitterSize = 4;
        private uint _next = 1;

        /// <summary>Gets or sets which part of the longest lengthening each timer gets: 0 for none, <see cref="uint.MaxValue"/> for all.</summary>
        public uint Jitter { get; set; }

        public void Fill(Span<byte> destination)
        {
            if (destination.Length == JitterSize)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(destination, Jitter);
                return;
            }

            foreach (ref var value in destination)
            {
                _next = unchecked((_next * 1664525) + 1013904223);
                value = (byte)(_next >> 24);
            }
        }
    }
}
