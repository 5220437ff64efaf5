using System.Buffers.Binary;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Sessions;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Tests.Machines;

/// <summary>
/// A peer machine under test and a hand-driven remote peer, who answers and makes each packet when the test says so.
/// </summary>
internal sealed class PeerFixture : IDisposable
{
    public static readonly PathAddress Path = EndpointFixture.PathFrom(EndpointFixture.Address(50));

    private readonly IdentityKey _local = NewIdentity(1);
    private readonly P2pkeContext _remoteContext;
    private readonly byte[] _buffer = new byte[65536];
    private readonly byte[] _plaintext = new byte[65536];

    public PeerFixture(Func<PeerMachineOptions, PeerMachineOptions>? change = null)
    {
        Remote = NewIdentity(2);
        _remoteContext = new(CryptoProvider.Default, new EndpointFixture.CountingSource(), Remote);
        var options = new PeerMachineOptions
        {
            Crypto = CryptoProvider.Default,
            Random = new EndpointFixture.CountingSource(),
            Identity = _local,
            RemotePeer = Remote.PeerId,
            WallClock = new(default, TimeSpan.FromDays(20_000)),
        };
        Machine = new(change is null ? options : change(options));
    }

    public PeerMachine Machine { get; }

    public IdentityKey Remote { get; }

    public PacketAead Aead { get; } = new(CryptoProvider.Default);

    public Instant Now { get; set; } = new(1_000_000_000_000);

    public static IdentityKey NewIdentity(byte number)
    {
        var seed = new byte[32];
        seed[0] = number;
        return IdentityKey.FromSeed(seed, CryptoProvider.Default);
    }

    /// <summary>Lets the machine initiate, and answers; returns the remote end of the session, before anything comes back on it.</summary>
    public Session Dial()
    {
        Machine.Connect(Now, Path);
        return Answer();
    }

    /// <summary>Answers the machine's pending InitHello.</summary>
    public Session Answer()
    {
        RunWork();
        var hello = Sent().Last(packet => Word(packet) == P2pkeScheme.InitHelloWord);
        var (respHello, session) = Respond(hello);
        Assert.Equal(ReceivedKind.Handshake, Receive(respHello).Kind);
        RunWork();
        return session;
    }

    /// <summary>Makes the remote peer's answer to an InitHello.</summary>
    public (byte[] RespHello, Session Session) Respond(byte[] hello, IdentityKey? by = null)
    {
        var context = by is null ? _remoteContext : new P2pkeContext(CryptoProvider.Default, new EndpointFixture.CountingSource(), by);
        using var response = new InitHelloResponse(context, hello);
        response.Run();
        Assert.Equal(DropReason.None, response.Outcome);
        var keys = response.TakeKeys();
        var established = new EstablishedSession(SchemeCatalogue.Default.Find(P2pkeScheme.SchemeName), SessionRole.Responder, keys.SendKey, keys.ReceiveKey)
        {
            RemoteKey = _local.PublicKey,
            RemotePeer = _local.PeerId,
            Path = Path,
            Begun = Now,
        };
        return (response.RespHello, new Session(established, 1, SessionLifetimes.Default));
    }

    /// <summary>Gives the machine a session that the remote peer initiated; returns the remote end.</summary>
    public Session Adopt(byte seed = 7, PathAddress? path = null, EarlyData? early = null, string scheme = P2pkeScheme.SchemeName)
    {
        var keys = Enumerable.Range(0, 2).Select(i => Enumerable.Repeat((byte)(seed + i), 32).ToArray()).ToArray();
        using var aead = CryptoProvider.Default.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
        var confirmation = new byte[SpecLimits.DatagramOverhead];
        new PacketHeader(Direction.ResponderToInitiator, PacketCounter.FirstData).WriteTo(confirmation);
        PacketAead.Seal(aead, keys[1], PacketCounter.FirstData, default, confirmation);
        Machine.Adopt(Now, new EstablishedSession(SchemeCatalogue.Default.Find(scheme), SessionRole.Responder, new SecretKey(keys[1]), new SecretKey(keys[0]))
        {
            RemoteKey = Remote.PublicKey,
            RemotePeer = Remote.PeerId,
            Path = path ?? Path,
            Begun = Now,
            FirstMessage = FirstMessage(seed),
            Finish = Finish(seed),
            Confirmation = confirmation,
            EarlyData = early,
        });
        return new Session(
            new EstablishedSession(SchemeCatalogue.Default.Find(scheme), SessionRole.Initiator, new SecretKey(keys[0]), new SecretKey(keys[1]))
            {
                RemoteKey = _local.PublicKey,
                RemotePeer = _local.PeerId,
                Path = path ?? Path,
                Begun = Now,
            },
            1,
            SessionLifetimes.Default);
    }

    /// <summary>A session with a peer that has shown it is no reference.</summary>
    public Session AdoptKnown()
    {
        var session = Adopt();
        Receive(Seal(session, []));
        Sent();
        Events();
        return session;
    }

    public static byte[] FirstMessage(byte seed) => Handshake(P2pkeScheme.InitHelloWord, seed);

    public static byte[] Finish(byte seed) => Handshake(P2pkeScheme.InitDoneWord, seed);

    public byte[] Seal(Session remote, ReadOnlySpan<byte> payload)
    {
        var packet = new byte[payload.Length + SpecLimits.DatagramOverhead];
        remote.Seal(Now, Aead, payload, packet);
        return packet;
    }

    public (ReceivedKind Kind, DropReason Reason, byte[] Payload) Receive(ReadOnlySpan<byte> datagram, PathAddress? path = null)
    {
        var received = Machine.HandleDatagram(Now, Aead, path ?? Path, datagram, _plaintext);
        return (received.Kind, received.DropReason, received.Payload.ToArray());
    }

    /// <summary>Opens what the machine sent; null when it is not sealed for this session.</summary>
    public byte[]? Open(Session remote, byte[] packet)
    {
        PacketHeader.TryRead(packet, out var header);
        var payload = new byte[packet.Length - SpecLimits.DatagramOverhead];
        return header.Direction == remote.ReceiveDirection && remote.TryOpen(Now, Aead, header.Counter, packet, payload) == DropReason.None ? payload : null;
    }

    public SealResult Send(ReadOnlySpan<byte> payload, out byte[] packet)
    {
        var result = Machine.TrySeal(Now, Aead, payload, _buffer, out var written, out _);
        packet = _buffer[..written];
        return result;
    }

    public List<byte[]> Sent()
    {
        var sent = new List<byte[]>();
        while (Machine.TryPollTransmit(Now, Aead, _buffer, out var transmit))
        {
            sent.Add(_buffer[..transmit.Length]);
        }

        return sent;
    }

    public List<PeerEvent> Events()
    {
        var events = new List<PeerEvent>();
        while (Machine.TryPollEvent(out var next))
        {
            events.Add(next!);
        }

        return events;
    }

    public void RunWork()
    {
        while (Machine.TryTakeWork(out var work))
        {
            work!.Run();
            Machine.Complete(Now, work);
        }
    }

    /// <summary>Moves the clock, doing what becomes due on the way; returns what was sent and when.</summary>
    public List<(TimeSpan At, byte[] Packet)> Advance(TimeSpan by)
    {
        var start = Now;
        var end = Now + by;
        var sent = new List<(TimeSpan, byte[])>();
        while (true)
        {
            RunWork();
            sent.AddRange(Sent().Select(packet => (Now - start, packet)));
            if (Machine.NextDeadline is not { } next || next > end)
            {
                break;
            }

            Now = next > Now ? next : Now;
            Machine.HandleTimeout(Now);
        }

        Now = end;
        return sent;
    }

    public static uint Word(byte[] packet) => BinaryPrimitives.ReadUInt32BigEndian(packet);

    public void Dispose()
    {
        Machine.Dispose();
        Aead.Dispose();
        Remote.Dispose();
        _local.Dispose();
    }

    private static byte[] Handshake(uint word, byte seed)
    {
        var message = new byte[100];
        BinaryPrimitives.WriteUInt32BigEndian(message, word);
        message[^1] = seed;
        return message;
    }
}
