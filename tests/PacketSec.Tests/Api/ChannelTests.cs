namespace PacketSec.Tests.Api;

[Collection(SocketsCollection.Name)]
public class ChannelTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Datagrams_go_both_ways(bool portable)
    {
        await using var pair = EndpointPair.Bind(o => o with { UsePortableSockets = portable }, o => o with { UsePortableSockets = portable });
        var (dialled, accepted) = await pair.OpenAsync();

        Assert.Equal(SendResult.Sent, dialled.TrySend([1, 2, 3]));
        Assert.Equal([1, 2, 3], await accepted.ReceiveOneAsync());
        Assert.NotEqual(SendResult.Closed, accepted.TrySend([4]));
        Assert.Equal([4], await dialled.ReceiveOneAsync());
        Assert.Equal(pair.Listener.PeerId, dialled.RemotePeerId);
        Assert.Equal(pair.Dialler.PeerId, accepted.RemotePeerId);
        Assert.Equal(pair.Listener.LocalEndPoint, dialled.RemoteAddress);
        Assert.Equal(pair.Dialler.LocalEndPoint, accepted.RemoteAddress);
        Assert.Equal("p2pke-1", dialled.Scheme);
        Assert.Equal(1212, dialled.MaxDatagramSize);
    }

    [Fact]
    public async Task A_closed_channel_ends_the_other_side()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        Assert.Equal(SendResult.Sent, dialled.TrySend([1]));
        Assert.Equal([1], await accepted.ReceiveOneAsync());

        await dialled.DisposeAsync();

        var error = await Assert.ThrowsAsync<PacketSecException>(accepted.ReceiveOneAsync);
        Assert.Equal(PacketSecError.PeerClosed, error.Error);
        Assert.Equal(PacketSecError.PeerClosed, await accepted.Closed.WithinCeiling());
        Assert.Null(await dialled.Closed.WithinCeiling());
        Assert.Equal(SendResult.Closed, dialled.TrySend([1]));
        Assert.Equal(SendResult.Closed, accepted.TrySend([1]));
    }
}
