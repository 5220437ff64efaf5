using System.Net;
using Microsoft.Extensions.Logging;
using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Datagrams;
using PacketSec.Libp2p.Hosting;
using PacketSec.Libp2p.Psec;
using PacketSec.Libp2p.Tests.Conformance;
using PacketSec.Libp2p.Transports;

namespace PacketSec.Libp2p.Tests.Psec;

/// <summary>What the transport over PSEC does beyond what every transport does.</summary>
[Collection(SocketsCollection.Name)]
public sealed class PacketSecTransportTests : IAsyncLifetime, IDisposable
{
    private static readonly Multiaddress Anywhere = Multiaddress.Parse("/ip4/127.0.0.1/udp/0/psec");
    private static readonly string[] Both = ["p2pke-1", "noise-xx-1"];

    private readonly CancellationTokenSource _ceiling = new(TimeSpan.FromSeconds(30));
    private readonly List<IAsyncDisposable> _owned = [];

    private CancellationToken Ceiling => _ceiling.Token;

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => Task.WhenAll(_owned.Select(owned => owned.DisposeAsync().AsTask()));

    public void Dispose() => _ceiling.Dispose();

    //= spec/libp2p.md#pinned-schemes
    [Theory]
    [InlineData("/psec", "p2pke-1", true)]
    [InlineData("", "p2pke-1", true)]
    [InlineData("/psec/psec-scheme/noise-xx-1/psec-scheme/p2pke-1", "noise-xx-1", true)]
    [InlineData("/psec/psec-scheme/p2pke-1/psec-scheme/noise-xx-1", "p2pke-1", true)]
    [InlineData("/psec/psec-scheme/noise-xx-1", "noise-xx-1", false)]
    public async Task The_schemes_of_an_address_are_those_that_the_dial_uses(string pins, string scheme, bool negotiated)
    {
        var peer = Own(PacketSecEndpoint.Bind(new()
        {
            Identity = PacketSecIdentity.Generate(),
            LocalEndPoint = new(IPAddress.Loopback, 0),
            Schemes = Both,
            DirectScheme = "noise-xx-1",
        }));
        var transport = Create(new() { Identity = PacketSecIdentity.Generate(), Schemes = Both });
        var dial = transport.DialAsync(Multiaddress.Parse($"/ip4/127.0.0.1/udp/{peer.LocalEndPoint.Port}{pins}/p2p/{peer.PeerId}"), Ceiling);

        var channel = await peer.AcceptAsync(Ceiling);
        await dial;
        Assert.Equal((scheme, negotiated), (channel.Scheme, channel.Agreement is not null));
    }

    [Theory]
    [InlineData("/psec/psec-scheme/nothing-1")]
    [InlineData("/psec/psec-scheme/p2pke-1/psec-scheme/nothing-1")]
    public async Task An_unknown_scheme_is_refused_before_anything_is_sent(string pins)
    {
        var transport = Create();
        var error = await Assert.ThrowsAsync<Libp2pException>(
            () => transport.DialAsync(Multiaddress.Parse($"/ip4/127.0.0.1/udp/9{pins}/p2p/{TestPeers.Next()}"), Ceiling));
        Assert.Equal(Libp2pError.UnsupportedAddress, error.Error);
    }

    [Fact]
    public async Task A_name_is_resolved_and_an_address_of_another_form_refused()
    {
        var (dialler, acceptor) = (Create(), Create());
        var listener = await acceptor.ListenAsync(Anywhere, Ceiling);
        var port = listener.LocalAddress.Components[1].Value;
        await dialler.DialAsync(Multiaddress.Parse($"/dns4/localhost/udp/{port}/p2p/{acceptor.LocalPeerId}"), Ceiling);
        Assert.Equal(dialler.LocalPeerId, (await listener.AcceptAsync(Ceiling)).RemotePeerId);

        Assert.True(dialler.Matches(listener.LocalAddress));
        Assert.False(dialler.Matches(Multiaddress.Parse("/udp/1")));
        foreach (var address in new[] { "/udp/1", $"/ip4/127.0.0.1/udp/0/p2p/{dialler.LocalPeerId}", "/ip4/127.0.0.1/udp/0/psec/psec-scheme/p2pke-1" })
        {
            var error = await Assert.ThrowsAsync<Libp2pException>(() => dialler.ListenAsync(Multiaddress.Parse(address), Ceiling));
            Assert.Equal(Libp2pError.UnsupportedAddress, error.Error);
        }
    }

    [Fact]
    public async Task A_port_that_is_taken_is_an_error_of_the_system()
    {
        var (first, second) = (Create(), Create());
        var listener = await first.ListenAsync(Anywhere, Ceiling);
        await Assert.ThrowsAnyAsync<IOException>(() => second.ListenAsync(listener.LocalAddress.WithoutPeer(), Ceiling));
        await Assert.ThrowsAnyAsync<IOException>(() => first.ListenAsync(listener.LocalAddress.WithoutPeer(), Ceiling));
    }

    [Fact]
    public async Task Dials_of_one_peer_share_its_connection_and_its_listener_gives_the_same()
    {
        var (first, second) = (Create(), Create());
        var (firstListener, secondListener) = (await first.ListenAsync(Anywhere, Ceiling), await second.ListenAsync(Anywhere, Ceiling));
        var dials = await Task.WhenAll(
            first.DialAsync(secondListener.LocalAddress, Ceiling), first.DialAsync(secondListener.LocalAddress, Ceiling));
        Assert.Same(dials[0], dials[1]);

        var accepted = await secondListener.AcceptAsync(Ceiling);
        Assert.Same(accepted, await second.DialAsync(firstListener.LocalAddress, Ceiling));
    }

    [Fact]
    public async Task A_peer_that_starts_anew_comes_as_a_new_connection()
    {
        using var identity = PacketSecIdentity.Generate();
        var transport = Create();
        var listener = await transport.ListenAsync(Anywhere, Ceiling);
        Assert.True(PsecTarget.TryFrom(listener.LocalAddress, out var target));
        var address = new IPEndPoint(IPAddress.Loopback, target.Port);
        var former = PacketSecEndpoint.Bind(new() { Identity = identity, LocalEndPoint = new(IPAddress.Loopback, 0) });
        await SayAsync(former, address, transport, "before");
        var connection = await listener.AcceptAsync(Ceiling);
        Assert.Equal("before"u8.ToArray(), await (await connection.AcceptStreamAsync(Ceiling)).ReadExactlyAsync(6, Ceiling));

        var place = former.LocalEndPoint;
        await former.AbortAsync();
        var anew = Own(PacketSecEndpoint.Bind(new() { Identity = identity, LocalEndPoint = place }));
        await SayAsync(anew, address, transport, "after");
        var next = await listener.AcceptAsync(Ceiling);
        Assert.Equal("after"u8.ToArray(), await (await next.AcceptStreamAsync(Ceiling)).ReadExactlyAsync(5, Ceiling));
        Assert.Equal(ConnectionEndCause.PeerRestarted, (await connection.Closed.WaitAsync(Ceiling)).Cause);
        Assert.NotSame(connection, next);
    }

    //= spec/libp2p.md#pair-first
    [Fact]
    public async Task Peers_that_dial_each_other_at_two_addresses_each_end_with_one_connection()
    {
        await using var first = Libp2pHost.Start(Create());
        await using var second = Libp2pHost.Start(Create());
        var addresses = new List<(Multiaddress First, Multiaddress Second)>();
        for (var i = 0; i < 2; i++)
        {
            addresses.Add((await first.ListenAsync(Anywhere, Ceiling), await second.ListenAsync(Anywhere, Ceiling)));
        }

        var dials = addresses.SelectMany(pair => new[] { first.DialAsync(pair.Second, Ceiling), second.DialAsync(pair.First, Ceiling) });
        var connections = await Task.WhenAll(dials);

        Assert.Single(connections.Where(connection => connection.RemotePeerId.Equals(second.PeerId)).Distinct());
        Assert.Single(connections.Where(connection => connection.RemotePeerId.Equals(first.PeerId)).Distinct());
        Assert.All(connections, connection => Assert.False(connection.Closed.IsCompleted));
        await connections[0].PingAsync(Ceiling);
        await connections[1].PingAsync(Ceiling);
    }

    [Fact]
    public async Task Two_hosts_speak_streams_flows_pings_and_identify_over_udp()
    {
        await using var first = Libp2pHost.Start(Create());
        await using var second = Libp2pHost.Start(Create());
        second.Handle("/echo/1", (_, stream, token) => stream.EchoAsync(token));
        second.HandleFlow("/echo/1", async (_, flow, token) =>
        {
            while (true)
            {
                flow.TrySend((await flow.ReceiveAsync(token)).Span);
            }
        });
        var connection = await first.DialAsync(await second.ListenAsync(Anywhere, Ceiling), Ceiling);

        await using var stream = await connection.OpenStreamAsync("/echo/1", Ceiling);
        await stream.WriteAsync("stream"u8.ToArray(), Ceiling);
        stream.CompleteWrites();
        Assert.Equal("stream"u8.ToArray(), await stream.ReadToEndAsync(Ceiling));
        await using DatagramFlow flow = await connection.OpenFlowAsync("/echo/1", Ceiling);
        flow.TrySend("flow"u8);
        Assert.Equal("flow"u8.ToArray(), (await flow.ReceiveAsync(Ceiling)).ToArray());
        Assert.True(await connection.PingAsync(Ceiling) > TimeSpan.Zero);

        // The path's MTU is found while packets go; a datagram longer than the usual buffer gets one that is larger.
        while (flow.MaxPayload < 3000)
        {
            await connection.PingAsync(Ceiling);
        }

        flow.TrySend(new byte[3000]);
        Assert.Equal(3000, (await flow.ReceiveAsync(Ceiling)).Length);
        var told = await connection.IdentifyAsync(Ceiling);
        Assert.Equal(second.ListenAddresses, told.ListenAddresses);
        Assert.Equal("/ip4/127.0.0.1", string.Join('/', told.ObservedAddress!.ToString().Split('/')[..3]));

        await second.DisposeAsync();
        var end = await connection.Closed.WaitAsync(Ceiling);
        Assert.Equal(end.Cause == ConnectionEndCause.Lost ? new(ConnectionEndCause.Lost) : new(ConnectionEndCause.Peer, 0x1006, "The host ends."), end);
        Assert.Empty(second.Connections);
    }

    [Fact]
    public async Task A_dial_without_a_socket_fails_as_dials_do()
    {
        using var full = new FullMachine();
        var transport = Create(new() { Identity = PacketSecIdentity.Generate(), LoggerFactory = full });
        var error = await Assert.ThrowsAsync<Libp2pException>(
            () => transport.DialAsync(Multiaddress.Parse($"/ip4/127.0.0.1/udp/9/p2p/{TestPeers.Next()}"), Ceiling));
        Assert.Equal(Libp2pError.DialFailed, error.Error);
        Assert.Contains("127.0.0.1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_asks_for_the_connection_of_a_channel_after_its_end_gets_the_one_that_ended()
    {
        var (dialler, acceptor) = (Own(Bind()), Own(Bind()));
        var socket = Own(new TransportSocket(new() { Identity = PacketSecIdentity.Generate(), LocalEndPoint = new(IPAddress.Loopback, 0) }, new()));
        var accepting = acceptor.AcceptAsync(Ceiling).AsTask();
        await dialler.ConnectAsync(acceptor.LocalEndPoint, acceptor.PeerId, Ceiling);
        var channel = await accepting;
        var connection = socket.Open(channel);
        await connection.DisposeAsync();
        await connection.Closed.WaitAsync(Ceiling);
        for (var i = 0; i < 20; i++)
        {
            Assert.Same(connection, socket.Open(channel));
            await Task.Delay(5, Ceiling);
        }

        static PacketSecEndpoint Bind() => PacketSecEndpoint.Bind(new() { Identity = PacketSecIdentity.Generate(), LocalEndPoint = new(IPAddress.Loopback, 0) });
    }

    private T Own<T>(T owned)
        where T : IAsyncDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    private PacketSecTransport Create(PacketSecEndpointOptions? options = null)
        => Own(new PacketSecTransport(options ?? new() { Identity = PacketSecIdentity.Generate() }));

    private async Task SayAsync(PacketSecEndpoint peer, IPEndPoint address, PacketSecTransport transport, string text)
    {
        var connection = PacketSecConnection.Open(await peer.ConnectAsync(address, transport.LocalPeerId, Ceiling));
        var stream = await connection.OpenStreamAsync(Ceiling);
        await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text), Ceiling);
    }

    /// <summary>A machine that gives no socket.</summary>
    private sealed class FullMachine : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => throw new IOException("no socket");

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose()
        {
            // It has nothing.
        }
    }
}
