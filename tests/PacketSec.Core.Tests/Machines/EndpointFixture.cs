using System.Net;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Tests.Machines;

/// <summary>An endpoint machine under test, and what strangers need to talk to it.</summary>
internal sealed class EndpointFixture : IDisposable
{
    private readonly List<IdentityKey> _identities = [];
    private readonly byte[] _buffer = new byte[ImplementationLimits.HandshakeMessageSize];

    public EndpointFixture(string? directScheme = "p2pke-1", bool ask = false, int inbound = 16)
    {
        Identity = NewIdentity(1);
        Machine = new(new EndpointMachineOptions
        {
            Crypto = CryptoProvider.Default,
            Random = new CountingSource(),
            Identity = Identity,
            DirectScheme = directScheme,
            AskApplication = ask,
            InboundChannels = inbound,
        });
    }

    public IdentityKey Identity { get; }

    public EndpointMachine Machine { get; }

    public Instant Now { get; set; } = new(1_000_000_000_000);

    public static NetworkAddress Address(int host, int port = 4000)
        => NetworkAddress.FromEndPoint(new IPEndPoint(new IPAddress([(byte)(10 + ((host >> 24) & 1)), (byte)((host >> 16) & 255), (byte)((host >> 8) & 255), (byte)(host & 255)]), port));

    public static PathAddress PathFrom(NetworkAddress remote) => new(Address(1, 4001), remote);

    public IdentityKey NewIdentity(byte number)
    {
        var seed = new byte[32];
        seed[0] = number;
        var identity = IdentityKey.FromSeed(seed, CryptoProvider.Default);
        _identities.Add(identity);
        return identity;
    }

    public Stranger NewStranger(byte number = 2, int host = 200) => new(this, NewIdentity(number), Address(host));

    /// <summary>Gives the machine a datagram and says what became of it.</summary>
    public (ReceivedKind Kind, DropReason Reason) Receive(NetworkAddress remote, ReadOnlySpan<byte> datagram)
    {
        var received = Machine.HandleDatagram(Now, PathFrom(remote), datagram);
        return (received.Kind, received.DropReason);
    }

    /// <summary>Runs all work, or as many as given.</summary>
    public void RunWork(int most = int.MaxValue)
    {
        while (most-- > 0 && Machine.TryTakeWork(out var work))
        {
            work!.Run();
            Machine.Complete(Now, work);
        }
    }

    public List<(NetworkAddress To, byte[] Packet)> Sent()
    {
        var sent = new List<(NetworkAddress, byte[])>();
        while (Machine.TryPollTransmit(_buffer, out var transmit))
        {
            sent.Add((transmit.Path.Remote, _buffer[..transmit.Length]));
        }

        return sent;
    }

    public List<EndpointEvent> Events()
    {
        var events = new List<EndpointEvent>();
        while (Machine.TryPollEvent(out var next))
        {
            events.Add(next!);
        }

        return events;
    }

    public void Dispose()
    {
        Machine.Dispose();
        _identities.ForEach(identity => identity.Dispose());
    }

    /// <summary>Randomness that repeats from run to run.</summary>
    internal sealed class CountingSource : IRandomSource
    {
        private uint _next = 1;

        public void Fill(Span<byte> destination)
        {
            for (var i = 0; i < destination.Length; i++)
            {
                _next = unchecked((_next * 1664525) + 1013904223);
                destination[i] = (byte)(_next >> 24);
            }
        }
    }
}

/// <summary>Somebody who begins handshakes with the machine under test.</summary>
internal sealed class Stranger(EndpointFixture fixture, IdentityKey identity, NetworkAddress address)
{
    private readonly P2pkeContext _context = new(CryptoProvider.Default, new EndpointFixture.CountingSource(), identity);
    private readonly Dictionary<byte[], InitHelloWork> _hellos = [];

    public IdentityKey Identity => identity;

    public NetworkAddress Address => address;

    public byte[] NewInitHello()
    {
        var work = new InitHelloWork(_context, Tai64n.FromUnixTime(1_700_000_000, 0));
        work.Run();
        _hellos[work.InitHello] = work;
        return work.InitHello;
    }

    public byte[] NewBadInitHello()
    {
        // The last byte is the signature's.
        var hello = NewInitHello();
        hello[^1] ^= 1;
        return hello;
    }

    /// <summary>Makes the finish to an answer; the keys stay with the stranger.</summary>
    public (byte[] InitDone, EstablishedSession Session) Finish(byte[] initHello, byte[] respHello)
    {
        using var noise = _hellos[initHello].TakeNoise();
        using var work = new RespHelloWork(_context, [new(1, 1, noise.Clone())], respHello, fixture.Identity.PeerId) { Path = default };
        work.Run();
        Assert.Equal(DropReason.None, work.Outcome);
        var (send, receive) = work.TakeKeys();
        var session = new EstablishedSession(SchemeCatalogue.Default.Find(P2pkeScheme.SchemeName), SessionRole.Initiator, send, receive)
        {
            RemoteKey = fixture.Identity.PublicKey,
            RemotePeer = fixture.Identity.PeerId,
            Path = new(default, EndpointFixture.Address(1)),
            Begun = fixture.Now,
        };
        return (work.InitDone, session);
    }

    /// <summary>Begins a handshake up to the verified finish.</summary>
    public (byte[] InitHello, byte[] InitDone, EstablishedSession Session) Complete()
    {
        var hello = NewInitHello();
        Assert.Equal((ReceivedKind.Handshake, DropReason.None), fixture.Receive(address, hello));
        fixture.RunWork();
        var (done, session) = Finish(hello, fixture.Sent().Single().Packet);
        Assert.Equal((ReceivedKind.Handshake, DropReason.None), fixture.Receive(address, done));
        fixture.RunWork();
        return (hello, done, session);
    }
}
