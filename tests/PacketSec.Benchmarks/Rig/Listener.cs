using System.Net;
using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes;

namespace PacketSec.Benchmarks.Rig;

/// <summary>
/// A listening endpoint and those who dial it, on the real machines, without sockets and in virtual time: datagrams go from one machine to the
/// other as they are polled.
/// </summary>
internal sealed class Listener : IDisposable
{
    private readonly RandomSource _random = new();
    private readonly IdentityKey _identity;
    private readonly byte[] _datagram = new byte[ImplementationLimits.HandshakeMessageSize];
    private readonly byte[] _plaintext = new byte[ImplementationLimits.HandshakeMessageSize];
    private readonly List<PeerMachine?> _servers = [];
    private byte[] _lastKey = [];

    public Listener(ICryptoProvider crypto)
    {
        Crypto = crypto;
        Aead = new PacketAead(crypto);
        _identity = NewIdentity();
        Endpoint = new EndpointMachine(new()
        {
            Crypto = crypto,
            Random = _random,
            Identity = _identity,
            DirectScheme = "p2pke-1",
        });
    }

    public ICryptoProvider Crypto { get; }

    public PacketAead Aead { get; }

    public EndpointMachine Endpoint { get; }

    /// <summary>Gets or sets the time, which stands still by itself: no session ages while it is measured.</summary>
    public Instant Now { get; set; } = new(1_000_000_000_000);

    private static NetworkAddress Address { get; } = NetworkAddress.FromEndPoint(new(IPAddress.Parse("198.51.100.1"), 4001));

    public IdentityKey NewIdentity()
    {
        Span<byte> seed = stackalloc byte[32];
        _random.Fill(seed);
        return IdentityKey.FromSeed(seed, Crypto);
    }

    /// <summary>Opens a channel: a complete handshake, up to the packets that confirm it to both sides.</summary>
    /// <param name="identity">Who dials.</param>
    /// <param name="number">The address it dials from, each in a network of its own.</param>
    public Peering Dial(IdentityKey identity, int number)
    {
        var remote = NetworkAddress.FromEndPoint(new(new IPAddress([10, (byte)((number >> 8) & 255), (byte)(number & 255), 1]), 4000));
        var client = NewMachine(identity, _identity.PeerId);
        var handle = Connect(client, new(remote, Address));
        return new(client, ServerOf(handle), handle, new(remote, Address), _lastKey);
    }

    /// <summary>Makes another session of an open channel, which overlaps the one before.</summary>
    public void Renew(Peering peering) => Connect(peering.Client, peering.AtClient);

    /// <summary>Ends a channel on both sides at once.</summary>
    public void Hang(Peering peering)
    {
        Endpoint.ClosePeer(peering.Handle);
        _servers[(int)peering.Handle.Value] = null;
        peering.Client.Dispose();
        peering.Server.Dispose();
    }

    /// <summary>Finds the machine that an endpoint's handle names, as a driver does.</summary>
    public PeerMachine ServerOf(PeerHandle handle) => _servers[(int)handle.Value]!;

    public void Dispose()
    {
        Endpoint.Dispose();
        Aead.Dispose();
        _identity.Dispose();
    }

    private PeerHandle Connect(PeerMachine client, in PathAddress atClient)
    {
        var atServer = new PathAddress(atClient.Remote, atClient.Local);
        client.Connect(Now, atClient);
        PeerHandle handle = default;
        bool moved;
        do
        {
            moved = RunWork(client);
            while (client.TryPollEvent(out _))
            {
                moved = true;
            }

            while (client.TryPollTransmit(Now, Aead, _datagram, out var transmit))
            {
                moved = true;
                ToServer(atServer, _datagram.AsSpan(0, transmit.Length));
            }

            moved |= DrainEndpoint(client, atClient, ref handle);
            moved |= DrainServer(handle, client, atClient);
        }
        while (moved);

        return client.IsOpen && Endpoint.TryRoute(atClient.Local, out var route) && route.Count == 1
            ? route[0]
            : throw new InvalidOperationException("A handshake in memory did not complete.");
    }

    private void ToServer(in PathAddress path, ReadOnlySpan<byte> datagram)
    {
        if (Endpoint.TryRoute(path.Remote, out var route))
        {
            for (var i = 0; i < route.Count; i++)
            {
                if (_servers[(int)route[i].Value]!.HandleDatagram(Now, Aead, path, datagram, _plaintext).Kind != ReceivedKind.Unclaimed)
                {
                    return;
                }
            }
        }

        Endpoint.HandleDatagram(Now, path, datagram);
    }

    private bool DrainEndpoint(PeerMachine client, in PathAddress atClient, ref PeerHandle handle)
    {
        var moved = false;
        while (Endpoint.TryTakeWork(out var work))
        {
            moved = true;
            work!.Run();
            Endpoint.Complete(Now, work);
        }

        while (Endpoint.TryPollEvent(out var happened))
        {
            moved = true;
            if (happened is EndpointEvent.SessionEstablished established)
            {
                handle = established.Peer;
                Adopt(handle, established.Session);
            }
        }

        while (Endpoint.TryPollTransmit(_datagram, out var transmit))
        {
            moved = true;
            client.HandleDatagram(Now, Aead, atClient, _datagram.AsSpan(0, transmit.Length), _plaintext);
        }

        return moved;
    }

    private void Adopt(PeerHandle handle, EstablishedSession session)
    {
        while (_servers.Count <= handle.Value)
        {
            _servers.Add(null);
        }

        _lastKey = session.ReceiveKey.Span.ToArray();
        var server = _servers[(int)handle.Value] ??= NewMachine(_identity, session.RemotePeer);
        server.Adopt(Now, session);
    }

    private bool DrainServer(PeerHandle handle, PeerMachine client, in PathAddress atClient)
    {
        if (handle == default)
        {
            return false;
        }

        var server = ServerOf(handle);
        var moved = RunWork(server);
        while (server.TryPollEvent(out var happened))
        {
            moved = true;
            if (happened is PeerEvent.RouteChanged change)
            {
                Endpoint.HandleRouteChange(handle, change);
            }
        }

        while (server.TryPollTransmit(Now, Aead, _datagram, out var transmit))
        {
            moved = true;
            client.HandleDatagram(Now, Aead, atClient, _datagram.AsSpan(0, transmit.Length), _plaintext);
        }

        return moved;
    }

    private bool RunWork(PeerMachine machine)
    {
        var moved = false;
        while (machine.TryTakeWork(out var work))
        {
            moved = true;
            work!.Run();
            machine.Complete(Now, work);
        }

        return moved;
    }

    private PeerMachine NewMachine(IdentityKey identity, PeerId remote) => new(new()
    {
        Crypto = Crypto,
        Random = _random,
        Identity = identity,
        RemotePeer = remote,
        WallClock = new(default, TimeSpan.FromDays(20_000)),
    });

    private sealed class RandomSource : IRandomSource
    {
        public void Fill(Span<byte> destination) => RandomNumberGenerator.Fill(destination);
    }
}
