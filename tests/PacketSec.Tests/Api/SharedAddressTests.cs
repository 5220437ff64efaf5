using System.Net;
using System.Net.Sockets;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Schemes.P2pke;

namespace PacketSec.Tests.Api;

/// <summary>Two identities behind one address, as behind a relay: the endpoint's thread asks the machine of each whose a datagram is.</summary>
[Collection(SocketsCollection.Name)]
public class SharedAddressTests
{
    [Fact]
    public async Task What_a_sender_left_to_a_peer_stays_with_it_when_a_datagram_is_another_peers()
    {
        var time = new ManualTimeProvider();
        await using var pair = EndpointPair.Bind(
            o => o with { TimeProvider = time, DirectScheme = P2pkeScheme.SchemeName }, o => o with { DirectScheme = P2pkeScheme.SchemeName });
        using var otherIdentity = PacketSecIdentity.Generate();
        await using var other = PacketSecEndpoint.Bind(pair.ListenerOptions with { Identity = otherIdentity });
        using var relay = new Relay(pair.Dialler.LocalEndPoint);

        // The first one's session is too old to send on, and still receives; the second one's is not.
        var (first, firstAccepted) = await OpenAsync(pair.Dialler, pair.Listener, relay);
        time.Advance(TimeSpan.FromSeconds(20));
        var (second, secondAccepted) = await OpenAsync(pair.Dialler, other, relay);
        time.Advance(SpecLimits.SessionSendLifetime - TimeSpan.FromSeconds(19));
        var now = new Instant(time.GetTimestamp() * TimeSpan.NanosecondsPerTick);
        await Until.TrueAsync(() => DeadlineOf(first) > now);

        // As TrySend does up to where it leaves the gate: the handshake's first work is left to the endpoint's thread.
        using (var aead = new PacketAead(CryptoProvider.Default))
        {
            lock (first.Peer.Gate)
            {
                Assert.Equal(SealResult.Queued, first.Peer.Machine.TrySeal(now, aead, [7], new byte[100], out _, out _));
            }
        }

        relay.Target = pair.Listener.LocalEndPoint;
        secondAccepted.TrySend([8]);
        Assert.Equal([8], await second.ReceiveOneAsync());
        first.Endpoint.Notify(first.Peer);
        Assert.Equal([7], await firstAccepted.ReceiveOneAsync());
        await other.AbortAsync();
    }

    private static Instant? DeadlineOf(PacketSecChannel channel)
    {
        lock (channel.Peer.Gate)
        {
            return channel.Peer.Machine.NextDeadline;
        }
    }

    private static async Task<(PacketSecChannel Dialled, PacketSecChannel Accepted)> OpenAsync(
        PacketSecEndpoint dialler, PacketSecEndpoint listener, Relay relay)
    {
        using var ceiling = EndpointPair.Ceiling();
        relay.Target = listener.LocalEndPoint;
        var options = new PacketSecConnectOptions { DirectScheme = P2pkeScheme.SchemeName };
        var dialled = dialler.ConnectAsync(relay.Address, listener.PeerId, options, ceiling.Token);
        var accepted = await listener.AcceptAsync(ceiling.Token);
        return (await dialled, accepted);
    }

    /// <summary>One address for all that stand behind it: what they send goes to the dialler, and what that one sends to one of them.</summary>
    private sealed class Relay : IDisposable
    {
        private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));
        private readonly IPEndPoint _dialler;
        private IPEndPoint? _target;

        public Relay(IPEndPoint dialler)
        {
            _dialler = dialler;
            _ = RunAsync();
        }

        public IPEndPoint Address => (IPEndPoint)_socket.Client.LocalEndPoint!;

        public IPEndPoint Target
        {
            set => Volatile.Write(ref _target, value);
        }

        public void Dispose() => _socket.Dispose();

        private async Task RunAsync()
        {
            try
            {
                while (true)
                {
                    var datagram = await _socket.ReceiveAsync();
                    await _socket.SendAsync(datagram.Buffer, datagram.RemoteEndPoint.Equals(_dialler) ? Volatile.Read(ref _target) : _dialler);
                }
            }
            catch (ObjectDisposedException)
            {
                // The test is over.
            }
            catch (SocketException) when (_socket.Client is null)
            {
                // So it is.
            }
        }
    }
}
