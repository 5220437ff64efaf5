using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.P2pke;

namespace PacketSec.Tests.Api;

[Collection(SocketsCollection.Name)]
public class NegotiationTests
{
    private const string Direct = "p2pke-1";
    private const string Other = "test-other-1";
    private const string Hiding = "test-hiding-1";

    private static readonly SchemeCatalogue Catalogue = new([new P2pkeScheme(), new P2pkeScheme(Other), new P2pkeScheme(Hiding, hidesIdentity: true)]);

    public static TheoryData<string, PacketSecConnectOptions, string> BadDials => new()
    {
        { "unknown", new() { Schemes = ["p2pke-2"] }, "'p2pke-2'" },
        { "empty", new() { Schemes = [] }, "1 to 16" },
        { "too many", new() { Schemes = [.. Enumerable.Repeat(Direct, 17)] }, "1 to 16" },
        { "hidden", new() { HidePeerId = true }, "'p2pke-1' does not" },
        { "direct and hidden", new() { DirectScheme = Direct, HidePeerId = true }, "negotiates nothing" },
        { "direct and a list", new() { DirectScheme = Direct, Schemes = [Direct] }, "negotiates nothing" },
        { "unknown direct", new() { DirectScheme = "p2pke-2" }, "'p2pke-2'" },
        { "mixed", new() { Schemes = [Hiding, Direct] }, "allow the mixture" },
    };

    //= spec/psec.md#list-hiding
    //= spec/psec.md#list-mixed
    [Theory]
    [MemberData(nameof(BadDials))]
    public async Task A_dial_that_contradicts_itself_is_a_callers_error(string what, PacketSecConnectOptions options, string told)
    {
        await using var pair = EndpointPair.Bind(o => o with { Catalogue = Catalogue });
        var error = await Assert.ThrowsAsync<ArgumentException>(() => pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId, options));
        Assert.True(error.Message.Contains(told, StringComparison.Ordinal), $"{what}: {error.Message}");
    }

    [Fact]
    public void An_endpoint_that_serves_what_hides_and_what_does_not_says_so()
    {
        using var identity = PacketSecIdentity.Generate();
        var options = new PacketSecEndpointOptions { Identity = identity, Catalogue = Catalogue, Schemes = [Hiding], DirectScheme = Direct };
        Assert.Contains("hide identities beside others", Assert.Throws<ArgumentException>(() => PacketSecEndpoint.Bind(options)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => PacketSecEndpoint.Bind(options with { Schemes = [Hiding, Direct], DirectScheme = null }));
        Assert.Throws<ArgumentException>(() => PacketSecEndpoint.Bind(options with { Schemes = null! }));
        options = options with { AllowSchemeMixture = true };
        options.Validate();
    }

    //= spec/psec.md#leader
    [Fact]
    public async Task Two_that_dial_each_other_at_once_have_one_channel_and_agree_on_it()
    {
        for (var run = 0; run < 10; run++)
        {
            await using var pair = EndpointPair.Bind();
            using var ceiling = EndpointPair.Ceiling();
            var there = pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId, ceiling.Token);
            var back = pair.Listener.ConnectAsync(pair.Dialler.LocalEndPoint, pair.Dialler.PeerId, ceiling.Token);
            var (one, other) = (await there, await back);
            Assert.Equal(one.Agreement, other.Agreement);
            Assert.NotNull(one.Agreement);
            Assert.Equal(Direct, one.Scheme);
            Assert.Equal(1, pair.Dialler.GetStatistics().Channels);
            Assert.Equal(1, pair.Listener.GetStatistics().Channels);
            one.TrySend("there"u8);
            other.TrySend("back"u8);
            Assert.Equal("there"u8.ToArray(), await other.ReceiveOneAsync());
            Assert.Equal("back"u8.ToArray(), await one.ReceiveOneAsync());
            Assert.Equal(1, one.GetStatistics().Sessions);
        }
    }

    //= spec/psec.md#accept-standard
    [Fact]
    public async Task The_diallers_first_choice_that_is_served_is_taken_and_named_at_both_ends()
    {
        await using var pair = EndpointPair.Bind(
            o => o with { Catalogue = Catalogue }, o => o with { Catalogue = Catalogue, Schemes = [Direct, Other] });
        using var ceiling = EndpointPair.Ceiling();
        var dialled = await pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId, new() { Schemes = [Other, Direct] }, ceiling.Token);
        var accepted = await pair.Listener.AcceptAsync(ceiling.Token);
        Assert.Equal((Other, Other), (dialled.Scheme, accepted.Scheme));
        Assert.Equal(dialled.Agreement, accepted.Agreement);
        Assert.Equal(NegotiationCase.Standard, dialled.Agreement!.Case);
    }

    //= spec/psec.md#reject-schedule
    [Fact]
    public async Task Without_a_common_scheme_a_dial_fails_and_says_so()
    {
        var time = new ManualTimeProvider();
        await using var pair = EndpointPair.Bind(o => o with { Catalogue = Catalogue, TimeProvider = time });
        var dial = pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId, new PacketSecConnectOptions { Schemes = [Other] });
        await time.AdvanceUntilEndAsync(dial);
        var error = await Assert.ThrowsAsync<PacketSecException>(() => dial);
        Assert.Equal(PacketSecError.NoCommonScheme, error.Error);
        Assert.Contains("none of the schemes proposed", error.Message, StringComparison.Ordinal);
    }

    //= spec/psec.md#direct-one
    [Fact]
    public async Task One_socket_serves_peers_that_negotiate_and_such_as_do_not()
    {
        await using var pair = EndpointPair.Bind(listener: o => o with { DirectScheme = Direct });
        using var ceiling = EndpointPair.Ceiling();
        var direct = await pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId, new() { DirectScheme = Direct }, ceiling.Token);
        var accepted = await pair.Listener.AcceptAsync(ceiling.Token);
        Assert.Null(direct.Agreement);
        Assert.Null(accepted.Agreement);
        Assert.Equal(Direct, direct.Scheme);

        using var identity = PacketSecIdentity.Generate();
        await using var negotiating = PacketSecEndpoint.Bind(new() { Identity = identity, LocalEndPoint = new(System.Net.IPAddress.Loopback, 0) });
        var negotiated = await negotiating.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId, ceiling.Token);
        Assert.Equal((await pair.Listener.AcceptAsync(ceiling.Token)).Agreement, negotiated.Agreement);
        Assert.NotNull(negotiated.Agreement);
    }

    //= spec/psec.md#cancel
    [Fact]
    public async Task Dials_of_two_identities_at_one_address_take_turns()
    {
        await using var pair = EndpointPair.Bind();
        using var stranger = PacketSecIdentity.Generate();
        using var cancellation = new CancellationTokenSource();
        using var silent = new SilentHost();
        var first = pair.Dialler.ConnectAsync(silent.Address, stranger.PeerId, cancellation.Token);
        var before = (await silent.ReceiveAsync()).Datagram;
        using var ceiling = EndpointPair.Ceiling();
        var second = pair.Dialler.ConnectAsync(silent.Address, pair.Listener.PeerId, ceiling.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);

        // The second proposes when the first is gone: as an attempt of its own, or nothing more would come but copies.
        byte[] proposal;
        do
        {
            proposal = (await silent.ReceiveAsync()).Datagram;
        }
        while (proposal.AsSpan().SequenceEqual(before));

        Assert.False(second.IsCompleted);
        await pair.Dialler.DisposeAsync();
        Assert.Equal(PacketSecError.EndpointClosed, (await Assert.ThrowsAsync<PacketSecException>(() => second)).Error);
    }

    [Fact]
    public async Task Proposals_that_are_served_stand_in_the_statistics()
    {
        using var stranger = new SilentHost();
        await using var pair = EndpointPair.Bind();
        byte[] proposal = [0, 3, 0, 1, 7, 1, 7, .. "p2pke-1"u8];
        stranger.SendTo(proposal, pair.Listener.LocalEndPoint);
        Assert.Equal([1, 7, .. "p2pke-1"u8], (await stranger.ReceiveAsync()).Datagram);
        Assert.Equal(1, pair.Listener.GetStatistics().ProposalsServed);
    }
}
