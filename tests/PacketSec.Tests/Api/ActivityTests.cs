using System.Collections.Concurrent;
using System.Diagnostics;

namespace PacketSec.Tests.Api;

[Collection(SocketsCollection.Name)]
public sealed class ActivityTests
{
    [Theory]
    [InlineData(0, ActivityStatusCode.Ok, ActivityStatusCode.Ok)]
    [InlineData(7, ActivityStatusCode.Ok, ActivityStatusCode.Error)]
    public async Task A_connection_is_one_activity_from_its_begin_to_its_end(int code, object closer, object closed)
    {
        var stopped = new ConcurrentBag<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "PacketSec",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = stopped.Add,
        };
        ActivitySource.AddActivityListener(listener);
        await using var pair = await Streams.ConnectionPair.OpenAsync();
        var before = Activity.Current;
        await pair.OpenStreamAsync();
        Assert.Same(before, Activity.Current);
        Assert.Empty(stopped);

        await pair.Dialled.CloseAsync(code, "words of the peer");
        await Until.TrueAsync(() => stopped.Count == 2);

        var own = Assert.Single(stopped, activity => Equals(activity.GetTagItem("packetsec.peer"), pair.Dialled.RemotePeerId.ToString()));
        var other = Assert.Single(stopped, activity => activity != own);
        Assert.Equal(((ActivityStatusCode)closer, (ActivityStatusCode)closed), (own.Status, other.Status));
        Assert.Equal(["even", "odd"], stopped.Select(activity => (string)activity.GetTagItem("packetsec.side")!).Order());
        Assert.All(stopped, activity =>
        {
            Assert.Equal(("packetsec.connection", "p2pke-1"), (activity.OperationName, activity.GetTagItem("packetsec.scheme")));
            Assert.Equal((long)code, activity.GetTagItem("packetsec.close.code"));
            Assert.DoesNotContain(activity.TagObjects, tag => tag.Value is string text && text.Contains("words", StringComparison.Ordinal));
        });
        Assert.Equal(1L, own.GetTagItem("packetsec.stream_bytes.sent"));
        Assert.Equal(1L, other.GetTagItem("packetsec.stream_bytes.received"));
    }
}
