using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Negotiation;

/// <summary>
/// All negotiations at one remote address: one's own proposal, and what was proposed from there. Case and transcript are hypotheses, which frames
/// add and handshakes decide: no frame, whoever made it, takes a hypothesis of the other kind away.
/// </summary>
/// <remarks>
/// Pure: it opens nothing and sends nothing. Frames and reports are polled; answers to a frame come back from the call. Whether a proposal may be
/// taken at all is admission, which the endpoint machine decides between <see cref="Look"/> and <see cref="Take"/>.
/// </remarks>
internal sealed partial class Negotiator
{
    private const int KeptAfterWin = 2 * ImplementationLimits.ProposalsPerAddress;

    private readonly NegotiatorContext _context;
    private readonly int _longest;

    // Oldest first.
    private readonly List<RemoteProposal> _remotes = [];
    private readonly Queue<byte[]> _frames = new();
    private readonly Queue<NegotiationReport> _reports = new();
    private OwnProposal? _own;

    /// <summary>Creates one without any state.</summary>
    /// <param name="context">What the negotiations of an endpoint share.</param>
    /// <param name="longest">The longest datagram to send.</param>
    public Negotiator(NegotiatorContext context, int longest)
    {
        _context = context;
        _longest = Math.Min(longest, PsecFrame.MaxProposal);
    }

    private Negotiator(Negotiator other)
        : this(other._context, other._longest)
    {
        _own = other._own?.Clone();
        _remotes.AddRange(other._remotes.Select(remote => remote.Clone()));
        _frames = new(other._frames);
        _reports = new(other._reports);
    }

    /// <summary>Gets one's own attempt, or null.</summary>
    public OwnProposal? Own => _own;

    /// <summary>Gets what was proposed from there, the oldest first.</summary>
    public IReadOnlyList<RemoteProposal> Remotes => _remotes;

    /// <summary>Gets what first messages of the other side may be bound to.</summary>
    public IEnumerable<Agreement> ResponderAgreements => _remotes.Where(remote => remote.IsResponder).Select(remote => remote.Agreement);

    /// <summary>Gets a value indicating whether proposals of others are being served.</summary>
    public bool Serves => _remotes.Exists(remote => remote.IsAccepted);

    /// <summary>Gets a value indicating whether nothing is left to be known.</summary>
    public bool IsEmpty => _own is null && _remotes.Count == 0 && _frames.Count == 0 && _reports.Count == 0;

    /// <summary>Gets when <see cref="HandleTimeout"/> has something to do.</summary>
    public Instant? NextDeadline
    {
        get
        {
            Instant? next = null;
            foreach (var remote in _remotes)
            {
                Earlier(ref next, remote.ForgetAt);
            }

            if (_own is not null)
            {
                Earlier(ref next, _own.Deadline);
                Earlier(ref next, _own.State == OwnProposalState.Joining ? _own.JoinUntil : null);
                Earlier(ref next, _own.NextCopy);
                Earlier(ref next, _own.State == OwnProposalState.Rejected ? _own.RejectDue : null);
            }

            return next;
        }
    }

    /// <summary>Begins an attempt; there is none yet.</summary>
    public void Propose(Instant now, in PathAddress path, PeerId peer, ProposalOptions options, Instant deadline)
    {
        _own = new OwnProposal(path, peer, options, now, deadline);

        //= spec/psec.md#join
        if (Serves)
        {
            _own.JoinUntil = now + _context.Times.JoinPatience;
        }
        else
        {
            BeginProposal(now);
        }
    }

    /// <summary>Takes the first packet that goes into the proposal, or the word that there is none.</summary>
    public void TakeFirstPacket(Instant now, Agreement agreement, byte[] packet)
    {
        if (_own is { State: OwnProposalState.Preparing } && agreement.Equals(_own.Standard))
        {
            _own.TakeFirstPacket(packet);
            SendFirst(now);
        }
    }

    /// <summary>A first packet of ours was answered by whom it was for, under whatever hypothesis.</summary>
    //= spec/psec.md#embed-answer
    public void OnAnswered(Agreement agreement)
    {
        if (_own is not null && agreement.Equals(_own.Standard))
        {
            _own.Accepted = true;
            _own.Apply(OwnProposalEvent.HypothesisAdded);
        }

        // Where this side leads, the answer is what shows that the proposal is true.
        _remotes.Find(remote => remote.Agreement.Equals(agreement))?.Apply(RemoteProposalEvent.FirstPacket);
    }

    /// <summary>Gives one's own attempt up.</summary>
    //= spec/psec.md#cancel
    public void Withdraw()
    {
        if (_own?.Apply(OwnProposalEvent.Withdrawn) == true)
        {
            EndOwn();
        }
    }

    /// <summary>Finds the proposal under which a first packet is answered by its tag.</summary>
    //= spec/psec.md#first-packet-tag
    public RemoteProposal? FindResponder(ReadOnlySpan<byte> tag)
    {
        foreach (var remote in _remotes)
        {
            if (remote.IsResponder && remote.Agreement.Tag.SequenceEqual(tag))
            {
                return remote;
            }
        }

        return null;
    }

    /// <summary>
    /// Whether a copy draws one's own proposal and a first packet. Were both sides made to believe that they lead, each would draw the other's for
    /// ever.
    /// </summary>
    public bool DrawsProposal(RemoteProposal known) => known is { IsSimultaneous: true, WeLead: true } && _own is { IsSent: true };

    /// <summary>Whether an agreement is one of a proposal that is not over.</summary>
    public bool Knows(Agreement agreement)
        => _remotes.Exists(remote => remote.State != RemoteProposalState.Over && remote.Agreement.Equals(agreement));

    /// <summary>Whether an agreement is one of a proposal that was won.</summary>
    public bool HasWon(Agreement agreement)
        => _remotes.Exists(remote => remote.State == RemoteProposalState.Over && remote.Agreement.Equals(agreement));

    /// <summary>A first packet came, or was answered, under a proposal.</summary>
    //= spec/psec.md#join
    public void OnProgress(Instant now, RemoteProposal remote)
    {
        remote.Apply(RemoteProposalEvent.FirstPacket);
        if (_own is { State: OwnProposalState.Joining })
        {
            _own.JoinUntil = Instant.Min(now + _context.Times.JoinPatience, _own.Started + _context.Times.JoinLongest);
        }
    }

    /// <summary>A packet authenticated on a session that this side initiated here, under an agreement.</summary>
    public void OnWonAsInitiator(Instant now, Agreement agreement)
    {
        Remember(now, agreement);
        EndAttempt(byPeer: false);
    }

    /// <summary>A finish verified under an agreement, and proved an identity.</summary>
    //= spec/psec.md#one-wins
    public void OnWonAsResponder(Instant now, Agreement agreement, PeerId identity)
    {
        Remember(now, agreement);
        if (_own?.Peer.Equals(identity) == true)
        {
            EndAttempt(byPeer: true);
        }
    }

    /// <summary>Does what is due.</summary>
    public void HandleTimeout(Instant now)
    {
        for (var i = _remotes.Count - 1; i >= 0; i--)
        {
            if (now >= _remotes[i].ForgetAt)
            {
                _remotes[i].Apply(RemoteProposalEvent.TimeOver);
                _remotes.RemoveAt(i);
            }
        }

        if (_own is not { } own)
        {
            return;
        }

        //= spec/psec.md#attempt-deadline
        if (now >= own.Deadline || (own.State == OwnProposalState.Rejected && now >= own.RejectDue))
        {
            var nothingCommon = own.State == OwnProposalState.Rejected || (own.NothingCommon && !own.Accepted && !own.Simultaneous);
            own.Apply(OwnProposalEvent.TimeOver);
            EndOwn();
            _reports.Enqueue(new NegotiationReport.Over(nothingCommon ? NegotiationOutcome.NoCommonScheme : NegotiationOutcome.TimedOut));
            return;
        }

        if (own.State == OwnProposalState.Joining && (now >= own.JoinUntil || !Serves))
        {
            BeginProposal(now);
        }

        if (now >= own.NextCopy)
        {
            SendCopy(now, own);
            own.NextCopy = now + Jitter.Lengthen(_context.Times.Resend, _context.Random);
        }
    }

    /// <summary>Polls the next copy of one's own proposal.</summary>
    public bool TryPollFrame(out byte[] frame) => _frames.TryDequeue(out frame!);

    /// <summary>Polls what the machine of the dialled peer is to be told.</summary>
    public bool TryPollReport(out NegotiationReport report) => _reports.TryDequeue(out report!);

    /// <summary>Forgets the proposals of attempts that were won: no session lives at the address any more.</summary>
    public void ForgetWon() => _remotes.RemoveAll(remote => remote.State == RemoteProposalState.Over);

    /// <summary>Returns a copy with a life of its own, for an exploration of what may happen.</summary>
    public Negotiator Clone() => new(this);

    public void AddTo(StateDigestBuilder digest)
    {
        digest.Add(_own is not null);
        _own?.AddTo(digest);
        digest.Add(_remotes.Count);
        foreach (var remote in _remotes)
        {
            remote.AddTo(digest);
        }
    }

    private static void Earlier(ref Instant? next, Instant? candidate)
    {
        if (candidate is { } at && (next is null || at < next))
        {
            next = at;
        }
    }

    private void BeginProposal(Instant now)
    {
        var own = _own!;
        own.Apply(OwnProposalEvent.JoinOver);
        own.Make(_context);
        if (!own.EmbedsFirstPacket)
        {
            SendFirst(now);
            return;
        }

        own.Standard = Agreement.Standard(_context.Crypto, own.NormalForm, own.Schemes[0], claimedPeer: null);
        _reports.Enqueue(new NegotiationReport.Begin(own.Standard, Embed: true));
    }

    private void SendFirst(Instant now)
    {
        _own!.Apply(OwnProposalEvent.FirstPacketMade);
        SendCopy(now, _own);
        _own.NextCopy = now + Jitter.Lengthen(_context.Times.FirstResend, _context.Random);
    }

    //= spec/psec.md#reject-schedule
    private void SendCopy(Instant now, OwnProposal own)
    {
        own.Copies++;
        _frames.Enqueue(own.ToFrame(_longest));
        if (own is { State: OwnProposalState.Rejected, RejectDue: null, RejectedAt: { } rejected }
            && own.Copies >= own.CopiesAtReject + _context.Times.RejectCopies)
        {
            // A driver that slept for the 3 s sends the last copy after them: it has a chance of an answer too.
            var (patient, answered) = (rejected + _context.Times.RejectPatience, now + _context.Times.FirstResend);
            own.RejectDue = patient < answered ? answered : patient;
        }
    }

    private void EndAttempt(bool byPeer)
    {
        if (_own?.Apply(OwnProposalEvent.Won) == true)
        {
            EndOwn();
            if (byPeer)
            {
                _reports.Enqueue(new NegotiationReport.Over(NegotiationOutcome.WonByPeer));
            }
        }
    }

    // Only the proposal that led there is over: another one may be of an attempt that the peer has begun since, while the finish of the one before
    // was under way. Whoever wins may do so again and again: only the newest wins are remembered.
    private void Remember(Instant now, Agreement agreement)
    {
        foreach (var remote in _remotes)
        {
            if (remote.Agreement.Equals(agreement) && remote.Apply(RemoteProposalEvent.Won))
            {
                remote.ForgetAt = now + _context.Times.Memory;
            }
        }

        for (var over = _remotes.Count(remote => remote.State == RemoteProposalState.Over); over > KeptAfterWin; over--)
        {
            _remotes.RemoveAt(_remotes.FindIndex(remote => remote.State == RemoteProposalState.Over));
        }
    }

    private void EndOwn()
    {
        // What is not polled yet would begin a handshake, or send a proposal, of an attempt that is over.
        _own = null;
        _frames.Clear();
        _reports.Clear();
        _remotes.RemoveAll(remote => remote.Apply(RemoteProposalEvent.OwnEnded));
    }
}
