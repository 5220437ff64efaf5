using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Hosting;
using PacketSec.Libp2p.Tests.Conformance;
using PacketSec.Libp2p.Tests.Simulated;
using PacketSec.Libp2p.Transports;
using PacketSec.Protocol.Identity;

namespace PacketSec.Libp2p.Tests.Hosting;

/// <summary>What waits for a peer, or for many, comes to an end.</summary>
public sealed partial class HostTests
{
    //= spec/libp2p.md#ping-timeout
    [Fact]
    public async Task A_ping_that_nobody_answers_fails_and_lets_the_next_one_go()
    {
        var (host, connection, bare) = await ServeBareAsync(new() { NegotiationTimeout = TimeSpan.FromSeconds(1) });
        var silent = connection.PingAsync(Ceiling);
        var stream = await AcceptAsync(bare, "/ipfs/ping/1.0.0");
        await stream.ReadExactlyAsync(32, Ceiling);
        Assert.Equal(Libp2pError.TimedOut, (await Assert.ThrowsAsync<Libp2pException>(() => silent.WaitAsync(Ceiling))).Error);
        Assert.Empty(await stream.ReadToEndAsync(Ceiling));

        var answered = connection.PingAsync(Ceiling);
        stream = await AcceptAsync(bare, "/ipfs/ping/1.0.0");
        await stream.WriteAsync(await stream.ReadExactlyAsync(32, Ceiling), Ceiling);
        Assert.True(await answered > TimeSpan.Zero);
        Assert.Same(connection, Assert.Single(host.Connections));
    }

    [Fact]
    public void Pings_have_the_time_that_the_specification_gives() => Assert.Equal(10, new Libp2pHostOptions().NegotiationTimeout.TotalSeconds);

    [Fact]
    public async Task A_dial_that_waits_for_the_leader_ends_with_the_host_and_with_its_caller()
    {
        var leader = Own(new SimulatedTransport(_world, TestPeers.Numbered(0)));
        var listener = await leader.ListenAsync(Anywhere, Ceiling);
        var host = Create();
        using var caller = CancellationTokenSource.CreateLinkedTokenSource(Ceiling);
        var given = host.DialAsync(listener.LocalAddress, caller.Token);
        var dial = host.DialAsync(listener.LocalAddress, Ceiling);
        await UntilAsync(() => host.KnownConnections > 0);

        await caller.CancelAsync();
        Assert.Equal(caller.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given)).CancellationToken);
        Assert.False(dial.IsCompleted);
        await host.DisposeAsync();
        Assert.Equal(Libp2pError.Closed, (await Assert.ThrowsAsync<Libp2pException>(() => dial)).Error);
    }

    [Fact]
    public async Task A_host_that_ends_waits_for_all_its_peers_at_once()
    {
        const int Count = 3;
        var transport = new TogetherTransport(new SimulatedTransport(_world, TestPeers.Numbered(0)), Count);
        var host = Own(Libp2pHost.Start(transport));
        for (var i = 0; i < Count; i++)
        {
            await ConnectAsync(host, Create());
        }

        await host.DisposeAsync().AsTask().WaitAsync(Ceiling);
        Assert.Equal(Count, transport.Closing);
    }

    /// <summary>Connections whose close ends when all are being closed.</summary>
    private sealed class TogetherTransport(ITransport inner, int count) : ITransport
    {
        private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _closing;

        public int Closing => Volatile.Read(ref _closing);

        public PeerId LocalPeerId => inner.LocalPeerId;

        public bool Matches(Multiaddress address) => inner.Matches(address);

        public async Task<IConnection> DialAsync(Multiaddress remote, CancellationToken cancellationToken = default)
            => new Connection(await inner.DialAsync(remote, cancellationToken), this);

        public Task<IListener> ListenAsync(Multiaddress local, CancellationToken cancellationToken = default) => inner.ListenAsync(local, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();

        private Task CloseAsync()
        {
            if (Interlocked.Increment(ref _closing) == count)
            {
                _all.SetResult();
            }

            return _all.Task;
        }

        private sealed class Connection(IConnection inner, TogetherTransport owner) : IConnection
        {
            public PeerId RemotePeerId => inner.RemotePeerId;

            public Multiaddress RemoteAddress => inner.RemoteAddress;

            public int MaxDatagramPayload => inner.MaxDatagramPayload;

            public Task<ConnectionEnd> Closed => inner.Closed;

            public ValueTask<IStream> OpenStreamAsync(CancellationToken cancellationToken = default) => inner.OpenStreamAsync(cancellationToken);

            public ValueTask<IStream> AcceptStreamAsync(CancellationToken cancellationToken = default) => inner.AcceptStreamAsync(cancellationToken);

            public bool TrySendDatagram(ReadOnlySpan<byte> payload) => inner.TrySendDatagram(payload);

            public ValueTask<int> ReceiveDatagramAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
                => inner.ReceiveDatagramAsync(buffer, cancellationToken);

            public async ValueTask CloseAsync(long code = 0, string reason = "")
            {
                await owner.CloseAsync();
                await inner.CloseAsync(code, reason);
            }

            public ValueTask DisposeAsync() => inner.DisposeAsync();
        }
    }
}
