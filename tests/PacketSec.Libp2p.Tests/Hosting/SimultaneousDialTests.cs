using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Hosting;
using PacketSec.Libp2p.Psec;
using PacketSec.Libp2p.Tests.Simulated;
using PacketSec.Libp2p.Transports;

namespace PacketSec.Libp2p.Tests.Hosting;

/// <summary>Two hosts dial each other at once; the transports below make one connection of it, or two.</summary>
public sealed class SimultaneousDialTests : IDisposable
{
    private readonly CancellationTokenSource _ceiling = new(TimeSpan.FromSeconds(30));

    private CancellationToken Ceiling => _ceiling.Token;

    public void Dispose() => _ceiling.Dispose();

    //= spec/libp2p.md#pair-adopt
    //= spec/libp2p.md#pair-follow
    [Fact]
    public async Task A_thousand_pairs_on_a_lossy_network_end_with_one_connection_each()
    {
        using var world = new SimulatedWorld(seed: 1000);

        // A close that the network loses is noticed when the choice is not shown in time: others go on meanwhile.
        await Parallel.ForEachAsync(
            Enumerable.Range(0, 1000),
            new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = Ceiling },
            async (_, _) => await DialEachOtherAsync(() => new SimulatedTransport(world, TestPeers.Next())));
    }

    private async Task DialEachOtherAsync(Func<ITransport> create)
    {
        var options = new Libp2pHostOptions { ChoiceTimeout = TimeSpan.FromSeconds(4) };
        await using var first = Libp2pHost.Start(create(), options);
        await using var second = Libp2pHost.Start(create(), options);
        await MeetAsync(first, second, Multiaddress.Parse("/ip4/10.0.0.1/udp/0/psec"), Ceiling);
    }

    /// <summary>Lets two hosts dial each other at once, and checks what came of it.</summary>
    internal static async Task MeetAsync(Libp2pHost first, Libp2pHost second, Multiaddress local, CancellationToken ceiling)
    {
        var firstAddress = await first.ListenAsync(local, ceiling);
        var secondAddress = await second.ListenAsync(local, ceiling);
        second.Handle("/test/1", EchoAsync);
        first.Handle("/test/1", EchoAsync);

        var dials = await Task.WhenAll(
            Task.Run(() => first.DialAsync(secondAddress, ceiling), ceiling),
            Task.Run(() => second.DialAsync(firstAddress, ceiling), ceiling));

        // Both ends are of the same connection: what one side asks on it comes to the other side's, and the other one is the only one there is.
        Assert.False(dials[0].Closed.IsCompleted);
        Assert.False(dials[1].Closed.IsCompleted);
        Assert.Equal(second.PeerId, dials[0].RemotePeerId);
        Assert.Equal(first.PeerId, dials[1].RemotePeerId);
        Assert.Equal(NumberOf(dials[0]), NumberOf(dials[1]));
        await ExchangeAsync(dials[0], ceiling);
        await ExchangeAsync(dials[1], ceiling);
        Assert.Same(dials[0], Assert.Single(first.Connections));
        Assert.Same(dials[1], Assert.Single(second.Connections));
        Assert.Same(dials[0], await first.DialAsync(secondAddress, ceiling));
        await UntilAsync(() => first.KnownConnections == 1 && second.KnownConnections == 1, ceiling);
        Assert.False(dials[0].Closed.IsCompleted);
        Assert.False(dials[1].Closed.IsCompleted);
    }

    private static long NumberOf(PeerConnection connection) => connection.Transport is SimulatedConnection simulated ? simulated.Number : 0;

    private static async Task EchoAsync(PeerConnection connection, IStream stream, CancellationToken cancellationToken)
        => await Conformance.StreamExtensions.EchoAsync(stream, cancellationToken);

    private static async Task ExchangeAsync(PeerConnection connection, CancellationToken ceiling)
    {
        await using var stream = await connection.OpenStreamAsync("/test/1", ceiling);
        await stream.Output.WriteAsync("both"u8.ToArray(), ceiling);
        stream.CompleteWrites();
        Assert.Equal("both"u8.ToArray(), await Conformance.StreamExtensions.ReadToEndAsync(stream, ceiling));
    }

    private static async Task UntilAsync(Func<bool> condition, CancellationToken ceiling)
    {
        while (!condition())
        {
            await Task.Delay(1, ceiling);
        }
    }
}

/// <summary>The same over PSEC and the loopback interface.</summary>
[Collection(SocketsCollection.Name)]
public sealed class SimultaneousUdpDialTests
{
    [Fact]
    public async Task Twenty_pairs_on_the_loopback_interface_end_with_one_connection_each()
    {
        using var ceiling = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => DialEachOtherAsync(ceiling.Token)));
    }

    private static async Task DialEachOtherAsync(CancellationToken ceiling)
    {
        using var firstIdentity = PacketSecIdentity.Generate();
        using var secondIdentity = PacketSecIdentity.Generate();
        await using var first = Libp2pHost.Start(new PacketSecTransport(new() { Identity = firstIdentity }));
        await using var second = Libp2pHost.Start(new PacketSecTransport(new() { Identity = secondIdentity }));
        await SimultaneousDialTests.MeetAsync(first, second, Multiaddress.Parse("/ip4/127.0.0.1/udp/0/psec"), ceiling);
    }
}
