using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using PacketSec.Hosting;
using PacketSec.Tests.Api;

namespace PacketSec.Tests.Hosting;

[Collection(SocketsCollection.Name)]
public sealed class HostedEndpointTests : IDisposable
{
    private readonly PacketSecIdentity _identity = PacketSecIdentity.Generate();
    private readonly PacketSecIdentity _dialIdentity = PacketSecIdentity.Generate();
    private readonly LogRecorder _logs = new();

    [Fact]
    public async Task Each_channel_has_a_handler_of_its_own_and_is_closed_when_that_is_done()
    {
        var calls = new Calls(async (_, channel, _) => channel.TrySend(await channel.ReceiveOneAsync()));
        using var host = Build(calls);
        await host.StartAsync();
        await using var dialler = Hosts.BindDialler(_dialIdentity);
        using var otherIdentity = PacketSecIdentity.Generate();
        await using var other = Hosts.BindDialler(otherIdentity);

        var channels = new[] { await DialAsync(dialler, host), await DialAsync(other, host) };
        for (byte i = 0; i < 2; i++)
        {
            Assert.Equal(SendResult.Sent, channels[i].TrySend([i]));
            Assert.Equal([i], await channels[i].ReceiveOneAsync());
            Assert.Equal(PacketSecError.PeerClosed, await channels[i].Closed.WithinCeiling());
        }

        await Until.TrueAsync(() => calls.Disposed == 2);
        Assert.Equal(2, calls.Made);
        await host.StopAsync();
    }

    [Fact]
    public async Task A_handler_is_told_when_the_host_stops_and_has_the_last_word()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var host = Build(new(async (_, channel, stop) =>
        {
            begun.SetResult();
            var stopped = await Record.ExceptionAsync(() => channel.Closed.WaitAsync(stop));
            channel.TrySend("goodbye"u8);
            throw stopped!;
        }));
        await host.StartAsync();
        await using var dialler = Hosts.BindDialler(_dialIdentity);
        var channel = await DialAsync(dialler, host);
        await begun.Task.WithinCeiling();

        await host.StopAsync();

        Assert.Equal("goodbye"u8.ToArray(), await channel.ReceiveOneAsync());
        Assert.Equal(PacketSecError.PeerClosed, await channel.Closed.WithinCeiling());
        Assert.DoesNotContain(_logs.Entries, entry => entry.Id is 18 or 20 or 21);
    }

    [Fact]
    public async Task A_handler_that_does_not_end_has_its_channel_closed_when_the_hosts_patience_ends()
    {
        var ended = new TaskCompletionSource<PacketSecError?>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var host = Build(
            new(async (_, channel, _) => ended.SetResult(await channel.Closed)),
            patience: TimeSpan.FromMilliseconds(50));
        await host.StartAsync();
        await using var dialler = Hosts.BindDialler(_dialIdentity);
        var channel = await DialAsync(dialler, host);

        await host.StopAsync();

        Assert.Equal(PacketSecError.EndpointClosed, await ended.Task.WithinCeiling());
        Assert.Equal(PacketSecError.PeerClosed, await channel.Closed.WithinCeiling());
        Assert.Contains(_logs.Entries, entry => entry.Id == 21);
    }

    [Fact]
    public async Task What_a_handler_throws_is_logged_and_ends_its_channel_only()
    {
        using var host = Build(new((number, channel, _) => number == 1
            ? throw new InvalidOperationException("first")
            : channel.Closed));
        await host.StartAsync();
        await using var dialler = Hosts.BindDialler(_dialIdentity);

        var first = await DialAsync(dialler, host);
        Assert.Equal(PacketSecError.PeerClosed, await first.Closed.WithinCeiling());
        var second = await DialAsync(dialler, host);
        await Until.TrueAsync(() => host.Endpoint().GetStatistics().Channels > 0);

        Assert.Contains(_logs.Entries, entry => entry.Id == 18 && entry.Text.Contains("first", StringComparison.Ordinal));
        await second.DisposeAsync();
        await host.StopAsync();
    }

    [Fact]
    public async Task That_the_peer_went_is_no_failure_of_the_handler()
    {
        using var host = Build(new(async (_, channel, _) => await channel.ReceiveOneAsync()));
        await host.StartAsync();
        await using var dialler = Hosts.BindDialler(_dialIdentity);

        await (await DialAsync(dialler, host)).DisposeAsync();

        await Until.TrueAsync(() => _logs.Entries.Any(entry => entry.Id == 19));
        Assert.DoesNotContain(_logs.Entries, entry => entry.Id == 18);
        await host.StopAsync();
    }

    [Fact]
    public void A_host_has_one_handler()
        => Assert.Throws<InvalidOperationException>(() => new ServiceCollection().AddPacketSec().OnChannel<Handler>().OnChannel<OtherHandler>());

    [Fact]
    public async Task A_service_that_takes_the_endpoint_has_it_before_it_is_started_and_accepts_by_itself_without_a_handler()
    {
        using var host = Hosts.Build(
            options => options.Identity = _identity,
            added => added.Services.AddSingleton<Acceptor>().AddHostedService(services => services.GetRequiredService<Acceptor>()));
        await host.StartAsync();
        await using var dialler = Hosts.BindDialler(_dialIdentity);

        await using var channel = await DialAsync(dialler, host);

        Assert.Equal(dialler.PeerId, (await host.Services.GetRequiredService<Acceptor>().First.WithinCeiling()).RemotePeerId);
        await host.StopAsync();
    }

    [Fact]
    public async Task Health_follows_the_hosts_life()
    {
        using var host = Build(new((_, channel, _) => channel.Closed));
        var health = host.Services.GetRequiredService<HealthCheckService>();
        Assert.Equal((HealthStatus.Unhealthy, "The endpoint is not bound: the host has not started."), await HealthAsync(health));

        await host.StartAsync();
        var endpoint = host.Endpoint();
        Assert.Equal((HealthStatus.Healthy, $"{endpoint.PeerId} is served on {endpoint.LocalEndPoint}."), await HealthAsync(health));

        await host.StopAsync();
        Assert.Equal((HealthStatus.Unhealthy, "The host stops."), await HealthAsync(health));
    }

    [Fact]
    public async Task An_endpoint_that_the_application_closes_is_not_healthy_and_the_log_says_so()
    {
        using var host = Build(new((_, channel, _) => channel.Closed));
        var health = host.Services.GetRequiredService<HealthCheckService>();
        await host.StartAsync();

        await host.Endpoint().DisposeAsync();

        Assert.Equal(
            (HealthStatus.Unhealthy, "The endpoint has ended: the application closed it while the host runs."), await HealthAsync(health));
        await Until.TrueAsync(() => _logs.Entries.Any(entry => entry.Id == 20));
        await host.StopAsync();
    }

    [Fact]
    public async Task An_endpoint_that_failed_is_not_healthy_and_says_why()
    {
        using var host = Build(new((_, channel, _) => channel.Closed));
        var health = host.Services.GetRequiredService<HealthCheckService>();
        await host.StartAsync();
        await using var dialler = Hosts.BindDialler(_dialIdentity);
        using var cancellation = new CancellationTokenSource();

        // A handshake cannot be answered any more: the endpoint ends.
        _identity.Dispose();
        var dial = dialler.ConnectAsync(host.Endpoint().LocalEndPoint, host.Endpoint().PeerId, cancellation.Token);
        await Until.TrueAsync(() => _logs.Entries.Any(entry => entry.Id == 12));

        var report = await health.CheckHealthAsync();
        Assert.Equal(HealthStatus.Unhealthy, report.Status);
        Assert.NotNull(report.Entries["packetsec"].Exception);
        Assert.Contains("because of a failure", report.Entries["packetsec"].Description, StringComparison.Ordinal);
        await host.StopAsync();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dial);
    }

    [Fact]
    public async Task A_stopped_host_frees_its_port_and_a_host_that_was_only_disposed_too()
    {
        using var next = PacketSecIdentity.Generate();
        foreach (var stops in new[] { true, false })
        {
            var host = Build(new((_, channel, _) => channel.Closed));
            await host.StartAsync();
            // Who takes the endpoint from the services has them dispose of it.
            var address = host.Services.GetRequiredService<HostedEndpoint>().Current!.LocalEndPoint;
            if (stops)
            {
                await host.StopAsync();
            }

            host.Dispose();
            await using var rebound = PacketSecEndpoint.Bind(new() { Identity = next, LocalEndPoint = address });
            Assert.Equal(address, rebound.LocalEndPoint);
        }
    }

    public void Dispose()
    {
        _identity.Dispose();
        _dialIdentity.Dispose();
        _logs.Dispose();
    }

    private static async Task<(HealthStatus Status, string? Reason)> HealthAsync(HealthCheckService health)
    {
        var report = await health.CheckHealthAsync();
        return (report.Status, report.Entries["packetsec"].Description);
    }

    private static async Task<PacketSecChannel> DialAsync(PacketSecEndpoint dialler, IHost host)
        => await dialler.ConnectAsync(host.Endpoint().LocalEndPoint, host.Endpoint().PeerId).WithinCeiling();

    private IHost Build(Calls calls, TimeSpan? patience = null) => Hosts.Build(
        options => options.Identity = _identity,
        added => added.OnChannel<Handler>().Services.AddSingleton(calls),
        _logs,
        patience);

    /// <summary>What the handlers of a test do, given their number, and how many there were.</summary>
    private sealed class Calls(Func<int, PacketSecChannel, CancellationToken, Task> body)
    {
        private int _made;
        private int _disposed;

        public int Made => Volatile.Read(ref _made);

        public int Disposed => Volatile.Read(ref _disposed);

        public Task HandleAsync(int number, PacketSecChannel channel, CancellationToken stop) => body(number, channel, stop);

        public int CountMade() => Interlocked.Increment(ref _made);

        public void CountDisposed() => Interlocked.Increment(ref _disposed);
    }

    private sealed class Handler(Calls calls) : IPacketSecChannelHandler, IDisposable
    {
        private readonly int _number = calls.CountMade();

        public Task HandleAsync(PacketSecChannel channel, CancellationToken cancellationToken) => calls.HandleAsync(_number, channel, cancellationToken);

        public void Dispose() => calls.CountDisposed();
    }

    private sealed class OtherHandler : IPacketSecChannelHandler
    {
        public Task HandleAsync(PacketSecChannel channel, CancellationToken cancellationToken) => channel.Closed;
    }

    private sealed class Acceptor(PacketSecEndpoint endpoint) : BackgroundService
    {
        private readonly TaskCompletionSource<PacketSecChannel> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<PacketSecChannel> First => _first.Task;

        protected override async Task ExecuteAsync(CancellationToken stoppingToken) => _first.SetResult(await endpoint.AcceptAsync(stoppingToken));
    }
}
