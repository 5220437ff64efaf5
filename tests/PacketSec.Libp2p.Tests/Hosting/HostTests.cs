using System.Text;
using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Hosting;
using PacketSec.Libp2p.Negotiation;
using PacketSec.Libp2p.Protocols;
using PacketSec.Libp2p.Tests.Conformance;
using PacketSec.Libp2p.Tests.Simulated;
using PacketSec.Libp2p.Transports;
using PacketSec.Protocol.Identity;
using PacketSec.Simulation.Streams;

namespace PacketSec.Libp2p.Tests.Hosting;

/// <summary>Hosts over a simulated network without faults, one of which is sometimes a bare transport that does what no host would.</summary>
public sealed partial class HostTests : IAsyncLifetime, IDisposable
{
    private static readonly Multiaddress Anywhere = Multiaddress.Parse("/ip4/10.0.0.1/udp/0/psec");

    private readonly CancellationTokenSource _ceiling = new(TimeSpan.FromSeconds(30));
    private readonly SimulatedWorld _world = new(seed: 7, new LinkOptions { Delay = TimeSpan.FromMilliseconds(1) });
    private readonly List<IAsyncDisposable> _owned = [];

    private CancellationToken Ceiling => _ceiling.Token;

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => Task.WhenAll(_owned.Select(owned => owned.DisposeAsync().AsTask()));

    public void Dispose()
    {
        _world.Dispose();
        _ceiling.Dispose();
    }

    [Fact]
    public async Task Hosts_that_connect_tell_each_other_of_themselves()
    {
        var (first, second) = (Create(), Create());
        first.Handle("/mine/1", (_, _, _) => Task.CompletedTask);
        var address = await second.ListenAsync(Anywhere, Ceiling);
        var connected = new TaskCompletionSource<PeerConnection>();
        second.Connected += (_, connection) => connected.SetResult(connection);

        var connection = await first.DialAsync(address, Ceiling);
        var told = await connection.IdentifyAsync(Ceiling);
        Assert.Equal([address], told.ListenAddresses);
        Assert.True(second.PeerId.TryGetPublicKey(out var key));
        Assert.Equal(key, told.PublicKey);
        Assert.Equal(["/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/ipfs/ping/1.0.0"], told.Protocols);
        Assert.Equal(second.Options.AgentVersion, told.AgentVersion);
        Assert.Equal(told.Protocols, connection.Identity!.Protocols);

        var back = await connected.Task.WaitAsync(Ceiling);
        await UntilAsync(() => back.Identity is not null);
        Assert.Contains("/mine/1", back.Identity!.Protocols);
        Assert.Equal(address.WithoutPeer(), back.Identity.ObservedAddress ?? address.WithoutPeer());
    }

    //= spec/libp2p.md#identify-push-partial
    [Fact]
    public async Task A_change_is_pushed()
    {
        var (first, second) = (Create(), Create());
        var connection = await ConnectAsync(first, second);
        await connection.IdentifyAsync(Ceiling);
        second.Handle("/new/1", (_, _, _) => Task.CompletedTask);
        await second.PushIdentityAsync(Ceiling);

        await UntilAsync(() => connection.Identity!.Protocols.Contains("/new/1"));
        Assert.Equal(second.Options.AgentVersion, connection.Identity!.AgentVersion);
    }

    //= spec/libp2p.md#ping-echo
    [Fact]
    public async Task A_ping_measures_a_round_trip()
    {
        var (first, second) = (Create(), Create());
        var connection = await ConnectAsync(first, second);
        var trips = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => connection.PingAsync(Ceiling)));
        Assert.All(trips, trip => Assert.True(trip >= TimeSpan.FromMilliseconds(2), $"{trip} is less than two ways take"));
    }

    //= spec/libp2p.md#ping-echo
    [Fact]
    public async Task Another_echo_is_no_answer()
    {
        var (host, connection, bare) = await ServeBareAsync();
        var ping = connection.PingAsync(Ceiling);
        var stream = await AcceptAsync(bare, "/ipfs/ping/1.0.0");
        var sent = await stream.ReadExactlyAsync(32, Ceiling);
        sent[31] ^= 1;
        await stream.WriteAsync(sent, Ceiling);

        Assert.Equal(Libp2pError.Malformed, (await Assert.ThrowsAsync<Libp2pException>(() => ping)).Error);
        Assert.Same(connection, Assert.Single(host.Connections));
    }

    //= spec/libp2p.md#ping-streams
    [Fact]
    public async Task Two_streams_of_pings_are_served_and_a_third_is_reset()
    {
        var (_, bare) = await DialBareAsync();
        var streams = new List<IStream>();
        for (var i = 0; i < 2; i++)
        {
            var stream = await OpenAsync(bare, "/ipfs/ping/1.0.0");
            streams.Add(stream);
            await PingAsync(stream);
            await PingAsync(stream);
        }

        var refused = await Assert.ThrowsAsync<Libp2pException>(async () => await PingAsync(await OpenAsync(bare, "/ipfs/ping/1.0.0")));
        Assert.Equal(0x1003, refused.Code);

        // The end of one makes place for another.
        streams[0].CompleteWrites();
        Assert.Empty(await streams[0].ReadToEndAsync(Ceiling));
        await UntilAsync(async () => await Record.ExceptionAsync(async () => await PingAsync(await OpenAsync(bare, "/ipfs/ping/1.0.0"))) is null);
    }

    [Fact]
    public async Task A_protocol_that_the_peer_lacks_is_an_error_and_the_connection_lives()
    {
        var (first, second) = (Create(), Create());
        second.Handle("/b/1", (_, stream, token) => stream.EchoAsync(token));
        var connection = await ConnectAsync(first, second);
        Assert.Equal(Libp2pError.NoCommonProtocol, (await Assert.ThrowsAsync<Libp2pException>(() => connection.OpenStreamAsync("/a/1", Ceiling))).Error);

        var (stream, protocol) = await connection.OpenStreamAsync(["/a/1", "/b/1"], Ceiling);
        Assert.Equal("/b/1", protocol);
        await stream.WriteAsync("echo"u8.ToArray(), Ceiling);
        stream.CompleteWrites();
        Assert.Equal("echo"u8.ToArray(), await stream.ReadToEndAsync(Ceiling));
    }

    [Fact]
    public void A_name_that_is_the_hosts_own_or_longer_than_128_bytes_is_not_served()
    {
        var host = Create();
        host.Handle("/" + new string('a', 127), (_, _, _) => Task.CompletedTask);
        foreach (var name in new[] { "/" + new string('a', 128), "", "na", "/ipfs/ping/1.0.0", "/ipfs/id/1.0.0", "/dg/1" })
        {
            Assert.Throws<ArgumentException>(() => host.Handle(name, (_, _, _) => Task.CompletedTask));
            Assert.Throws<ArgumentException>(() => host.HandleFlow(name, (_, _, _) => Task.CompletedTask));
        }
    }

    [Fact]
    public async Task A_handler_that_fails_resets_its_stream_and_nothing_else()
    {
        var (first, second) = (Create(), Create());
        second.Handle("/fails/1", (_, _, _) => throw new InvalidOperationException("on purpose"));
        var connection = await ConnectAsync(first, second);

        // The reset may overtake the agreement.
        var error = await Assert.ThrowsAsync<Libp2pException>(async ()
            => await (await connection.OpenStreamAsync("/fails/1", Ceiling)).ReadExactlyAsync(1, Ceiling));
        Assert.Equal((Libp2pError.StreamReset, 0x1003), (error.Error, error.Code));
        await connection.PingAsync(Ceiling);
    }

    //= spec/libp2p.md#negotiation-timeout
    [Fact]
    public async Task An_agreement_that_takes_too_long_ends_the_stream_on_either_side()
    {
        var (_, connection, bare) = await ServeBareAsync(new() { NegotiationTimeout = TimeSpan.FromMilliseconds(200) });
        var silent = await bare.OpenStreamAsync(Ceiling);
        await silent.WriteAsync("\u0013"u8.ToArray(), Ceiling);
        await silent.ReadExactlyAsync(20, Ceiling);
        Assert.Equal(0x1000, (await Assert.ThrowsAsync<Libp2pException>(() => silent.ReadExactlyAsync(1, Ceiling))).Code);

        var error = await Assert.ThrowsAsync<Libp2pException>(() => connection.OpenStreamAsync("/a/1", Ceiling));
        Assert.Equal(Libp2pError.TimedOut, error.Error);
    }

    //= spec/libp2p.md#inbound-streams
    [Fact]
    public async Task Streams_beyond_the_bound_are_reset_until_one_has_ended()
    {
        var host = Create(new() { MaxInboundStreams = 3 });
        host.Handle("/echo/1", (_, stream, token) => stream.EchoAsync(token));
        var (_, bare) = await DialBareAsync(host);
        var served = new List<IStream>();
        for (var i = 0; i < 3; i++)
        {
            served.Add(await OpenAsync(bare, "/echo/1"));
        }

        var fourth = await bare.OpenStreamAsync(Ceiling);
        await fourth.WriteAsync("\u0013"u8.ToArray(), Ceiling);
        Assert.Equal(0x1001, (await Assert.ThrowsAsync<Libp2pException>(() => fourth.ReadExactlyAsync(1, Ceiling))).Code);

        served[0].CompleteWrites();
        await served[0].ReadToEndAsync(Ceiling);
        await UntilAsync(async () => await Record.ExceptionAsync(() => OpenAsync(bare, "/echo/1")) is null);
    }

    //= spec/libp2p.md#identify-key
    [Theory]
    [InlineData("/ipfs/id/push/1.0.0", true)]
    [InlineData("/ipfs/id/push/1.0.0", false)]
    public async Task What_a_peer_tells_is_believed_with_its_own_key_only(string protocol, bool isOwn)
    {
        var (host, bare) = await DialBareAsync();
        await UntilAsync(() => host.Connections.Count == 1);
        var connection = host.Connections[0];
        PublicKey key;
        if (isOwn)
        {
            Assert.True(connection.RemotePeerId.TryGetPublicKey(out var own));
            key = own;
        }
        else
        {
            key = TestPeers.KeyNumbered(999);
        }

        await PushAsync(bare, protocol, [new IdentifyMessage { PublicKey = key, AgentVersion = "told" }.ToBytes()], isOwn ? null : 0x1003);
        Assert.Equal(isOwn ? "told" : null, connection.Identity?.AgentVersion);
    }

    //= spec/libp2p.md#identify-bounds
    [Theory]
    [InlineData(10, 6_000, true)]
    [InlineData(11, 10, false)]
    [InlineData(10, 7_300, false)]
    public async Task A_message_comes_in_ten_pieces_of_65536_bytes_together(int pieces, int size, bool accepted)
    {
        var (host, bare) = await DialBareAsync();
        await UntilAsync(() => host.Connections.Count == 1);
        var message = new IdentifyMessage { AgentVersion = "told" }.ToBytes();
        byte[][] sent = [.. Enumerable.Range(0, pieces - 1).Select(_ => Unknown(size)), message];

        await PushAsync(bare, "/ipfs/id/push/1.0.0", sent, accepted ? null : 0x1003);
        Assert.Equal(accepted ? "told" : null, host.Connections[0].Identity?.AgentVersion);
    }

    //= spec/libp2p.md#peer-count
    [Fact]
    public async Task Peers_beyond_the_bound_are_refused_and_may_still_be_dialled()
    {
        var host = Create(new() { MaxPeers = 1 });
        var (first, second) = (Create(), Create());
        await ConnectAsync(first, host);
        await UntilAsync(() => host.Connections.Count == 1);

        var bare = Own(new SimulatedTransport(_world, TestPeers.Next()));
        var refused = await bare.DialAsync(host.ListenAddresses[0], Ceiling);
        Assert.Equal(0x1001, (await refused.Closed.WaitAsync(Ceiling)).Code);

        var address = await second.ListenAsync(Anywhere, Ceiling);
        await host.DialAsync(address, Ceiling);
        Assert.Equal(2, host.Connections.Count);
    }

    [Fact]
    public async Task A_dial_that_cannot_succeed_says_why()
    {
        var (first, second) = (Create(), Create());
        var address = await second.ListenAsync(Anywhere, Ceiling);
        Assert.Equal(
            Libp2pError.WrongPeer,
            (await Assert.ThrowsAsync<Libp2pException>(() => first.DialAsync(address.WithPeer(TestPeers.Next()), Ceiling))).Error);
        Assert.Equal(
            Libp2pError.UnsupportedAddress,
            (await Assert.ThrowsAsync<Libp2pException>(() => first.DialAsync(address.WithoutPeer(), Ceiling))).Error);
        await Assert.ThrowsAsync<ArgumentException>(() => first.DialAsync(address.WithPeer(first.PeerId), Ceiling));
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first.DialAsync(address, cancelled.Token));
        Assert.Empty(first.Connections);

        await first.DialAsync(address, Ceiling);
        await first.DisposeAsync();
        await Assert.ThrowsAnyAsync<Libp2pException>(() => first.DialAsync(address.WithPeer(TestPeers.Next()), Ceiling));
    }

    //= spec/libp2p.md#dialled-peer
    [Fact]
    public async Task A_transport_that_brings_another_peer_than_the_dialled_one_is_not_believed()
    {
        var other = Create();
        var address = await other.ListenAsync(Anywhere, Ceiling);
        var host = Own(Libp2pHost.Start(new CarelessTransport(new SimulatedTransport(_world, TestPeers.Next()), address)));

        var error = await Assert.ThrowsAsync<Libp2pException>(() => host.DialAsync(address.WithPeer(TestPeers.Next()), Ceiling));
        Assert.Equal(Libp2pError.WrongPeer, error.Error);
        Assert.Empty(host.Connections);
    }

    //= spec/libp2p.md#pair-duplicate
    [Fact]
    public async Task A_peer_that_begins_anew_comes_back_before_its_former_connection_has_timed_out()
    {
        // The host leads: it has the smaller peer ID.
        var host = Create(new() { ProbeTimeout = TimeSpan.FromMilliseconds(300) }, TestPeers.Numbered(int.MaxValue));
        var peer = TestPeers.Numbered(int.MinValue);
        await host.ListenAsync(Anywhere, Ceiling);
        var former = Own(new SimulatedTransport(_world, peer));
        var dead = (SimulatedConnection)await former.DialAsync(host.ListenAddresses[0], Ceiling);
        await UntilAsync(() => host.Connections.Count == 1);
        var first = host.Connections[0];
        dead.Peer = null;

        var anew = Own(new SimulatedTransport(_world, peer));
        var connection = await anew.DialAsync(host.ListenAddresses[0], Ceiling);
        Assert.NotNull(await connection.AcceptStreamAsync(Ceiling));
        Assert.Equal(ConnectionEndCause.Local, (await first.Closed.WaitAsync(Ceiling)).Cause);
        Assert.False(connection.Closed.IsCompleted);
    }

    //= spec/libp2p.md#pair-unshown
    [Fact]
    public async Task A_dial_of_a_leader_that_shows_no_choice_ends_with_its_connection_all_the_same()
    {
        var leader = Own(new SimulatedTransport(_world, TestPeers.Numbered(0)));
        var listener = await leader.ListenAsync(Anywhere, Ceiling);
        var host = Create(new() { ChoiceTimeout = TimeSpan.FromSeconds(1) });

        var dial = host.DialAsync(listener.LocalAddress, Ceiling);
        var bare = await listener.AcceptAsync(Ceiling);
        Assert.False(dial.IsCompleted);
        Assert.Empty(host.Connections);
        Assert.Equal(leader.LocalPeerId, (await dial).RemotePeerId);
        Assert.False(bare.Closed.IsCompleted);
    }

    private static byte[] Unknown(int size) => [0x7a, (byte)(0x80 | ((size - 3) & 0x7f)), (byte)((size - 3) >> 7), .. new byte[size - 3]];

    private T Own<T>(T owned)
        where T : IAsyncDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    private Libp2pHost Create(Libp2pHostOptions? options = null, PeerId? peer = null)
        => Own(Libp2pHost.Start(new SimulatedTransport(_world, peer ?? TestPeers.Next()), options));

    private async Task<PeerConnection> ConnectAsync(Libp2pHost first, Libp2pHost second)
        => await first.DialAsync(await second.ListenAsync(Anywhere, Ceiling), Ceiling);

    /// <summary>Dials a host by a bare transport, which follows since its peer ID is larger.</summary>
    private async Task<(Libp2pHost Host, IConnection Bare)> DialBareAsync(Libp2pHost? host = null)
    {
        host ??= Create();
        var address = await host.ListenAsync(Anywhere, Ceiling);
        var bare = Own(new SimulatedTransport(_world, TestPeers.Next()));
        var connection = await bare.DialAsync(address, Ceiling);
        return (host, connection);
    }

    /// <summary>Lets a host dial a bare transport, which follows.</summary>
    private async Task<(Libp2pHost Host, PeerConnection Connection, IConnection Bare)> ServeBareAsync(Libp2pHostOptions? options = null)
    {
        var host = Create(options);
        var bare = Own(new SimulatedTransport(_world, TestPeers.Next()));
        var listener = await bare.ListenAsync(Anywhere, Ceiling);
        var connection = await host.DialAsync(listener.LocalAddress, Ceiling);
        return (host, connection, await listener.AcceptAsync(Ceiling));
    }

    private async Task<IStream> OpenAsync(IConnection connection, string protocol)
    {
        var stream = await connection.OpenStreamAsync(Ceiling);
        await MultistreamSelect.DialAsync(stream, [protocol], Ceiling);
        return stream;
    }

    /// <summary>Accepts the stream of a protocol, and leaves those of others unanswered.</summary>
    private async Task<IStream> AcceptAsync(IConnection connection, string protocol)
    {
        while (true)
        {
            var stream = await connection.AcceptStreamAsync(Ceiling);
            var header = Encoding.UTF8.GetString(await stream.ReadExactlyAsync(20, Ceiling));
            Assert.Equal("\u0013/multistream/1.0.0\n", header);
            var proposal = Encoding.UTF8.GetString((await DelimitedMessage.ReadAsync(stream.Input, 1024, Ceiling)).Message);
            if (proposal == protocol + "\n")
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes($"{header}{(char)proposal.Length}{proposal}"), Ceiling);
                return stream;
            }
        }
    }

    private async Task PingAsync(IStream stream)
    {
        var payload = Enumerable.Range(0, 32).Select(i => (byte)i).ToArray();
        await stream.WriteAsync(payload, Ceiling);
        Assert.Equal(payload, await stream.ReadExactlyAsync(32, Ceiling));
    }

    private async Task PushAsync(IConnection bare, string protocol, byte[][] pieces, long? reset)
    {
        var stream = await OpenAsync(bare, protocol);
        foreach (var piece in pieces)
        {
            DelimitedMessage.Write(stream.Output, piece);
        }

        await stream.Output.FlushAsync(Ceiling);
        stream.CompleteWrites();
        if (reset is null)
        {
            Assert.Empty(await stream.ReadToEndAsync(Ceiling));
        }
        else
        {
            Assert.Equal(reset, (await Assert.ThrowsAsync<Libp2pException>(() => stream.ReadToEndAsync(Ceiling))).Code);
        }
    }

    private Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    private async Task UntilAsync(Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            await Task.Delay(1, Ceiling);
        }
    }

    /// <summary>Dials one address whatever it is asked for.</summary>
    private sealed class CarelessTransport(ITransport inner, Multiaddress only) : ITransport
    {
        public PeerId LocalPeerId => inner.LocalPeerId;

        public bool Matches(Multiaddress address) => inner.Matches(address);

        public Task<IConnection> DialAsync(Multiaddress remote, CancellationToken cancellationToken = default) => inner.DialAsync(only, cancellationToken);

        public Task<IListener> ListenAsync(Multiaddress local, CancellationToken cancellationToken = default) => inner.ListenAsync(local, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
