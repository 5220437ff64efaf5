using System.Net;

namespace PacketSec.Tests.Api;

/// <summary>Several sockets at one port.</summary>
[Collection(SocketsCollection.Name)]
public class ShardTests
{
    [LinuxFact]
    public async Task Channels_spread_over_shards_and_every_datagram_arrives_once()
    {
        const int Peers = 24;
        const int Each = 50;
        using var identity = PacketSecIdentity.Generate();
        await using var listener = PacketSecEndpoint.Bind(new() { Identity = identity, LocalEndPoint = new(IPAddress.Loopback, 0), Shards = 4 });
        var identities = new List<PacketSecIdentity>();
        var diallers = new List<PacketSecEndpoint>();
        var pairs = new List<(PacketSecChannel Dialled, PacketSecChannel Accepted)>();
        for (var i = 0; i < Peers; i++)
        {
            identities.Add(PacketSecIdentity.Generate());
            diallers.Add(PacketSecEndpoint.Bind(new() { Identity = identities[i], LocalEndPoint = new(IPAddress.Loopback, 0), Shards = 1 + (i % 2) }));
            using var ceiling = EndpointPair.Ceiling();
            var connecting = diallers[i].ConnectAsync(listener.LocalEndPoint, listener.PeerId, ceiling.Token);
            var accepted = await listener.AcceptAsync(ceiling.Token);
            pairs.Add((await connecting, accepted));
        }

        foreach (var (dialled, accepted) in pairs)
        {
            for (var i = 0; i < Each; i++)
            {
                Assert.Equal(SendResult.Sent, dialled.TrySend([(byte)i]));
                Assert.Equal([(byte)i], await accepted.ReceiveOneAsync());
                Assert.Equal(SendResult.Sent, accepted.TrySend([(byte)i, 1]));
                Assert.Equal([(byte)i, 1], await dialled.ReceiveOneAsync());
            }
        }

        // The system spreads source ports over the sockets; that all of 24 come to one has a chance of 4 to the minus 23.
        Assert.InRange(pairs.Select(pair => pair.Accepted.Peer.Shard).Distinct().Count(), 2, 4);
        Assert.All(pairs, pair => Assert.Equal(Each, pair.Accepted.GetStatistics().DatagramsReceived));

        // One call that sends on channels of all shards.
        var datagrams = pairs.Select(pair => new OutgoingDatagram(pair.Accepted, new byte[] { 9 })).ToArray();
        Assert.Equal(Peers, listener.TrySend(datagrams));
        foreach (var (dialled, _) in pairs)
        {
            Assert.Equal([9], await dialled.ReceiveOneAsync());
        }

        await Task.WhenAll(diallers.Select(dialler => dialler.DisposeAsync().AsTask()));
        identities.ForEach(one => one.Dispose());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65)]
    public void The_number_of_shards_has_bounds(int shards)
    {
        using var identity = PacketSecIdentity.Generate();
        var error = Assert.Throws<ArgumentException>(() => PacketSecEndpoint.Bind(new() { Identity = identity, Shards = shards }));
        Assert.Contains("1 to 64", error.Message, StringComparison.Ordinal);
    }
}
