using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Protocol.Tests.Machines;

namespace PacketSec.Protocol.Tests.Schemes.MyChips;

/// <summary>A site that serves <c>mychips-1</c> directly, with its machines, and a store of tickets in memory.</summary>
internal sealed class ServingSite : IDisposable
{
    public static readonly NetworkAddress Address = EndpointFixture.Address(1, 4001);

    private readonly byte[] _buffer = new byte[65536];
    private readonly byte[] _plaintext = new byte[65536];
    private readonly PacketAead _aead = new(CryptoProvider.Default);
    private readonly Dictionary<PeerHandle, HashSet<NetworkAddress>> _addresses = [];

    public ServingSite(int inbound = 1024)
    {
        Identity = EndpointFixtureIdentity(1);
        Machine = new(new EndpointMachineOptions
        {
            Crypto = CryptoProvider.Default,
            Random = new EndpointFixture.CountingSource(),
            Identity = Identity,
            DirectScheme = MyChipsScheme.SchemeName,
            Sites = Sites,
            InboundChannels = inbound,
        });
    }

    public IdentityKey Identity { get; }

    public EndpointMachine Machine { get; }

    public Dictionary<PeerHandle, PeerMachine> Peers { get; } = [];

    public Dictionary<string, PublicKey> Sites { get; } = [];

    public TicketLedger Ledger { get; } = new();

    /// <summary>Gets or sets who decides about known sites; null holds all questions back.</summary>
    public Func<PublicKey, string, bool>? AuthorizePeer { get; set; } = (_, _) => true;

    /// <summary>Gets or sets a value indicating whether the store answers.</summary>
    public bool StoreAnswers { get; set; } = true;

    /// <summary>Gets or sets a value indicating whether work is done at once.</summary>
    public bool Works { get; set; } = true;

    public List<EndpointEvent.DecisionRequested> Questions { get; } = [];

    public List<(NetworkAddress To, byte[] Packet)> Sent { get; } = [];

    public List<string> Delivered { get; } = [];

    public Instant Now { get; set; } = new(1_000_000_000_000);

    /// <summary>Gets or sets the store's clock.</summary>
    public long Time { get; set; } = Tickets.NotAfter;

    public static IdentityKey EndpointFixtureIdentity(byte number) => PeerFixture.NewIdentity(number);

    public Ticket Issue(int uses = 1, TicketBinding? binding = null, string purpose = "tally")
    {
        var ticket = Ticket.Issue(
            new EndpointFixture.CountingSource(), Identity.PublicKey, [],
            new() { NotAfter = Tickets.NotAfter, Uses = uses, Purpose = purpose, Binding = binding ?? TicketBinding.None });
        Assert.True(Ledger.Add(ticket.ToRecord(CryptoProvider.Default)));
        return ticket;
    }

    public (ReceivedKind Kind, DropReason Reason) Receive(NetworkAddress from, byte[] datagram)
    {
        var path = new PathAddress(Address, from);
        foreach (var (handle, peer) in Peers)
        {
            if (!_addresses[handle].Contains(from))
            {
                continue;
            }

            var received = peer.HandleDatagram(Now, _aead, path, datagram, _plaintext);
            if (received.Kind == ReceivedKind.Payload)
            {
                Delivered.Add(System.Text.Encoding.UTF8.GetString(received.Payload));
            }

            if (received.Kind != ReceivedKind.Unclaimed)
            {
                var outcome = (received.Kind, received.DropReason);
                Pump();
                return outcome;
            }
        }

        var last = Machine.HandleDatagram(Now, path, datagram);
        var result = (last.Kind, last.DropReason);
        Pump();
        return result;
    }

    public void Answer(EndpointEvent.DecisionRequested question)
    {
        if (question.Ticket is { } ticket)
        {
            Machine.DecideTicket(Now, question.Id, Ledger.Consume(ticket.ToClaim(question.Identity, Time)).Outcome);
        }
        else
        {
            Machine.Decide(Now, question.Id, AuthorizePeer!(question.Identity, question.SiteId!));
        }

        Pump();
    }

    public void Pump()
    {
        while (Works && Machine.TryTakeWork(out var work))
        {
            work!.Run();
            Machine.Complete(Now, work);
        }

        while (Machine.TryPollTransmit(_buffer, out var transmit))
        {
            Sent.Add((transmit.Path.Remote, _buffer[..transmit.Length]));
        }

        while (Machine.TryPollEvent(out var next))
        {
            switch (next)
            {
                case EndpointEvent.SessionEstablished established:
                    Adopt(established);
                    break;
                case EndpointEvent.DecisionRequested question:
                    Questions.Add(question);
                    if (question.Ticket is null ? AuthorizePeer is not null : StoreAnswers)
                    {
                        Answer(question);
                    }

                    break;
                default:
                    throw new InvalidOperationException($"{next} was not expected.");
            }
        }

        foreach (var (handle, peer) in Peers)
        {
            PumpPeer(handle, peer);
        }
    }

    public void Send(PeerMachine peer, string text)
    {
        var sealing = peer.TrySeal(Now, _aead, System.Text.Encoding.UTF8.GetBytes(text), _buffer, out var length, out var path);
        Assert.Equal(SealResult.Sealed, sealing);
        Sent.Add((path.Remote, _buffer[..length]));
    }

    public void Dispose()
    {
        foreach (var peer in Peers.Values)
        {
            peer.Dispose();
        }

        Machine.Dispose();
        Identity.Dispose();
        _aead.Dispose();
    }

    private void Adopt(EndpointEvent.SessionEstablished established)
    {
        if (!Peers.TryGetValue(established.Peer, out var peer))
        {
            _addresses[established.Peer] = [];
            peer = Peers[established.Peer] = new(new PeerMachineOptions
            {
                Crypto = CryptoProvider.Default,
                Random = new EndpointFixture.CountingSource(),
                Identity = Identity,
                RemotePeer = established.Session.RemotePeer,
                WallClock = new(default, TimeSpan.FromDays(20_000)),
            });
        }

        peer.Adopt(Now, established.Session);
        while (peer.TryPollEarlyDatagram(Now, _aead, _plaintext, out var length))
        {
            Delivered.Add(System.Text.Encoding.UTF8.GetString(_plaintext.AsSpan(0, length)));
        }
    }

    private void PumpPeer(PeerHandle handle, PeerMachine peer)
    {
        while (peer.TryTakeWork(out var work))
        {
            work!.Run();
            peer.Complete(Now, work);
        }

        while (peer.TryPollEvent(out var next))
        {
            if (next is PeerEvent.RouteChanged change)
            {
                Machine.HandleRouteChange(handle, change);
                _ = change.Use == RouteUse.None ? _addresses[handle].Remove(change.Remote) : _addresses[handle].Add(change.Remote);
            }
        }

        while (peer.TryPollTransmit(Now, _aead, _buffer, out var transmit))
        {
            Sent.Add((transmit.Path.Remote, _buffer[..transmit.Length]));
        }
    }
}

/// <summary>A site that dials.</summary>
internal sealed class DiallingSite : IDisposable
{
    private readonly ServingSite _called;
    private readonly byte[] _buffer = new byte[65536];
    private readonly byte[] _plaintext = new byte[65536];
    private readonly PacketAead _aead = new(CryptoProvider.Default);
    private int _taken;

    public DiallingSite(
        ServingSite called, byte number, string? siteId = null, byte[]? certificate = null, IdentityKey? called2 = null, bool withTicket = false,
        int maxDatagram = ImplementationLimits.DatagramSize)
    {
        _called = called;
        Address = EndpointFixture.Address(number, 4000);
        Identity = ServingSite.EndpointFixtureIdentity(number);
        Machine = new(new PeerMachineOptions
        {
            Crypto = CryptoProvider.Default,
            Random = new Seeded(number),
            Identity = Identity,
            RemotePeer = (called2 ?? called.Identity).PeerId,
            WallClock = new(default, TimeSpan.FromDays(20_000)),
            SiteId = siteId,
            Certificate = certificate ?? [],
            CertificateWithTicket = withTicket,
            MaxDatagramSize = maxDatagram,
        });
    }

    public NetworkAddress Address { get; set; }

    public IdentityKey Identity { get; }

    public PeerMachine Machine { get; }

    public List<byte[]> Sent { get; } = [];

    public List<PeerEvent> Events { get; } = [];

    public List<string> Delivered { get; } = [];

    public void Dial(Ticket? ticket = null)
    {
        Machine.Connect(_called.Now, new(default, ServingSite.Address), directScheme: MyChipsScheme.SchemeName, ticket: ticket);
        Pump();
    }

    public SealResult Send(string text)
    {
        var result = Machine.TrySeal(_called.Now, _aead, System.Text.Encoding.UTF8.GetBytes(text), _buffer, out var length, out _);
        if (result == SealResult.Sealed)
        {
            Sent.Add(_buffer[..length]);
        }

        Pump();
        return result;
    }

    public void Timeout()
    {
        Machine.HandleTimeout(_called.Now);
        Pump();
    }

    /// <summary>Carries everything between the two until nobody says more.</summary>
    public void Exchange()
    {
        for (var moved = true; moved;)
        {
            moved = false;
            while (_taken < Sent.Count)
            {
                _called.Receive(Address, Sent[_taken++]);
                moved = true;
            }

            foreach (var (to, packet) in _called.Sent.ToArray())
            {
                if (to == Address)
                {
                    _called.Sent.Remove((to, packet));
                    Receive(packet);
                    moved = true;
                }
            }
        }
    }

    public void Lose() => _taken = Sent.Count;

    public ReceivedKind Receive(byte[] packet)
    {
        var received = Machine.HandleDatagram(_called.Now, _aead, new(default, ServingSite.Address), packet, _plaintext);
        if (received.Kind == ReceivedKind.Payload)
        {
            Delivered.Add(System.Text.Encoding.UTF8.GetString(received.Payload));
        }

        var kind = received.Kind;
        Pump();
        return kind;
    }

    public void Pump()
    {
        while (Machine.TryTakeWork(out var work))
        {
            work!.Run();
            Machine.Complete(_called.Now, work);
        }

        while (Machine.TryPollEvent(out var next))
        {
            Events.Add(next!);
        }

        while (Machine.TryPollTransmit(_called.Now, _aead, _buffer, out var transmit))
        {
            Sent.Add(_buffer[..transmit.Length]);
        }
    }

    public void Dispose()
    {
        Machine.Dispose();
        Identity.Dispose();
        _aead.Dispose();
    }

    private sealed class Seeded(byte number) : IRandomSource
    {
        private readonly EndpointFixture.CountingSource _source = new();

        public void Fill(Span<byte> destination)
        {
            _source.Fill(destination);
            foreach (ref var one in destination)
            {
                one ^= number;
            }
        }
    }
}
