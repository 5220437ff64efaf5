using System.Net;

namespace PacketSec.Tests.Api;

[Collection(SocketsCollection.Name)]
public class DialTests
{
    private const int SessionConfirmed = 4;

    [Fact]
    public async Task A_dial_that_comes_before_the_news_of_the_peers_closing_gets_a_new_channel()
    {
        using var log = new LogRecorder();
        await using var pair = EndpointPair.Bind(o => o with { LoggerFactory = log });
        using var otherIdentity = PacketSecIdentity.Generate();
        await using var other = PacketSecEndpoint.Bind(pair.ListenerOptions with { Identity = otherIdentity });
        using var ceiling = EndpointPair.Ceiling();
        var (dialled, accepted) = await pair.OpenAsync();

        // The endpoint's thread is held up while the closing is received, and looks at the dial first.
        log.Hold(SessionConfirmed);
        var held = pair.Dialler.ConnectAsync(other.LocalEndPoint, other.PeerId, ceiling.Token);
        await Until.TrueAsync(() => log.IsHolding);
        var closing = accepted.DisposeAsync();
        await Until.TrueAsync(() => dialled.Peer.Machine.IsClosing);
        var again = pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId, ceiling.Token);
        log.Release();

        await closing;
        _ = await held;
        Assert.NotSame(dialled, await again);
        Assert.Equal(PacketSecError.PeerClosed, await dialled.Closed.WithinCeiling());
        await other.AbortAsync();
    }

    [Fact]
    public async Task A_list_of_schemes_that_changes_later_changes_nothing()
    {
        List<string> served = ["p2pke-1"];
        List<string> proposed = ["p2pke-1"];
        await using var pair = EndpointPair.Bind(listener: o => o with { Schemes = served });
        using var ceiling = EndpointPair.Ceiling();
        served.Add("no-such-scheme");
        var dial = pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId, new() { Schemes = proposed }, ceiling.Token);
        proposed.Add("no-such-scheme");

        _ = await pair.Listener.AcceptAsync(ceiling.Token);
        _ = await dial;
    }

    [Theory]
    [InlineData("::", "::", "127.0.0.1")]
    [InlineData("::", "::", "127.0.0.2")]
    [InlineData("::", "::", "::1")]
    [InlineData("::", "0.0.0.0", "127.0.0.1")]
    [InlineData("0.0.0.0", "::", "127.0.0.2")]
    [InlineData("0.0.0.0", "127.0.0.1", "127.0.0.2")]
    [InlineData("127.0.0.1", "::", "127.0.0.1")]
    [InlineData("::1", "::1", "::1")]
    public async Task A_listener_answers_from_the_address_that_was_dialled(string listen, string dialFrom, string dial)
    {
        await using var pair = EndpointPair.Bind(
            o => o with { LocalEndPoint = new(IPAddress.Parse(dialFrom), 0) }, o => o with { LocalEndPoint = new(IPAddress.Parse(listen), 0) });
        var remote = new IPEndPoint(IPAddress.Parse(dial), pair.Listener.LocalEndPoint.Port);

        var (dialled, accepted) = await pair.OpenAsync(remote);

        dialled.TrySend([1]);
        Assert.Equal([1], await accepted.ReceiveOneAsync());
        accepted.TrySend([2]);
        Assert.Equal([2], await dialled.ReceiveOneAsync());
        Assert.Equal(remote, dialled.RemoteAddress);
        Assert.Equal(pair.Dialler.LocalEndPoint.Port, accepted.RemoteAddress.Port);
    }

    [Fact]
    public async Task Another_identity_than_the_one_called_is_told_at_once()
    {
        await using var pair = EndpointPair.Bind();
        using var other = PacketSecIdentity.Generate();

        var error = await Assert.ThrowsAsync<PacketSecException>(
            () => pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, other.PeerId).WithinCeiling());

        Assert.Equal(PacketSecError.WrongIdentity, error.Error);
        Assert.Contains(other.PeerId.ToString(), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dial_that_nobody_answers_times_out()
    {
        var time = new ManualTimeProvider();
        using var silent = new SilentHost();
        await using var pair = EndpointPair.Bind(o => o with { TimeProvider = time });
        var dial = pair.Dialler.ConnectAsync(silent.Address, pair.Listener.PeerId);
        await silent.ReceiveAsync();

        time.Advance(TimeSpan.FromSeconds(9.9));
        await silent.ReceiveAsync();
        Assert.False(dial.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.2));

        var error = await Assert.ThrowsAsync<PacketSecException>(() => dial.WithinCeiling());
        Assert.Equal(PacketSecError.TimedOut, error.Error);
        Assert.Equal(0, pair.Dialler.GetStatistics().Channels);
    }

    //= spec/sessions.md#dial-cancel
    [Fact]
    public async Task A_cancelled_dial_leaves_nothing_and_sends_nothing()
    {
        var time = new ManualTimeProvider();
        using var silent = new SilentHost();
        using var barrier = new SilentHost();
        await using var pair = EndpointPair.Bind(o => o with { TimeProvider = time });
        using var cancellation = new CancellationTokenSource();
        var dial = pair.Dialler.ConnectAsync(silent.Address, pair.Listener.PeerId, cancellation.Token);
        await silent.ReceiveAsync();

        await cancellation.CancelAsync();
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dial);
        Assert.Equal(cancellation.Token, error.CancellationToken);

        // The endpoint does what it is asked in order: after a second dial the first is gone.
        using var second = PacketSecIdentity.Generate();
        _ = pair.Dialler.ConnectAsync(barrier.Address, second.PeerId);
        await barrier.ReceiveAsync();
        Assert.Equal(1, pair.Dialler.GetStatistics().Channels);
        Assert.False(silent.HasMore);
        time.Advance(TimeSpan.FromSeconds(5));
        await barrier.ReceiveAsync();
        Assert.False(silent.HasMore);
    }

    [Fact]
    public async Task A_dial_that_is_cancelled_before_it_begins_sends_nothing()
    {
        using var silent = new SilentHost();
        await using var pair = EndpointPair.Bind();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => pair.Dialler.ConnectAsync(silent.Address, pair.Listener.PeerId, new CancellationToken(canceled: true)));

        Assert.Equal(0, pair.Dialler.GetStatistics().Channels);
        Assert.False(silent.HasMore);
    }

    //= spec/sessions.md#redial
    [Fact]
    public async Task A_dial_of_a_peer_that_was_heard_lately_returns_its_channel()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();

        Assert.Same(dialled, await pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId).WithinCeiling());
        Assert.Same(accepted, await pair.Listener.ConnectAsync(pair.Dialler.LocalEndPoint, pair.Dialler.PeerId).WithinCeiling());
        Assert.Equal(1, pair.Listener.GetStatistics().HandshakesFinished);
    }

    [Fact]
    public async Task Dials_of_one_identity_at_once_share_one_handshake()
    {
        await using var pair = EndpointPair.Bind();

        var dials = Enumerable.Range(0, 10).Select(_ => pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId)).ToArray();
        var channels = await Task.WhenAll(dials).WithinCeiling();

        Assert.Single(channels.Distinct());
        Assert.Equal(1, pair.Listener.GetStatistics().HandshakesFinished);
    }

    [Fact]
    public async Task Cancelling_one_of_two_dials_leaves_the_other()
    {
        await using var pair = EndpointPair.Bind();
        using var silent = new SilentHost();
        using var cancellation = new CancellationTokenSource();
        var cancelled = pair.Dialler.ConnectAsync(silent.Address, pair.Listener.PeerId, cancellation.Token);
        await silent.ReceiveAsync();
        var other = pair.Dialler.ConnectAsync(silent.Address, pair.Listener.PeerId);

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.False(other.IsCompleted);
        await pair.Listener.ConnectAsync(pair.Dialler.LocalEndPoint, pair.Dialler.PeerId).WithinCeiling();
        Assert.Equal(pair.Listener.PeerId, (await other.WithinCeiling()).RemotePeerId);
    }

    [Fact]
    public async Task Both_sides_may_dial_at_once()
    {
        await using var pair = EndpointPair.Bind();

        var there = pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId);
        var back = pair.Listener.ConnectAsync(pair.Dialler.LocalEndPoint, pair.Dialler.PeerId);
        var first = await there.WithinCeiling();
        var second = await back.WithinCeiling();

        first.TrySend([1]);
        Assert.Equal([1], await second.ReceiveOneAsync());
        second.TrySend([2]);
        Assert.Equal([2], await first.ReceiveOneAsync());
    }

    [Fact]
    public async Task A_peer_that_closed_can_dial_again_at_once()
    {
        await using var pair = EndpointPair.Bind();
        for (byte i = 1; i <= 3; i++)
        {
            var (dialled, accepted) = await pair.OpenAsync();
            dialled.TrySend([i]);
            Assert.Equal([i], await accepted.ReceiveOneAsync());
            await dialled.DisposeAsync();
            Assert.Equal(PacketSecError.PeerClosed, await accepted.Closed.WithinCeiling());
        }
    }

    [Theory]
    [InlineData("127.0.0.1", 0)]
    [InlineData("0.0.0.0", 1)]
    [InlineData("::", 1)]
    [InlineData("::1", 1)]
    public async Task An_address_that_cannot_be_dialled_is_the_callers_mistake(string address, int port)
    {
        await using var pair = EndpointPair.Bind();

        await Assert.ThrowsAsync<ArgumentException>(
            () => pair.Dialler.ConnectAsync(new(IPAddress.Parse(address), port), pair.Listener.PeerId));
    }

    [Fact]
    public async Task Dialling_oneself_is_the_callers_mistake()
    {
        await using var pair = EndpointPair.Bind();

        await Assert.ThrowsAsync<ArgumentException>(() => pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Dialler.PeerId));
    }

    [Fact]
    public async Task Without_a_scheme_there_is_nothing_to_talk_by()
    {
        await using var pair = EndpointPair.Bind(o => o with { Schemes = [] });

        var error = await Assert.ThrowsAsync<PacketSecException>(() => pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId));

        Assert.Equal(PacketSecError.NoCommonScheme, error.Error);
    }
}
