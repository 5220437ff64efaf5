using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Protocol.Tests.Machines;

namespace PacketSec.Protocol.Tests.Schemes.MyChips;

/// <summary>Each event in each state of a connection between sites, brought about from outside: by packets, by the clock, and by what is decided.</summary>
public sealed class SiteTransitionTests
{
    private const string Table =
        """
        | event | None | Ticket | Id | Request | Answered | Pending | Open |
        | --- | --- | --- | --- | --- | --- | --- | --- |
        | TicketCame | Ticket | – | – | – | – | – | – |
        | NameCame | Id | – | – | – | – | – | – |
        | RenewalCame | Id | – | – | – | – | – | – |
        | CopyCame | – | Ticket | Id | Request | Answered | – | – |
        | Verified | – | Request | Request | – | – | – | – |
        | RenewalVerified | – | – | Answered | – | – | – | – |
        | Unverified | – | None | None | – | – | – | – |
        | Allowed | – | – | – | Answered | – | – | – |
        | Denied | – | – | – | None | – | – | – |
        | TransportOpened | – | – | – | – | Open | – | – |
        | Dialled | Pending | – | – | – | – | – | – |
        | AnswerOpened | – | – | – | – | – | Open | Open |
        | Over | – | None | None | None | None | None | None |

        """;

    public static TheoryData<string, string, string> Cells
    {
        get
        {
            var rows = Table.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(row => row.Split('|', StringSplitOptions.TrimEntries)[1..^1]).ToList();
            var cells = new TheoryData<string, string, string>();
            foreach (var row in rows.Skip(2))
            {
                for (var column = 1; column < row.Length; column++)
                {
                    cells.Add(rows[0][column], row[0], row[column]);
                }
            }

            return cells;
        }
    }

    //= spec/mychips.md#states
    [Fact]
    public void The_table_is_this()
    {
        Assert.Equal(Table, SiteTransitions.ToMarkdown());
        Assert.Equal(91, Cells.Count);
    }

    //= spec/mychips.md#states
    //= spec/mychips.md#states-ignored
    [Theory]
    [MemberData(nameof(Cells))]
    public void A_connection_goes_from_state_to_state_as_the_table_says(string from, string what, string to)
    {
        var (state, happens) = (Enum.Parse<SiteState>(from), Enum.Parse<SiteEvent>(what));
        using var stage = new Stage();
        stage.Bring(state, happens);
        Assert.Equal(state, stage.State);
        if (stage.TryDo(state, happens))
        {
            Assert.Equal(to == "–" ? from : to, stage.State.ToString());
        }
        else
        {
            // Nothing from outside makes it happen there; the table knows nothing of it either.
            Assert.Equal("–", to);
        }
    }

    //= spec/mychips.md#states-ignored
    [Theory]
    [InlineData("Ticket")]
    [InlineData("Id")]
    [InlineData("Request")]
    [InlineData("Answered")]
    [InlineData("Pending")]
    [InlineData("Open")]
    public void What_does_not_open_moves_nothing(string name)
    {
        var state = Enum.Parse<SiteState>(name);
        using var stage = new Stage();
        stage.Bring(state, SiteEvent.CopyCame);
        stage.Site.Works = state is not (SiteState.Ticket or SiteState.Id);
        foreach (var packet in (byte[][])[[(byte)'A', .. new byte[48]], [(byte)'T', 0, 0, 0, 12, .. new byte[16]], [(byte)'T', 0, 0, 0, 16, .. new byte[16]]])
        {
            stage.Site.Receive(stage.Dialler.Address, packet);
            stage.Dialler.Receive(packet);
        }

        Assert.Equal(state, stage.State);
    }

    /// <summary>Two sites, and one connection between them that is watched.</summary>
    private sealed class Stage : IDisposable
    {
        private readonly Ticket _ticket;
        private readonly Ticket _other;
        private ResponderHandshake? _subject;
        private bool _isInitiators;
        private bool _isOpen;

        public Stage()
        {
            Site = new();
            Dialler = new(Site, 9, siteId: "b@4000");
            Site.Sites["b@4000"] = Dialler.Identity.PublicKey;
            _ticket = Site.Issue();
            _other = Ticket.Issue(new EndpointFixture.CountingSource(), Site.Identity.PublicKey, [], new() { NotAfter = Tickets.NotAfter, Purpose = "other" });
        }

        public ServingSite Site { get; }

        public DiallingSite Dialler { get; }

        public SiteState State
        {
            get
            {
                var isOpen = Dialler.Machine.IsOpen && Site.Peers.Values.Any(peer => peer.IsOpen);
                if (_isOpen)
                {
                    // What begins beside it is a connection of its own.
                    return isOpen ? SiteState.Open : SiteState.None;
                }

                if (_isInitiators)
                {
                    return Dialler.Machine.Attempts.Count > 0 ? Dialler.Machine.Attempts[0].Site!.Value : Dialler.Machine.IsOpen ? SiteState.Open : SiteState.None;
                }

                _subject ??= Site.Machine.Handshakes.FirstOrDefault();
                return _subject is null or { Site: SiteState.None } ? isOpen ? SiteState.Open : SiteState.None : _subject.Site!.Value;
            }
        }

        public void Bring(SiteState state, SiteEvent next)
        {
            switch (state)
            {
                case SiteState.None:
                    BringNone(next);
                    break;
                case SiteState.Ticket:
                    Site.Works = false;
                    Begin(_ticket, next);
                    break;
                case SiteState.Id when next == SiteEvent.RenewalVerified:
                    BringRenewal();
                    break;
                case SiteState.Id:
                    Site.Works = false;
                    Begin(null, next);
                    break;
                case SiteState.Request:
                    Site.StoreAnswers = false;
                    Begin(_ticket, next);
                    break;
                case SiteState.Answered:
                    Begin(_ticket, next);
                    break;
                case SiteState.Pending:
                    _isInitiators = true;
                    Dialler.Dial(_ticket);
                    break;
                case SiteState.Open:
                    Dialler.Dial(_ticket);
                    Dialler.Exchange();
                    _isOpen = true;
                    _isInitiators = next is SiteEvent.Dialled or SiteEvent.AnswerOpened;
                    break;
            }

            _subject ??= Site.Machine.Handshakes.SingleOrDefault();
        }

        /// <summary>Makes an event happen; false where nothing can.</summary>
        public bool TryDo(SiteState state, SiteEvent what)
        {
            switch (what)
            {
                case SiteEvent.TicketCame or SiteEvent.NameCame or SiteEvent.RenewalCame:
                    using (var stranger = new DiallingSite(Site, 10, siteId: "c@4000"))
                    using (var rig = new MyChipsRig())
                    using (var renewal = rig.First(renews: true))
                    {
                        stranger.Dial(what == SiteEvent.TicketCame ? _other : null);
                        Site.Works = false;
                        Take(stranger.Address, what == SiteEvent.RenewalCame ? renewal.FirstMessage : stranger.Sent[0]);
                    }

                    return true;
                case SiteEvent.CopyCame:
                    Take(Dialler.Address, Dialler.Sent[0]);
                    return true;
                case SiteEvent.Verified or SiteEvent.RenewalVerified or SiteEvent.Unverified
                    when state is SiteState.None or SiteState.Id || (state == SiteState.Ticket && what != SiteEvent.RenewalVerified):
                    Site.StoreAnswers = false;
                    Site.AuthorizePeer = null;
                    Site.Works = true;
                    Site.Pump();
                    return true;
                case SiteEvent.Allowed or SiteEvent.Denied when state != SiteState.Pending:
                    var id = Site.Questions.Count > 0 ? Site.Questions[0].Id : new DecisionId(1);
                    Site.Machine.Decide(Site.Now, id, allow: what == SiteEvent.Allowed);
                    Site.Machine.DecideTicket(Site.Now, id, what == SiteEvent.Allowed ? TicketOutcome.Consumed : TicketOutcome.Unknown);
                    Site.Pump();
                    return true;
                case SiteEvent.TransportOpened:
                    TakeTransport();
                    return true;
                case SiteEvent.Dialled when state == SiteState.None || _isInitiators:
                    _isInitiators = true;
                    Dialler.Dial(_ticket);
                    return true;
                case SiteEvent.AnswerOpened:
                    Answer(state);
                    return true;
                case SiteEvent.Over:
                    End(state);
                    return true;
                default:
                    return false;
            }
        }

        public void Dispose()
        {
            _ticket.Dispose();
            _other.Dispose();
            Dialler.Dispose();
            Site.Dispose();
        }

        private void BringNone(SiteEvent next)
        {
            switch (next)
            {
                case SiteEvent.CopyCame:
                    // Its session lingers; without one, a copy would be a first message.
                    Dialler.Dial(_ticket);
                    Dialler.Exchange();
                    Dialler.Machine.Close(Site.Now);
                    Dialler.Pump();
                    Site.Receive(Dialler.Address, Dialler.Sent[^1]);
                    break;
                case SiteEvent.Verified or SiteEvent.RenewalVerified or SiteEvent.Unverified:
                    Site.Works = false;
                    Begin(next == SiteEvent.Verified ? _ticket : null, next);
                    Forget();
                    break;
                case SiteEvent.Allowed or SiteEvent.Denied:
                    Site.StoreAnswers = false;
                    Begin(_ticket, next);
                    Forget();
                    break;
                case SiteEvent.TransportOpened:
                    Begin(_ticket, next);
                    Forget();
                    break;
                case SiteEvent.AnswerOpened:
                    _isInitiators = true;
                    Begin(_ticket, next);
                    Dialler.Machine.CancelConnect(Site.Now);
                    break;
            }
        }

        private void BringRenewal()
        {
            Dialler.Dial(_ticket);
            Dialler.Send("one");
            Dialler.Exchange();
            var before = Dialler.Sent.Count;
            while (!Dialler.Sent.Skip(before).Any(packet => packet[0] == 'K'))
            {
                Site.Now += TimeSpan.FromSeconds(1);
                Dialler.Timeout();
            }

            Site.Works = false;
            Site.Receive(Dialler.Address, Dialler.Sent.Last(packet => packet[0] == 'K'));
        }

        private void Begin(Ticket? ticket, SiteEvent next)
        {
            Dialler.Dial(ticket);
            var first = Dialler.Sent[0].ToArray();
            first[^1] ^= (byte)(next == SiteEvent.Unverified && !Site.Works ? 1 : 0);
            Site.Receive(Dialler.Address, first);
        }

        private void Forget()
        {
            _subject = Site.Machine.Handshakes.Single();
            Site.Now += SpecLimits.DialDeadline;
            Site.Machine.HandleTimeout(Site.Now);
        }

        private void Take(NetworkAddress from, byte[] packet)
        {
            if (_isInitiators)
            {
                Dialler.Receive(packet);
            }
            else
            {
                Site.Receive(from, packet);
            }
        }

        private void TakeTransport()
        {
            if (Site.Sent.Count > 0 && Dialler.Machine.Attempts.Count > 0)
            {
                Dialler.Receive(Site.Sent[0].Packet);
            }

            var transport = Dialler.Sent.Find(packet => packet[0] == 'T');
            Take(Dialler.Address, transport ?? [(byte)'T', 0, 0, 0, 12, .. new byte[16]]);
        }

        private void Answer(SiteState state)
        {
            if (state == SiteState.Pending)
            {
                Site.Receive(Dialler.Address, Dialler.Sent[0]);
            }

            var answer = Site.Sent.Find(sent => sent.Packet[0] == 'A').Packet ?? [(byte)'A', .. new byte[48]];
            Take(Dialler.Address, answer);
        }

        private void End(SiteState state)
        {
            if (state == SiteState.Open)
            {
                Dialler.Machine.Close(Site.Now);
                Dialler.Pump();
                Dialler.Exchange();
                return;
            }

            Site.Now += SpecLimits.DialDeadline;
            Site.Machine.HandleTimeout(Site.Now);
            Dialler.Timeout();
        }
    }
}
