using System.Buffers.Text;
using System.Text;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Negotiation;

/// <summary>One's own attempt at one address, and the proposal that it sends.</summary>
internal sealed class OwnProposal
{
    private const int AttemptSize = 16;
    private const int HiddenSize = 32;

    private readonly ProposalOptions _options;
    private string? _cookie;
    private byte[] _firstPacket = [];

    public OwnProposal(PathAddress path, PeerId peer, ProposalOptions options, Instant started, Instant deadline)
    {
        _options = options;
        Path = path;
        Peer = peer;
        Started = started;
        Deadline = deadline;
    }

    public PathAddress Path { get; }

    /// <summary>Gets the identity that is dialled.</summary>
    public PeerId Peer { get; }

    public Instant Started { get; }

    public Instant Deadline { get; }

    public OwnProposalState State { get; private set; } = OwnProposalState.Joining;

    /// <summary>Gets a value indicating whether the other side may know of it, so that what it proposes is simultaneous.</summary>
    public bool IsOutstanding => State is OwnProposalState.Preparing or OwnProposalState.Outstanding or OwnProposalState.Rejected;

    /// <summary>Gets a value indicating whether it was sent, so that it may have been answered.</summary>
    public bool IsSent => State is OwnProposalState.Outstanding or OwnProposalState.Rejected;

    public IReadOnlyList<string> Schemes => _options.Schemes;

    public bool Hidden => _options.HidePeerId;

    public bool EmbedsFirstPacket => _options.EmbedFirstPacket;

    /// <summary>Gets the ID in it: the own one, or a random one.</summary>
    public byte[] Id { get; private set; } = [];

    public byte[] NormalForm { get; private set; } = [];

    /// <summary>Gets the text by which a retry names it.</summary>
    public byte[] RetryName { get; private set; } = [];

    /// <summary>Gets or sets the newest standard hypothesis.</summary>
    public Agreement? Standard { get; set; }

    /// <summary>Gets or sets a value indicating whether an accept, or an answer that counts as one, led to <see cref="Standard"/>.</summary>
    public bool Accepted { get; set; }

    /// <summary>Gets or sets the newest simultaneous hypothesis in which this side leads.</summary>
    public Agreement? Leading { get; set; }

    /// <summary>Gets or sets a value indicating whether there is a simultaneous hypothesis, whoever leads.</summary>
    public bool Simultaneous { get; set; }

    /// <summary>Gets or sets a value indicating whether the peer proposed nothing in common.</summary>
    public bool NothingCommon { get; set; }

    /// <summary>Gets or sets when the joined handshake has made no progress for too long.</summary>
    public Instant JoinUntil { get; set; }

    public Instant? NextCopy { get; set; }

    public int Copies { get; set; }

    public Instant? RejectedAt { get; set; }

    public int CopiesAtReject { get; set; }

    /// <summary>Gets or sets when a reject ends it: not known before the copies that follow a reject are out.</summary>
    public Instant? RejectDue { get; set; }

    public int Retries { get; private set; }

    public bool Apply(OwnProposalEvent what)
    {
        if (!NegotiationTransitions.TryNext(State, what, out var next))
        {
            return false;
        }

        State = next;
        return true;
    }

    /// <summary>Makes the proposal.</summary>
    //= spec/psec.md#proposal-strings
    public void Make(NegotiatorContext context)
    {
        Id = Hidden ? MakeHiddenId(context) : context.Self.Multihash.ToArray();
        Span<byte> random = stackalloc byte[AttemptSize];
        context.Random.Fill(random);
        Strings = [.. Schemes, PsecFrame.AttemptPrefix + Base64Url.EncodeToString(random), PsecFrame.Retry];
        WireMessage.TryRead<ProposalFrame>(ProposalFrame.Encode(Id, Strings), out var frame);
        NormalForm = frame.ToNormalForm();
        RetryName = RetryCookies.NameOf(ReceivedProposal.HashOf(context.Crypto, NormalForm));
    }

    private string[] Strings { get; set; } = [];

    /// <summary>Takes up a cookie, if the proposal that carries it is not too long: a forged one must not make what no path carries.</summary>
    //= spec/psec.md#retry-taken
    public bool TryTakeRetry(ReadOnlySpan<byte> text, int longest)
    {
        var cookie = Encoding.UTF8.GetString(text);
        if (ProposalFrame.Encode(Id, [.. Strings, cookie]).Length > longest)
        {
            return false;
        }

        _cookie = cookie;
        Retries++;
        return true;
    }

    public void TakeFirstPacket(byte[] packet) => _firstPacket = packet;

    /// <summary>Returns the frame as it is sent now; it goes without the first packet where that would make it too long.</summary>
    public byte[] ToFrame(int longest)
    {
        var frame = Encode(_firstPacket);
        return frame.Length <= longest ? frame : Encode([]);
    }

    /// <summary>Whether the frame as it is sent now goes without the first packet.</summary>
    public bool LeavesOutFirstPacket(int longest) => Encode(_firstPacket).Length > longest;

    public OwnProposal Clone() => (OwnProposal)MemberwiseClone();

    public void AddTo(StateDigestBuilder digest)
    {
        digest.Add((long)State);
        digest.Add(Path.Remote);
        digest.Add(Deadline);
        digest.Add(NormalForm);
        digest.Add(_firstPacket);
        digest.Add(_cookie is null ? default : PsecFrame.ToBytes(_cookie));
        digest.Add(Retries);
        digest.Add(Standard is null ? default : Standard.Transcript);
        digest.Add(Leading is null ? default : Leading.Transcript);
        digest.Add(Accepted);
        digest.Add(Simultaneous);
        digest.Add(NothingCommon);
        digest.Add(State == OwnProposalState.Joining ? JoinUntil : null);
        digest.Add(NextCopy);
        digest.Add(RejectedAt);
        digest.Add(RejectedAt is null ? 0 : Copies - CopiesAtReject);
        digest.Add(RejectDue);
    }

    private byte[] Encode(byte[] firstPacket) => ProposalFrame.Encode(Id, _cookie is null ? Strings : [.. Strings, _cookie], firstPacket);

    //= spec/psec.md#hidden-id
    private static byte[] MakeHiddenId(NegotiatorContext context)
    {
        Span<byte> random = stackalloc byte[HiddenSize];
        context.Random.Fill(random);
        var id = new byte[2 + HiddenSize];
        (id[0], id[1]) = (0x12, HiddenSize);
        context.Crypto.Hash(HashAlgorithm.Sha256, random, default, id.AsSpan(2));
        return id;
    }
}
