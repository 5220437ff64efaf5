using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.SecretHandshake;
using PacketSec.Protocol.Tests.Machines;

namespace PacketSec.Core.Tests.Schemes.SecretHandshake;

/// <summary>An endpoint machine that serves <c>secret-handshake-1</c> directly, and callers who make each message when the test says so.</summary>
internal sealed class CalledEndpoint : IDisposable
{
    public static readonly NetworkAddress Remote = EndpointFixture.Address(200);

    private readonly List<IDisposable> _owned = [];
    private readonly byte[] _buffer = new byte[ImplementationLimits.HandshakeMessageSize];

    public CalledEndpoint(bool ask = false, byte[]? networkKey = null)
    {
        NetworkKey = networkKey is null ? null : Own(new NetworkKey(networkKey));
        Identity = NewIdentity(1);
        Machine = new(new EndpointMachineOptions
        {
            Crypto = CryptoProvider.Default,
            Random = new EndpointFixture.CountingSource(),
            Identity = Identity,
            NetworkKey = NetworkKey,
            DirectScheme = SecretHandshakeScheme.SchemeName,
            AskApplication = ask,
        });
    }

    public NetworkKey? NetworkKey { get; }

    public IdentityKey Identity { get; }

    public EndpointMachine Machine { get; }

    public Instant Now { get; set; } = new(1_000_000_000_000);

    /// <summary>Gets the datagrams that the machine sent, to any address.</summary>
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
            if (next is EndpointEvent.SessionEstablished established)
            {
                Own(established.Session);
            }
        }

        return events;
    }

    public (ReceivedKind Kind, DropReason Reason) Receive(ReadOnlySpan<byte> datagram, NetworkAddress? from = null)
    {
        var received = Machine.HandleDatagram(Now, EndpointFixture.PathFrom(from ?? Remote), datagram);
        return (received.Kind, received.DropReason);
    }

    public int RunWork()
    {
        var count = 0;
        while (Machine.TryTakeWork(out var work))
        {
            work!.Run();
            Machine.Complete(Now, work);
            count++;
        }

        return count;
    }

    public string Digest() => Convert.ToHexString(Machine.StateDigest());

    public IdentityKey NewIdentity(byte number)
    {
        var seed = new byte[32];
        seed[0] = number;
        return Own(IdentityKey.FromSeed(seed, CryptoProvider.Default));
    }

    public TestCaller NewCaller(byte number = 2) => new(this, NewIdentity(number), number);

    public void Dispose()
    {
        Machine.Dispose();
        Enumerable.Reverse(_owned).ToList().ForEach(item => item.Dispose());
    }

    internal T Own<T>(T item)
        where T : IDisposable
    {
        _owned.Add(item);
        return item;
    }
}

/// <summary>Who calls an endpoint.</summary>
internal sealed class TestCaller
{
    private readonly CalledEndpoint _endpoint;
    private readonly SecretHandshakeContext _context;
    private HandshakeState? _noise;

    public TestCaller(CalledEndpoint endpoint, IdentityKey identity, int seed)
    {
        _endpoint = endpoint;
        Identity = identity;
        _context = new(new SchemeContext(CryptoProvider.Default, new ScriptedRandom(seed), identity, endpoint.NetworkKey));
    }

    public IdentityKey Identity { get; }

    /// <summary>Gets or sets whom it calls; by default the endpoint.</summary>
    public PeerId? Callee { get; set; }

    private PeerId Called => Callee ?? _endpoint.Identity.PeerId;

    public byte[] Call()
    {
        using var work = new CallWork(_context, Protocol.Schemes.SecretHandshake.Callee.Find(Called));
        work.Run();
        _noise = _endpoint.Own(work.TakeNoise());
        return work.FirstMessage;
    }

    /// <summary>Makes message 3 of the last call.</summary>
    public CallFinishWork Finish(byte[] answer)
    {
        var work = _endpoint.Own(new CallFinishWork(_context, [new AnswerCandidate(1, 1, _noise!.Clone())], answer, Called) { Path = default });
        work.Run();
        return work;
    }

    /// <summary>Calls, and takes the answer.</summary>
    public CallFinishWork RunToMessage3()
    {
        Assert.Equal((ReceivedKind.Handshake, DropReason.None), _endpoint.Receive(Call()));
        _endpoint.RunWork();
        return Finish(_endpoint.Sent().Single());
    }
}
