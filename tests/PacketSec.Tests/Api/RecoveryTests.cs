using System.Net;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Tests.Api;

[Collection(SocketsCollection.Name)]
public class RecoveryTests
{
    //= spec/sessions.md#dead-session
    [Fact]
    public async Task A_listener_that_crashed_and_is_back_is_found_again()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        dialled.TrySend([1]);
        Assert.Equal([1], await accepted.ReceiveOneAsync());
        var address = pair.Listener.LocalEndPoint;

        await pair.Listener.AbortAsync();
        await using var back = PacketSecEndpoint.Bind(pair.ListenerOptions with { LocalEndPoint = address });
        using var ceiling = EndpointPair.Ceiling();
        var again = back.AcceptAsync(ceiling.Token).AsTask();
        while (!again.IsCompleted)
        {
            Assert.NotEqual(SendResult.Closed, dialled.TrySend([2]));
            await Task.WhenAny(again, Task.Delay(100, ceiling.Token));
            ceiling.Token.ThrowIfCancellationRequested();
        }

        // Until the confirmation is here, data may still go on the session that the listener has lost.
        var channel = await again;
        var receiving = channel.ReceiveOneAsync();
        while (!receiving.IsCompleted)
        {
            dialled.TrySend([3]);
            await Task.WhenAny(receiving, Task.Delay(100, ceiling.Token));
            ceiling.Token.ThrowIfCancellationRequested();
        }

        Assert.InRange((await receiving)[0], 2, 3);
        channel.TrySend([4]);
        Assert.Equal([4], await dialled.ReceiveOneAsync());
        Assert.Equal(PacketSecError.EndpointClosed, await accepted.Closed.WithinCeiling());
    }

    //= spec/sessions.md#identity-change
    //= spec/sessions.md#wrong-identity-end
    [Fact]
    public async Task A_listener_that_is_back_with_another_key_is_told_at_once_and_ends_the_channel_with_its_last_session()
    {
        var time = new ManualTimeProvider();
        using var other = PacketSecIdentity.Generate();
        await using var pair = EndpointPair.Bind(o => o with { TimeProvider = time });
        var (dialled, _) = await pair.OpenAsync();
        var address = pair.Listener.LocalEndPoint;
        dialled.TrySend([1]);

        await pair.Listener.AbortAsync();
        await using var back = PacketSecEndpoint.Bind(pair.ListenerOptions with { Identity = other, LocalEndPoint = address });
        var mismatch = dialled.EventAsync<PacketSecChannelEvent.IdentityMismatch>();
        await Until.TrueAsync(() =>
        {
            Assert.NotEqual(SendResult.Closed, dialled.TrySend([2]));
            time.Advance(TimeSpan.FromMilliseconds(100));
            return mismatch.IsCompleted;
        });

        Assert.Equal(other.PeerId, (await mismatch).Proven);
        Assert.False(dialled.Closed.IsCompleted);
        await time.AdvanceUntilEndAsync(dialled.Closed, TimeSpan.FromSeconds(1));
        Assert.Equal(PacketSecError.WrongIdentity, await dialled.Closed.WithinCeiling());
        var error = await Assert.ThrowsAsync<PacketSecException>(dialled.ReceiveOneAsync);
        Assert.Equal(PacketSecError.WrongIdentity, error.Error);
        Assert.Equal(0, back.GetStatistics().Channels);
    }

    //= spec/sessions.md#address-move
    [Fact]
    public async Task A_peer_that_moved_keeps_its_channel()
    {
        using var identity = PacketSecIdentity.Generate();
        await using var pair = EndpointPair.Bind();
        await using var before = PacketSecEndpoint.Bind(new() { Identity = identity, LocalEndPoint = new(IPAddress.Loopback, 0) });
        await before.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId).WithinCeiling();
        var accepted = await pair.Listener.AcceptAsync();
        Assert.Equal(before.LocalEndPoint, accepted.RemoteAddress);
        var moved = new TaskCompletionSource<IPEndPoint>(TaskCreationOptions.RunContinuationsAsynchronously);
        accepted.RemoteAddressChanged += (_, address) => moved.SetResult(address);

        await before.AbortAsync();
        await using var after = PacketSecEndpoint.Bind(new() { Identity = identity, LocalEndPoint = new(IPAddress.Loopback, 0) });
        var dialled = await after.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId).WithinCeiling();

        Assert.Equal(after.LocalEndPoint, await moved.Task.WithinCeiling());
        Assert.Equal(after.LocalEndPoint, accepted.RemoteAddress);
        accepted.TrySend([1]);
        Assert.Equal([1], await dialled.ReceiveOneAsync());
        Assert.Equal(1, pair.Listener.GetStatistics().Channels);
    }

    //= spec/sessions.md#redial
    [Fact]
    public async Task A_dial_of_a_silent_channel_finds_the_peer_at_its_new_address()
    {
        var time = new ManualTimeProvider();
        await using var pair = EndpointPair.Bind(o => o with { TimeProvider = time });
        var (dialled, _) = await pair.OpenAsync();
        await pair.Listener.AbortAsync();
        await using var back = PacketSecEndpoint.Bind(pair.ListenerOptions);
        time.Advance(TimeSpan.FromSeconds(10.1));

        var again = await pair.Dialler.ConnectAsync(back.LocalEndPoint, back.PeerId).WithinCeiling();

        Assert.Same(dialled, again);
        Assert.Equal(back.LocalEndPoint, (await again.EventAsync<PacketSecChannelEvent.AddressChanged>()).Remote);
        Assert.Equal(back.LocalEndPoint, again.RemoteAddress);
        var accepted = await back.AcceptAsync();
        again.TrySend([1]);
        Assert.Equal([1], await accepted.ReceiveOneAsync());
    }

    [Fact]
    public async Task A_dial_that_waits_for_a_channel_which_is_disposed_gets_its_own()
    {
        var time = new ManualTimeProvider();
        using var silent = new SilentHost();
        await using var pair = EndpointPair.Bind(o => o with { TimeProvider = time });
        var (dialled, _) = await pair.OpenAsync();
        await pair.Listener.AbortAsync();
        time.Advance(TimeSpan.FromSeconds(10.1));
        var dial = pair.Dialler.ConnectAsync(silent.Address, pair.Listener.PeerId);
        await silent.ReceiveAsync();

        var disposal = dialled.DisposeAsync();
        await Until.TrueAsync(() =>
        {
            time.Advance(TimeSpan.FromMilliseconds(100));
            return dialled.Closed.IsCompleted;
        });
        await disposal;
        await using var back = PacketSecEndpoint.Bind(pair.ListenerOptions);
        await back.ConnectAsync(pair.Dialler.LocalEndPoint, pair.Dialler.PeerId).WithinCeiling();

        Assert.NotSame(dialled, await dial.WithinCeiling());
    }

    //= spec/sessions.md#rekey-lossless
    [Fact]
    public async Task A_rekey_under_traffic_loses_no_datagram()
    {
        var lifetimes = SessionLifetimes.Shortened(TimeSpan.FromSeconds(2));
        await using var pair = EndpointPair.Bind(o => o with { SessionLifetimes = lifetimes }, o => o with { SessionLifetimes = lifetimes });
        var (dialled, accepted) = await pair.OpenAsync();
        var received = 0L;
        accepted.OnDatagram(payload =>
        {
            received++;
            accepted.TrySend(payload);
        });
        var sent = 0L;
        while (dialled.GetStatistics().Sessions < 3)
        {
            Assert.Equal(SendResult.Sent, dialled.TrySend(BitConverter.GetBytes(++sent)));
            Assert.Equal(sent, BitConverter.ToInt64(await dialled.ReceiveOneAsync()));
        }

        Assert.Equal(sent, received);
    }

    //= spec/sessions.md#queue
    //= spec/sessions.md#lifetime-send
    [Fact]
    public async Task While_no_session_may_send_datagrams_are_queued_up_to_the_bound()
    {
        var time = new ManualTimeProvider();
        await using var pair = EndpointPair.Bind(o => o with { TimeProvider = time });
        var (dialled, _) = await pair.OpenAsync();
        await pair.Listener.AbortAsync();
        time.Advance(TimeSpan.FromSeconds(55));

        for (var i = 0; i < 1024; i++)
        {
            Assert.Equal(SendResult.Queued, dialled.TrySend([1]));
        }

        Assert.Equal(SendResult.QueueFull, dialled.TrySend([1]));
    }

    //= spec/sessions.md#idle-timeout
    [Fact]
    public async Task A_channel_without_a_session_ends_with_the_idle_timeout()
    {
        var time = new ManualTimeProvider();
        await using var pair = EndpointPair.Bind(o => o with { TimeProvider = time, IdleTimeout = TimeSpan.FromMinutes(1) });
        var (dialled, _) = await pair.OpenAsync();
        await Until.TrueAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(10));
            return dialled.Closed.IsCompleted;
        });

        Assert.Equal(PacketSecError.IdleTimeout, await dialled.Closed.WithinCeiling());
    }
}
