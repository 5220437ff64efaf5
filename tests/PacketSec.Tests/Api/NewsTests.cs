using PacketSec.Protocol;
using PacketSec.Tests.Internal;

namespace PacketSec.Tests.Api;

/// <summary>What the threads that seal and open tell the endpoint's thread, which keeps the time: of a deadline that it does not know nothing comes.</summary>
[Collection(SocketsCollection.Name)]
public class NewsTests
{
    private readonly ManualTimeProvider _time = new();

    //= spec/sessions.md#receipt
    [Fact]
    public async Task Each_datagram_that_nothing_follows_draws_its_receipt()
    {
        await using var pair = Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        for (byte round = 0; round < 3; round++)
        {
            dialled.TrySend([round]);
            Assert.Equal([round], await accepted.ReceiveOneAsync());
            var before = pair.Dialler.UdpDatagramsReceived;
            _time.Advance(SpecLimits.AcknowledgeAfter + TimeSpan.FromMilliseconds(200));
            await Until.TrueAsync(() => pair.Dialler.UdpDatagramsReceived > before);
        }
    }

    //= spec/sessions.md#dead-session
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Data_that_is_not_answered_starts_a_handshake(bool batch)
    {
        await using var pair = Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        dialled.TrySend([1]);
        Assert.Equal([1], await accepted.ReceiveOneAsync());
        accepted.TrySend([2]);
        Assert.Equal([2], await dialled.ReceiveOneAsync());

        // Nobody waits for an answer, what was due early has come up, and the peer is not looked at for a while.
        var received = pair.Listener.UdpDatagramsReceived;
        _time.Advance(SpecLimits.AcknowledgeAfter + TimeSpan.FromMilliseconds(200));
        await Until.TrueAsync(() => pair.Listener.UdpDatagramsReceived > received);
        _time.Advance(TimeSpan.FromSeconds(5));
        await Until.TrueAsync(() => dialled.Peer.IsTooLateFor(Now + TimeSpan.FromSeconds(10)));
        await pair.Listener.AbortAsync();

        Assert.Equal(1, batch ? dialled.TrySend([new byte[] { 3 }]) : dialled.TrySend([3]) == SendResult.Sent ? 1 : 0);
        var before = pair.Dialler.IoCounters.SendCalls;
        _time.Advance(SpecLimits.DeadAfter + TimeSpan.FromMilliseconds(200));
        await Until.TrueAsync(() => pair.Dialler.IoCounters.SendCalls > before);
    }

    //= spec/sessions.md#key-erasure
    [Fact]
    public async Task When_a_session_has_ended_the_thread_that_received_on_it_wipes_its_keys()
    {
        await using var pair = Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        accepted.TrySend([1]);
        Assert.Equal([1], await dialled.ReceiveOneAsync());
        Assert.True(CipherKeys.KeepsOpeningKey(dialled.Peer.Shard));
        await pair.Listener.AbortAsync();

        _time.Advance(SpecLimits.SessionLifetime + TimeSpan.FromSeconds(1));
        await dialled.EventAsync<PacketSecChannelEvent.SessionEnded>();
        await Until.TrueAsync(() => !CipherKeys.KeepsOpeningKey(dialled.Peer.Shard));
    }

    [Fact]
    public async Task Whoever_has_news_wakes_the_endpoints_thread_where_another_has_not_come_to_it()
    {
        await using var pair = Bind();
        var (dialled, _) = await pair.OpenAsync();
        var peer = dialled.Peer;
        await Until.TrueAsync(() => Volatile.Read(ref peer.HasNews) == 0);

        // A thread that receives tells at the end of its batch, which a handler of the application may hold up.
        dialled.Endpoint.AddNews(peer);
        dialled.Endpoint.Notify(peer);
        await Until.TrueAsync(() => Volatile.Read(ref peer.HasNews) == 0);
    }

    private Instant Now => new(_time.GetTimestamp() * TimeSpan.NanosecondsPerTick);

    private EndpointPair Bind() => EndpointPair.Bind(o => o with { TimeProvider = _time }, o => o with { TimeProvider = _time });
}
