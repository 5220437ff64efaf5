using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Tests.Machines;

/// <summary>An endpoint machine that negotiates, and strangers who propose.</summary>
internal sealed class EndpointNegotiationFixture : IDisposable
{
    private readonly byte[] _buffer = new byte[ImplementationLimits.HandshakeMessageSize];
    private readonly List<IdentityKey> _identities = [];
    private int _lastAttempt;

    public EndpointNegotiationFixture(string? directScheme = null, string scheme = P2pkeScheme.SchemeName)
    {
        Identity = NewIdentity(1);
        Machine = new(new EndpointMachineOptions
        {
            Crypto = CryptoProvider.Default,
            Random = new EndpointFixture.CountingSource(),
            Identity = Identity,
            Schemes = [scheme],
            DirectScheme = directScheme,
        });
    }

    public IdentityKey Identity { get; }

    public EndpointMachine Machine { get; }

    public Instant Now { get; set; } = new(1_000_000_000_000);

    public IdentityKey NewIdentity(byte number)
    {
        var seed = new byte[32];
        seed[0] = number;
        var identity = IdentityKey.FromSeed(seed, CryptoProvider.Default);
        _identities.Add(identity);
        return identity;
    }

    /// <summary>Makes a proposal of an attempt of its own.</summary>
    public byte[] NewProposal(IdentityKey by, string scheme = P2pkeScheme.SchemeName, bool takesRetry = true, byte[]? firstPacket = null)
        => ProposalFrame.Encode(by.PeerId.Multihash, Strings(scheme, takesRetry), firstPacket);

    public string[] Strings(string scheme = P2pkeScheme.SchemeName, bool takesRetry = true)
    {
        var attempt = PsecFrame.AttemptPrefix + $"{++_lastAttempt:D22}";
        return takesRetry ? [scheme, attempt, PsecFrame.Retry] : [scheme, attempt];
    }

    /// <summary>Returns a proposal with the cookie of a retry in it.</summary>
    public static byte[] WithCookie(byte[] proposal, byte[] retry)
    {
        Assert.True(WireMessage.TryRead<ProposalFrame>(proposal, out var frame));
        Assert.True(WireMessage.TryRead<AcceptFrame>(retry, out var accept));
        var strings = new List<string>();
        foreach (var text in frame)
        {
            strings.Add(System.Text.Encoding.UTF8.GetString(text));
        }

        strings.Add(System.Text.Encoding.UTF8.GetString(accept.Scheme));
        return ProposalFrame.Encode(frame.PeerId, strings, frame.FirstPacket);
    }

    public static Agreement StandardOf(byte[] proposal, string scheme = P2pkeScheme.SchemeName)
    {
        Assert.True(WireMessage.TryRead<ProposalFrame>(proposal, out var frame));
        return Agreement.Standard(CryptoProvider.Default, frame.ToNormalForm(), scheme, null);
    }

    /// <summary>Makes an InitHello bound to an agreement.</summary>
    public InitHelloWork NewInitHello(IdentityKey by, Agreement? agreement)
    {
        var context = new P2pkeContext(CryptoProvider.Default, new EndpointFixture.CountingSource(), by);
        var work = new InitHelloWork(context, Tai64n.FromUnixTime(1_700_000_000, 0), agreement);
        work.Run();
        return work;
    }

    public byte[] Finish(InitHelloWork hello, byte[] respHello, IdentityKey by)
    {
        var context = new P2pkeContext(CryptoProvider.Default, new EndpointFixture.CountingSource(), by);
        using var noise = hello.TakeNoise();
        using var work = new RespHelloWork(context, [new(1, 1, noise.Clone())], respHello, Identity.PeerId) { Path = default };
        work.Run();
        Assert.Equal(DropReason.None, work.Outcome);
        return work.InitDone;
    }

    public (ReceivedKind Kind, DropReason Reason) Receive(NetworkAddress remote, ReadOnlySpan<byte> datagram)
    {
        var received = Machine.HandleDatagram(Now, EndpointFixture.PathFrom(remote), datagram);
        return (received.Kind, received.DropReason);
    }

    public void RunWork()
    {
        while (Machine.TryTakeWork(out var work))
        {
            work!.Run();
            Machine.Complete(Now, work);
        }
    }

    public List<byte[]> Sent()
    {
        var sent = new List<byte[]>();
        while (Machine.TryPollTransmit(_buffer, out var transmit))
        {
            sent.Add(_buffer[..transmit.Length]);
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

    /// <summary>Lets a peer of the endpoint dial an address.</summary>
    public PeerHandle Propose(NetworkAddress remote, PeerId peer, ProposalOptions? options = null)
    {
        Assert.True(Machine.TryOpenPeer(peer, remote, out var handle));
        Machine.HandleNegotiation(Now, handle, new NegotiationRequest.Propose(
            new(default, remote), options ?? new() { Schemes = [P2pkeScheme.SchemeName], EmbedFirstPacket = false }));
        return handle;
    }

    /// <summary>Fills the places that strangers have for proposals.</summary>
    public void Fill(int proposals, int firstHost = 1 << 16)
    {
        using var anybody = NewIdentity(99);
        for (var i = 0; i < proposals; i++)
        {
            var from = EndpointFixture.Address(firstHost + ((i / 200) << 8) + (i % 200));
            Assert.Equal((ReceivedKind.Negotiation, DropReason.None), Receive(from, NewProposal(anybody)));
        }

        Sent();
    }

    public void Dispose()
    {
        Machine.Dispose();
        _identities.ForEach(identity => identity.Dispose());
    }
}
