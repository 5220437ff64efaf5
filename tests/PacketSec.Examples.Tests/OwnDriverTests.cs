using System.Net;
using System.Text;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;

namespace PacketSec.Examples.Tests;

public sealed class OwnDriverTests
{
    private static readonly NetworkAddress ListenerAddress = NetworkAddress.FromEndPoint(new(IPAddress.Parse("192.0.2.1"), 4001));
    private static readonly NetworkAddress DiallerAddress = NetworkAddress.FromEndPoint(new(IPAddress.Parse("192.0.2.2"), 4002));
    private static readonly WallClock Calendar = new(new Instant(0), TimeSpan.FromDays(20_000));

    [Fact]
    public void Two_hosts_without_sockets_of_ours_exchange_datagrams()
    {
        var now = new Instant(0);
        var wire = new Queue<(NetworkAddress From, NetworkAddress To, byte[] Datagram)>();
        var received = new List<string>();
        using var listenerKey = IdentityKey.FromSeed(Seed(1), CryptoProvider.Default);
        using var diallerKey = IdentityKey.FromSeed(Seed(2), CryptoProvider.Default);
        using var listener = Host(listenerKey, ListenerAddress);
        using var dialler = Host(diallerKey, DiallerAddress);

        var channel = dialler.Connect(now, listenerKey.PeerId, new PathAddress(DiallerAddress, ListenerAddress));
        Assert.Equal(SealResult.Queued, dialler.TrySend(now, channel, "hello"u8));
        Carry();
        Assert.True(channel.IsOpen);
        Assert.Equal(SealResult.Sealed, dialler.TrySend(now, channel, "again"u8));
        Carry();

        Assert.Equal([$"{diallerKey.PeerId}: hello", $"{diallerKey.PeerId}: again"], received);

        OwnDriver Host(IdentityKey identity, NetworkAddress address) => new(identity, Calendar)
        {
            Send = (path, datagram) => wire.Enqueue((address, path.Remote, datagram)),
            Received = (peer, payload) => received.Add($"{peer}: {Encoding.UTF8.GetString(payload)}"),
        };

        void Carry()
        {
            while (wire.TryDequeue(out var packet))
            {
                var to = packet.To == ListenerAddress ? listener : dialler;
                to.OnDatagram(now, new PathAddress(packet.To, packet.From), packet.Datagram);
            }
        }
    }

    [Fact]
    public void What_the_network_loses_comes_again_when_the_deadline_says_so()
    {
        var sent = 0;
        using var key = IdentityKey.FromSeed(Seed(3), CryptoProvider.Default);
        using var other = IdentityKey.FromSeed(Seed(4), CryptoProvider.Default);
        using var dialler = new OwnDriver(key, Calendar) { Send = (_, _) => sent++, Received = (_, _) => { } };

        dialler.Connect(new Instant(0), other.PeerId, new PathAddress(DiallerAddress, ListenerAddress));
        Assert.Equal(1, sent);
        dialler.OnTimer(dialler.NextDeadline!.Value);
        Assert.Equal(2, sent);
    }

    private static byte[] Seed(byte value)
    {
        var seed = new byte[IdentityKey.SeedSize];
        Array.Fill(seed, value);
        return seed;
    }
}
