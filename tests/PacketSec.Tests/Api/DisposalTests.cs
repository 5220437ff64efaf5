using System.Net;
using System.Net.Sockets;

namespace PacketSec.Tests.Api;

[Collection(SocketsCollection.Name)]
public class DisposalTests
{
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

    [Fact]
    public async Task What_came_before_the_close_is_received_before_the_error()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        for (byte i = 1; i <= 3; i++)
        {
            dialled.TrySend([i]);
        }

        await dialled.DisposeAsync();
        await accepted.Closed.WithinCeiling();

        for (byte i = 1; i <= 3; i++)
        {
            Assert.Equal([i], await accepted.ReceiveOneAsync());
        }

        await Assert.ThrowsAsync<PacketSecException>(accepted.ReceiveOneAsync);
    }

    [Fact]
    public async Task Disposing_a_channel_ends_its_receive_and_leaves_the_endpoint()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, _) = await pair.OpenAsync();
        var pending = dialled.ReceiveOneAsync();

        await Task.WhenAll(dialled.DisposeAsync().AsTask(), dialled.DisposeAsync().AsTask()).WithinCeiling();
        await dialled.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => pending);
        await Assert.ThrowsAsync<ObjectDisposedException>(dialled.ReceiveOneAsync);
        Assert.Equal(SendResult.Closed, dialled.TrySend([1]));
        Assert.Equal(0, pair.Dialler.GetStatistics().Channels);
        var (again, _) = await pair.OpenAsync();
        Assert.NotSame(dialled, again);
    }

    [Fact]
    public async Task Disposing_an_endpoint_ends_every_pending_call_with_the_same_error()
    {
        using var silent = new SilentHost();
        using var stranger = PacketSecIdentity.Generate();
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        var dial = pair.Dialler.ConnectAsync(silent.Address, stranger.PeerId);
        await silent.ReceiveAsync();
        Task[] pending =
        [
            dial,
            dialled.ReceiveAsync(new byte[10]).AsTask(),
            pair.Dialler.AcceptAsync().AsTask(),
            Task.Run(async () =>
            {
                await foreach (var channel in pair.Dialler.AcceptAllAsync())
                {
                    Assert.Fail($"Nobody dials, but {channel} came.");
                }
            }),
        ];

        await pair.Dialler.DisposeAsync();

        foreach (var task in pending)
        {
            Assert.Equal(PacketSecError.EndpointClosed, (await Assert.ThrowsAsync<PacketSecException>(() => task.WithinCeiling())).Error);
        }

        Assert.Equal(PacketSecError.EndpointClosed, await dialled.Closed.WithinCeiling());
        Assert.Equal(PacketSecError.PeerClosed, await accepted.Closed.WithinCeiling());
    }

    [Fact]
    public async Task A_disposed_endpoint_refuses_every_call_in_the_same_way()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, _) = await pair.OpenAsync();

        await Task.WhenAll(pair.Dialler.DisposeAsync().AsTask(), pair.Dialler.DisposeAsync().AsTask()).WithinCeiling();
        await pair.Dialler.DisposeAsync();
        await dialled.DisposeAsync();

        Func<Task>[] calls =
        [
            () => pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId),
            () => pair.Dialler.AcceptAsync().AsTask(),
            () => dialled.ReceiveAsync(new byte[10]).AsTask(),
        ];
        foreach (var call in calls)
        {
            Assert.Equal(PacketSecError.EndpointClosed, (await Assert.ThrowsAsync<PacketSecException>(() => call().WithinCeiling())).Error);
        }

        Assert.Equal(SendResult.Closed, dialled.TrySend([1]));
        Assert.Equal(0, pair.Dialler.GetStatistics().Channels);
        Assert.Equal(1, pair.Dialler.GetStatistics().Sessions);
    }

    [Fact]
    public async Task A_channel_that_nobody_accepted_is_closed_with_its_endpoint()
    {
        await using var pair = EndpointPair.Bind();
        var dialled = await pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId).WithinCeiling();

        await pair.Listener.DisposeAsync();

        Assert.Equal(PacketSecError.PeerClosed, await dialled.Closed.WithinCeiling());
    }

    [Fact]
    public async Task A_closed_endpoint_frees_its_port_and_an_open_one_holds_it()
    {
        await using var pair = EndpointPair.Bind();

        var error = Assert.ThrowsAny<IOException>(() => PacketSecEndpoint.Bind(pair.ListenerOptions with { LocalEndPoint = pair.Listener.LocalEndPoint }));
        Assert.Equal(SocketError.AddressAlreadyInUse, Assert.IsType<SocketException>(error.InnerException).SocketErrorCode);
        Assert.Contains(pair.Listener.LocalEndPoint.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), error.Message, StringComparison.Ordinal);

        await pair.Listener.DisposeAsync();
        await using var next = PacketSecEndpoint.Bind(pair.ListenerOptions with { LocalEndPoint = pair.Listener.LocalEndPoint });
        Assert.Equal(pair.Listener.LocalEndPoint, next.LocalEndPoint);
    }

    [Fact]
    public void An_endpoint_of_a_disposed_identity_is_the_callers_mistake()
    {
        var identity = PacketSecIdentity.Generate();
        identity.Dispose();

        Assert.Throws<ObjectDisposedException>(() => PacketSecEndpoint.Bind(new() { Identity = identity }));
    }

    [Fact]
    public async Task An_identity_disposed_under_its_endpoint_ends_the_endpoint_with_a_word_in_the_log()
    {
        using var logs = new LogRecorder();
        using var identity = PacketSecIdentity.Generate();
        await using var pair = EndpointPair.Bind(listener: o => o with { LoggerFactory = logs, Identity = identity });
        var accept = pair.Listener.AcceptAsync().AsTask();
        identity.Dispose();

        using var cancellation = new CancellationTokenSource();
        var dial = pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId, cancellation.Token);

        Assert.Equal(PacketSecError.EndpointClosed, (await Assert.ThrowsAsync<PacketSecException>(() => accept.WithinCeiling())).Error);
        await pair.Listener.DisposeAsync();
        Assert.Contains(logs.Entries, entry => entry.Id == 12);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dial);
    }

    [Fact]
    public async Task Disposing_a_channel_in_its_handler_does_not_hang()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        var disposal = new TaskCompletionSource<Task>();
        accepted.OnDatagram(_ => disposal.TrySetResult(accepted.DisposeAsync().AsTask()));

        dialled.TrySend([1]);

        await (await disposal.Task.WithinCeiling()).WithinCeiling();
        Assert.Equal(PacketSecError.PeerClosed, await dialled.Closed.WithinCeiling());
    }

    public static TheoryData<string, Func<PacketSecEndpointOptions, PacketSecEndpointOptions>> BadOptions => new()
    {
        { "scheme", o => o with { DirectScheme = "p2pke-2" } },
        { "keepalive", o => o with { Keepalive = TimeSpan.FromSeconds(14) } },
        { "idle", o => o with { IdleTimeout = TimeSpan.Zero } },
        { "payload too small", o => o with { MaxUdpPayload = 255 } },
        { "payload too large", o => o with { MaxUdpPayload = 65_508 } },
        { "inbound", o => o with { InboundChannels = 0 } },
        { "backlog", o => o with { AcceptBacklog = 0 } },
        { "receive queue", o => o with { ReceiveQueueDatagrams = 0 } },
        { "receive bytes", o => o with { ReceiveQueueBytes = 1000 } },
        { "lifetimes", o => o with { SessionLifetimes = new() { Receive = TimeSpan.FromSeconds(61) } } },
    };

    [Theory]
    [MemberData(nameof(BadOptions), DisableDiscoveryEnumeration = true)]
    public void An_option_out_of_its_bounds_is_the_callers_mistake(string what, Func<PacketSecEndpointOptions, PacketSecEndpointOptions> change)
    {
        using var identity = PacketSecIdentity.Generate();
        var options = change(new() { Identity = identity, LocalEndPoint = new(IPAddress.Loopback, 0) });

        Assert.True(Record.Exception(() => PacketSecEndpoint.Bind(options)) is ArgumentException, what);
    }
}
