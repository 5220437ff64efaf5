using System.Net;
using PacketSec.Protocol;

namespace PacketSec.Tests.Api;

[Collection(SocketsCollection.Name)]
public class AdmissionTests
{
    //= spec/sessions.md#refusal
    [Fact]
    public async Task An_identity_that_is_not_wanted_is_refused()
    {
        var asked = new TaskCompletionSource<PeerIdentity>();
        await using var pair = EndpointPair.Bind(listener: o => o with
        {
            Authorize = (peer, _) =>
            {
                asked.TrySetResult(peer);
                return ValueTask.FromResult(false);
            },
        });

        var error = await Assert.ThrowsAsync<PacketSecException>(
            () => pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId).WithinCeiling());

        Assert.Equal(PacketSecError.Refused, error.Error);
        var peer = await asked.Task;
        Assert.Equal(pair.Dialler.PeerId, peer.PeerId);
        Assert.Equal(pair.Dialler.LocalEndPoint, peer.RemoteEndPoint);
        Assert.True(pair.Dialler.PeerId.TryGetPublicKey(out var key));
        Assert.Equal(key, peer.PublicKey);
        Assert.Equal(0, pair.Listener.GetStatistics().Channels);
    }

    //= spec/sessions.md#refusal
    [Fact]
    public async Task An_exception_of_the_application_is_a_refusal_and_is_logged()
    {
        using var logs = new LogRecorder();
        await using var pair = EndpointPair.Bind(listener: o => o with
        {
            LoggerFactory = logs,
            Authorize = (_, _) => throw new InvalidOperationException("the list is gone"),
        });

        var error = await Assert.ThrowsAsync<PacketSecException>(
            () => pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId).WithinCeiling());

        Assert.Equal(PacketSecError.Refused, error.Error);
        Assert.Contains(logs.Entries, entry => entry.Id == 10 && entry.Text.Contains("the list is gone", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_identity_that_is_wanted_gets_its_channel_after_a_while()
    {
        await using var pair = EndpointPair.Bind(listener: o => o with
        {
            Authorize = async (_, token) =>
            {
                await Task.Delay(20, token);
                return true;
            },
        });

        var (dialled, accepted) = await pair.OpenAsync();

        dialled.TrySend([1]);
        Assert.Equal([1], await accepted.ReceiveOneAsync());
    }

    [Fact]
    public async Task A_channel_that_nobody_would_accept_is_refused()
    {
        await using var pair = EndpointPair.Bind(listener: o => o with { AcceptBacklog = 1 });
        await pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId).WithinCeiling();
        using var identity = PacketSecIdentity.Generate();
        await using var second = PacketSecEndpoint.Bind(new() { Identity = identity, LocalEndPoint = new(IPAddress.Loopback, 0) });

        var error = await Assert.ThrowsAsync<PacketSecException>(
            () => second.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId).WithinCeiling());

        Assert.Equal(PacketSecError.Refused, error.Error);
        await pair.Listener.AcceptAsync();
        await second.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId).WithinCeiling();
    }

    //= spec/sessions.md#admission
    [Fact]
    public async Task One_channel_more_than_the_bound_on_inbound_channels_is_refused()
    {
        await using var pair = EndpointPair.Bind(listener: o => o with { InboundChannels = 1 });
        var (dialled, _) = await pair.OpenAsync();
        using var identity = PacketSecIdentity.Generate();
        await using var second = PacketSecEndpoint.Bind(new() { Identity = identity, LocalEndPoint = new(IPAddress.Loopback, 0) });

        var error = await Assert.ThrowsAsync<PacketSecException>(
            () => second.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId).WithinCeiling());

        Assert.Equal(PacketSecError.Refused, error.Error);
        Assert.Equal(1, pair.Listener.GetStatistics().Drops[DropReason.Refused]);
        await dialled.DisposeAsync();
    }

    [Fact]
    public async Task Without_a_direct_scheme_first_messages_are_dropped()
    {
        using var silent = new SilentHost();
        await using var pair = EndpointPair.Bind();
        using var cancellation = new CancellationTokenSource();
        var dial = pair.Dialler.ConnectAsync(silent.Address, pair.Listener.PeerId, new() { DirectScheme = "p2pke-1" }, cancellation.Token);
        var (hello, _) = await silent.ReceiveAsync();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dial);

        silent.SendTo(hello, pair.Listener.LocalEndPoint);

        await Until.TrueAsync(() => pair.Listener.GetStatistics().Drops.GetValueOrDefault(DropReason.NoDirectScheme) == 1);
    }
}
