using PacketSec.Crypto;
using PacketSec.Fuzz.Engine;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;

namespace PacketSec.Fuzz.Targets;

/// <summary>One negotiator of <see cref="NegotiatorTarget"/>, what it sent, and what must hold after every step.</summary>
internal sealed class NegotiatorSide
{
    private const int MaxWon = 2 * ImplementationLimits.ProposalsPerAddress;

    private static readonly PathAddress Path = new(new(1, 1), new(2, 2));

    private readonly FuzzTrace _trace;
    private readonly NegotiatorContext _context;
    private readonly int _longest;
    private readonly PeerId _dialled;
    private readonly HashSet<string> _ended = [];
    private string? _attempt;

    public NegotiatorSide(string id, string dialled, int setting, FuzzTrace trace)
    {
        _trace = trace;
        _longest = (setting & 4) != 0 ? 160 : ImplementationLimits.DatagramSize;
        _dialled = Read(dialled.PadRight(dialled[..2] == "12" ? 68 : 76, '7'));
        _context = new()
        {
            Crypto = CryptoProvider.Default,
            Random = new FuzzRandom((ulong)(id[^1] + setting)),
            Self = Read(id),
            Served = (setting & 2) != 0 ? ["b", "c"] : ["a", "b", "c", "d"],
            Hides = (setting & 8) != 0,
        };
        Machine = new(_context, _longest);
    }

    public Negotiator Machine { get; private set; }

    public Instant Now { get; private set; } = new(1_000_000_000_000);

    /// <summary>Gets the frames on their way to the other side, the oldest first.</summary>
    public List<byte[]> InFlight { get; } = [];

    /// <summary>Gets what state it is in, roughly.</summary>
    public int Shape => (Machine.Own is { } own ? 1 + (int)own.State : 0) | (Machine.Remotes.Count(remote => remote.IsResponder) << 4);

    public static byte[] Accept(string text)
    {
        var frame = new AcceptFrame(PsecFrame.ToBytes(text));
        var bytes = new byte[frame.EncodedLength];
        WireMessage.Write(frame, bytes);
        return bytes;
    }

    public void Propose(byte options)
    {
        if (Machine.Own is not null)
        {
            return;
        }

        string[][] lists = [["a"], ["b", "a"], ["c", "b", "a"], ["d", "d", "c"]];
        Machine.Propose(
            Now,
            Path,
            _dialled,
            new() { Schemes = lists[options & 3], EmbedFirstPacket = (options & 4) != 0, HidePeerId = (options & 8) != 0 },
            Now + SpecLimits.DialDeadline);
    }

    /// <summary>Receives a datagram, if it is a frame.</summary>
    public void Receive(byte[] frame)
    {
        if (!PsecFrame.IsFrame(frame))
        {
            return;
        }

        var before = Digest(Machine);
        var answer = Array.Empty<byte>();
        DropReason reason;
        if (WireMessage.TryRead<ProposalFrame>(frame, out var proposal))
        {
            var looked = Machine.Look(proposal);
            Require(Digest(Machine) == before, "a look changes nothing");
            reason = Machine.Take(Now, looked, out answer);
            Require(Machine.Own is not { IsOutstanding: true } || looked.Kind != ProposalKind.Standard, "nothing is accepted while a proposal is outstanding");
            _trace.Reach(2, ((int)looked.Kind * 64) + (int)reason);
        }
        else
        {
            reason = WireMessage.TryRead<AcceptFrame>(frame, out var accept) ? Machine.HandleAccept(Now, accept) : Machine.HandleReject(Now);
            _trace.Reach(3, (int)reason);
        }

        Require(reason == DropReason.None || Digest(Machine) == before, "a frame that is dropped changes nothing");
        if (answer.Length > 0)
        {
            Require(PsecFrame.IsFrame(answer) && answer.Length <= frame.Length, "an answer is a frame and no longer than what draws it");
            InFlight.Add(answer);
        }
    }

    /// <summary>Does what a report asks for, or forgets it.</summary>
    public void TakeReport(byte how)
    {
        if (!Machine.TryPollReport(out var report))
        {
            return;
        }

        if (report is NegotiationReport.Begin begin)
        {
            Require(Machine.Own is not null, "a handshake begins for an attempt that there is");
            Machine.TakeFirstPacket(Now, begin.Agreement, new byte[how & 0x3f]);
            if ((how & 0x40) != 0)
            {
                Machine.OnAnswered(begin.Agreement);
            }
        }
    }

    public void Advance(int milliseconds)
    {
        Now += TimeSpan.FromMilliseconds(milliseconds);
        Machine.HandleTimeout(Now);
        Require(Machine.NextDeadline is not { } next || next > Now, "what is due was done");
    }

    public void Progress(byte which)
    {
        if (Machine.Remotes.Count > 0)
        {
            var remote = Machine.Remotes[which % Machine.Remotes.Count];
            var found = Machine.FindResponder(remote.Agreement.Tag);
            Require(found is null || found == remote, "a tag names one proposal");
            Machine.OnProgress(Now, remote);
        }
    }

    public void WinAsResponder(byte which)
    {
        if (Machine.Remotes.Count > 0)
        {
            var remote = Machine.Remotes[which % Machine.Remotes.Count];
            Machine.OnWonAsResponder(Now, remote.Agreement, (which & 0x80) != 0 ? _dialled : _context.Self);
            Require(Machine.FindResponder(remote.Agreement.Tag) is null, "nothing is served under what was won");
        }
    }

    public void WinAsInitiator(byte which)
    {
        Machine.OnWonAsInitiator(Now, Any(which));
        Require(Machine.Own is null, "a win ends the attempt");
    }

    /// <summary>Goes on with a copy, after the original went another way.</summary>
    public void UseCopy()
    {
        var copy = Machine.Clone();
        var before = Digest(Machine);
        Require(Digest(copy) == before, "a copy is equal");
        Machine.OnWonAsInitiator(Now, Any(0));
        Machine.HandleTimeout(Now + SpecLimits.SessionLifetime);
        Require(Digest(copy) == before, "a copy has a life of its own");
        Machine = copy;
    }

    /// <summary>Polls what is to be sent, and checks all that holds between two steps.</summary>
    public void Check()
    {
        while (Machine.TryPollFrame(out var frame))
        {
            CheckFrame(frame);
            InFlight.Add(frame);
        }

        if (Machine.Own is not { IsSent: true } && _attempt is not null)
        {
            _ended.Add(_attempt);
            _attempt = null;
        }

        var remotes = Machine.Remotes;
        Require(remotes.Count(remote => remote.State != RemoteProposalState.Over) <= ImplementationLimits.ProposalsPerAddress, "four proposals are served");
        Require(remotes.Count(remote => remote.State == RemoteProposalState.Over) <= MaxWon, "few that were won are remembered");
        Require(remotes.All(remote => remote.State != RemoteProposalState.Forgotten), "what is forgotten is not there");
        Require(remotes.DistinctBy(remote => Convert.ToHexString(remote.Digest)).Count() == remotes.Count, "each is there once");
        Require(Machine.Own is not { State: >= OwnProposalState.Won }, "an attempt that has ended is not there");
        Require(Machine.Own is { IsOutstanding: true } || remotes.All(remote => !remote.IsSimultaneous), "a simultaneous proposal needs an own one");
        Require(Machine.Own is null || Machine.NextDeadline is not null, "an attempt ends");
    }

    /// <summary>An agreement of somebody's proposal, or of none.</summary>
    private Agreement Any(byte which)
        => Machine.Remotes.Count > 0 ? Machine.Remotes[which % Machine.Remotes.Count].Agreement
            : Agreement.Standard(_context.Crypto, [1], "a", claimedPeer: null);

    private void CheckFrame(byte[] frame)
    {
        Require(Machine.Own is not null, "a proposal is sent for an attempt that there is");
        Require(WireMessage.TryRead<ProposalFrame>(frame, out var proposal), "what is sent is a proposal");
        Require(frame.Length <= _longest, "a proposal fits a datagram");
        Require(Machine.Own.NormalForm.AsSpan().SequenceEqual(proposal.ToNormalForm()), "copies have one normal form");
        var strings = new List<string>();
        foreach (var text in proposal)
        {
            strings.Add(System.Text.Encoding.UTF8.GetString(text));
        }

        var schemes = Machine.Own.Schemes.Count;
        Require(strings.Take(schemes).SequenceEqual(Machine.Own.Schemes), "the schemes stand first");
        Require(strings[schemes].StartsWith(PsecFrame.AttemptPrefix, StringComparison.Ordinal) && strings[schemes].Length == 37, "then the attempt");
        Require(strings[schemes + 1] == PsecFrame.Retry, "then the word for retries");
        Require(
            strings.Count == schemes + 2 || (strings.Count == schemes + 3 && strings[^1].StartsWith(PsecFrame.RetryPrefix, StringComparison.Ordinal)),
            "then a cookie or nothing");
        Require(!_ended.Contains(strings[schemes]), "a proposal of an attempt that ended is not sent again");
        Require(_attempt is null || _attempt == strings[schemes], "there is one own proposal");
        _attempt = strings[schemes];
    }

    private static string Digest(Negotiator machine)
    {
        var digest = new StateDigestBuilder();
        machine.AddTo(digest);
        return Convert.ToHexString(digest.ToDigest(CryptoProvider.Default));
    }

    private static PeerId Read(string id)
        => PeerId.TryRead(Convert.FromHexString(id), out var peer) ? peer : throw new InvalidOperationException($"{id} is no peer ID.");

    private static void Require([System.Diagnostics.CodeAnalysis.DoesNotReturnIf(false)] bool holds, string property)
    {
        if (!holds)
        {
            throw new PropertyViolationException(property);
        }
    }
}
