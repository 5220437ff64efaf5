using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Negotiation;

/// <summary>What frames do: each adds a hypothesis, draws an answer, or is dropped.</summary>
internal sealed partial class Negotiator
{
    /// <summary>Looks at a proposal without changing anything.</summary>
    public ReceivedProposal Look(in ProposalFrame frame)
    {
        //= spec/psec.md#reflection
        if (LeaderElection.Compare(frame.PeerId, _context.Self.Multihash) == 0
            || (_own is { IsOutstanding: true } && LeaderElection.Compare(frame.PeerId, _own.Id) == 0))
        {
            return new() { Kind = ProposalKind.Reflected };
        }

        var normal = frame.ToNormalForm();
        var digest = ReceivedProposal.HashOf(_context.Crypto, normal);
        var known = _remotes.Find(remote => remote.Digest.AsSpan().SequenceEqual(digest));
        var (schemes, takesRetry, cookie) = ReceivedProposal.ReadStrings(frame);
        var simultaneous = _own is { IsOutstanding: true };
        var weLead = simultaneous && LeaderElection.Compare(_own!.Id, frame.PeerId) < 0;
        return new()
        {
            Kind = known is not null ? ProposalKind.Copy : simultaneous ? ProposalKind.Simultaneous : ProposalKind.Standard,
            Known = known,
            NormalForm = normal,
            Digest = digest,
            Schemes = schemes,
            Scheme = !simultaneous ? SchemeChoice.Standard(schemes, _context.Served)
                : weLead ? SchemeChoice.Simultaneous(_own!.Schemes, schemes)
                : SchemeChoice.Simultaneous(schemes, _own!.Schemes),
            WeLead = weLead,
            ClaimedPeer = PeerId.TryRead(frame.PeerId, out var claimed) && claimed.IsInline ? claimed : null,
            TakesRetry = takesRetry,
            Cookie = cookie,
        };
    }

    /// <summary>Takes a proposal that was looked at and admitted.</summary>
    /// <param name="now">The time.</param>
    /// <param name="proposal">The proposal.</param>
    /// <param name="answer">A frame to answer with, or nothing.</param>
    public DropReason Take(Instant now, ReceivedProposal proposal, out byte[] answer)
    {
        answer = [];
        switch (proposal.Kind)
        {
            case ProposalKind.Copy:
                return TakeCopy(now, proposal.Known!, out answer);
            case ProposalKind.Standard when proposal.Scheme is not null:
                return TryMakeRoom() ? Accept(now, proposal, out answer) : DropReason.AddressProposalsFull;
            case ProposalKind.Simultaneous when proposal.Scheme is not null:
                return TryMakeRoom() ? Oppose(now, proposal) : DropReason.AddressProposalsFull;
            case ProposalKind.Simultaneous:
                _own!.NothingCommon = true;
                return DropReason.None;
            case ProposalKind.Standard:
                //= spec/psec.md#reject-sent
                answer = _context.Hides ? [] : PsecFrame.Reject.ToArray();
                return DropReason.NoCommonScheme;
            default:
                return DropReason.Reflected;
        }
    }

    /// <summary>Takes an accept, which may be a retry.</summary>
    public DropReason HandleAccept(Instant now, in AcceptFrame accept)
    {
        //= spec/psec.md#accept-unknown
        if (_own is not { IsSent: true } own)
        {
            return DropReason.NoProposal;
        }

        if (accept.Scheme.Length > PsecFrame.RetryPrefix.Length && PsecFrame.IsRetry(accept.Scheme))
        {
            return HandleRetry(now, own, accept.Scheme);
        }

        var scheme = System.Text.Encoding.UTF8.GetString(accept.Scheme);
        if (!own.Schemes.Contains(scheme))
        {
            return DropReason.NotOffered;
        }

        own.Apply(OwnProposalEvent.HypothesisAdded);
        own.Accepted = true;
        var agreement = Agreement.Standard(_context.Crypto, own.NormalForm, scheme, claimedPeer: null);
        if (agreement.Equals(own.Standard))
        {
            //= spec/psec.md#embed-too-long
            _reports.Enqueue(new NegotiationReport.Repeat(agreement, own.LeavesOutFirstPacket(_longest)));
        }
        else
        {
            //= spec/psec.md#newest
            own.Standard = agreement;
            _reports.Enqueue(new NegotiationReport.Begin(agreement, Embed: false));
        }

        return DropReason.None;
    }

    /// <summary>Takes a reject.</summary>
    public DropReason HandleReject(Instant now)
    {
        //= spec/psec.md#reject-unexpected
        if (_own is not { IsSent: true } own)
        {
            return DropReason.NoProposal;
        }

        //= spec/psec.md#reject-hidden
        //= spec/psec.md#reject-schedule
        if (!own.Hidden && !own.Accepted && !own.Simultaneous && own.Apply(OwnProposalEvent.Rejected))
        {
            own.RejectedAt = now;
            own.CopiesAtReject = own.Copies;
        }

        return DropReason.None;
    }

    //= spec/psec.md#copy
    private DropReason TakeCopy(Instant now, RemoteProposal known, out byte[] answer)
    {
        answer = [];
        if (known.IsAccepted)
        {
            answer = EncodeAccept(known.Agreement.Scheme);
            return DropReason.None;
        }

        //= spec/psec.md#copy-after-win
        if (!known.IsSimultaneous)
        {
            return DropReason.NegotiationOver;
        }

        if (known.WeLead && _own is { IsSent: true } own)
        {
            SendCopy(now, own);
            _reports.Enqueue(known.Agreement.Equals(own.Leading) ? new NegotiationReport.Repeat(known.Agreement) : Lead(own, known.Agreement));
        }

        return DropReason.None;
    }

    private DropReason Accept(Instant now, ReceivedProposal proposal, out byte[] answer)
    {
        var agreement = Agreement.Standard(_context.Crypto, proposal.NormalForm, proposal.Scheme!, proposal.ClaimedPeer);
        _remotes.Add(new(proposal.Digest, agreement, RemoteProposalState.Accepted, weLead: false, now + _context.Times.Attempt));
        answer = EncodeAccept(proposal.Scheme!);
        return DropReason.None;
    }

    //= spec/psec.md#accept-none-outstanding
    private DropReason Oppose(Instant now, ReceivedProposal proposal)
    {
        var own = _own!;
        var (leader, follower) = proposal.WeLead ? (own.NormalForm, proposal.NormalForm) : (proposal.NormalForm, own.NormalForm);
        var agreement = Agreement.Simultaneous(_context.Crypto, leader, follower, proposal.Scheme!, proposal.ClaimedPeer);
        _remotes.Add(new(proposal.Digest, agreement, RemoteProposalState.Simultaneous, proposal.WeLead, now + _context.Times.Attempt));
        own.Simultaneous = true;
        own.Apply(OwnProposalEvent.HypothesisAdded);
        if (proposal.WeLead)
        {
            _reports.Enqueue(Lead(own, agreement));
        }

        return DropReason.None;
    }

    //= spec/psec.md#newest
    private static NegotiationReport.Begin Lead(OwnProposal own, Agreement agreement)
    {
        own.Leading = agreement;
        return new(agreement, Embed: false);
    }

    private DropReason HandleRetry(Instant now, OwnProposal own, ReadOnlySpan<byte> text)
    {
        //= spec/psec.md#retry-names
        if (!text[PsecFrame.RetryPrefix.Length..].StartsWith(own.RetryName))
        {
            return DropReason.NoProposal;
        }

        //= spec/psec.md#retry-taken
        if (own.Retries >= ImplementationLimits.RetriesPerAttempt)
        {
            return DropReason.RetriesExhausted;
        }

        if (text.Length > ImplementationLimits.RetryTextSize || !own.TryTakeRetry(text, _longest))
        {
            return DropReason.NotOffered;
        }

        SendCopy(now, own);
        own.NextCopy = now + Jitter.Lengthen(_context.Times.Resend, _context.Random);
        return DropReason.None;
    }

    //= spec/psec.md#proposals-per-address
    private bool TryMakeRoom()
    {
        if (_remotes.Count(remote => remote.State != RemoteProposalState.Over) < ImplementationLimits.ProposalsPerAddress)
        {
            return true;
        }

        var oldest = _remotes.FindIndex(remote => remote.State is RemoteProposalState.Accepted or RemoteProposalState.Simultaneous);
        if (oldest < 0)
        {
            return false;
        }

        _remotes[oldest].Apply(RemoteProposalEvent.Displaced);
        _remotes.RemoveAt(oldest);
        return true;
    }

    private static byte[] EncodeAccept(string scheme)
    {
        var accept = new AcceptFrame(PsecFrame.ToBytes(scheme));
        var frame = new byte[accept.EncodedLength];
        WireMessage.Write(accept, frame);
        return frame;
    }
}
