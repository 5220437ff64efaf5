using System.Collections.Concurrent;
using System.Net;
using PacketSec.Internal;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Tests.Api;

/// <summary>Sites that talk by <c>mychips-1</c> over real sockets.</summary>
[Collection(SocketsCollection.Name)]
public sealed class SiteTests
{
    private const string Scheme = "mychips-1";

    //= spec/mychips.md#asked-first
    //= spec/mychips.md#silence
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_ticket_works_once_and_whoever_comes_with_it_again_hears_nothing(bool negotiated)
    {
        var store = new MemoryTicketStore();
        await using var pair = Bind(o => o with { Tickets = store }, o => o with { Certificate = "b1@site"u8.ToArray() });
        using var ticket = await IssueAsync(pair, store);
        using var ceiling = EndpointPair.Ceiling();
        var dial = Dial(negotiated) with { Ticket = ticket };
        var dialled = await pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId, dial, ceiling.Token);
        var accepted = await pair.Listener.AcceptAsync(ceiling.Token);
        dialled.TrySend(new byte[dialled.MaxDatagramSize]);
        accepted.TrySend("back"u8);

        Assert.Equal((Scheme, Scheme), (dialled.Scheme, accepted.Scheme));
        Assert.Equal(negotiated, dialled.Agreement is not null);
        Assert.Equal(dialled.Agreement, accepted.Agreement);
        Assert.Equal("b1@site"u8.ToArray(), accepted.RemoteCertificate);
        Assert.Equal(ImplementationLimits.DatagramSize - 21, (await accepted.ReceiveOneAsync()).Length);
        Assert.Equal("back"u8.ToArray(), await dialled.ReceiveOneAsync());

        using var other = PacketSecIdentity.Generate();
        await using var thief = PacketSecEndpoint.Bind(new() { Identity = other, LocalEndPoint = new(IPAddress.Loopback, 0), Schemes = [Scheme] });
        using var silence = new CancellationTokenSource();
        var stolen = thief.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId, dial, silence.Token);
        await Until.TrueAsync(() => pair.Listener.GetStatistics().Drops.GetValueOrDefault(DropReason.TicketUsed) > 0);
        await silence.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stolen);
        Assert.Equal(1, pair.Listener.GetStatistics().Channels);
        Assert.Equal(1, (await store.ListAsync(ceiling.Token)).Single().UsesSoFar);
    }

    //= spec/mychips.md#asked-first
    [Fact]
    public async Task A_known_site_comes_in_where_the_application_says_yes_and_nobody_where_it_is_not_asked()
    {
        var asked = new ConcurrentQueue<string>();
        var sites = new ConcurrentDictionary<string, PublicKey>();
        var mayCome = false;
        await using var pair = Bind(
            o => o with
            {
                Sites = sites,
                AuthorizePeer = (_, siteId, _) =>
                {
                    asked.Enqueue(siteId);
                    return ValueTask.FromResult(Volatile.Read(ref mayCome));
                },
            },
            o => o with { SiteId = "b@4000" });
        using var ceiling = EndpointPair.Ceiling();
        var dialled = pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId, Dial(false), ceiling.Token);
        await Until.TrueAsync(() => pair.Listener.GetStatistics().Drops.GetValueOrDefault(DropReason.UnknownSite) > 0);
        Assert.Empty(asked);
        Assert.True(pair.Dialler.PeerId.TryGetPublicKey(out var key));
        sites["b@4000"] = key;
        await Until.TrueAsync(() => !asked.IsEmpty);
        Volatile.Write(ref mayCome, true);

        var accepted = await pair.Listener.AcceptAsync(ceiling.Token);
        Assert.Equal(pair.Dialler.PeerId, accepted.RemotePeerId);
        (await dialled).TrySend("hello"u8);
        Assert.Equal("hello"u8.ToArray(), await accepted.ReceiveOneAsync());
        Assert.All(asked, siteId => Assert.Equal("b@4000", siteId));
    }

    [Fact]
    public async Task A_channel_decided_on_while_there_was_room_is_closed_when_others_have_taken_it()
    {
        var store = new GatheringStore(2);
        await using var pair = Bind(o => o with { Tickets = store, AcceptBacklog = 1 });
        using var otherIdentity = PacketSecIdentity.Generate();
        await using var other = PacketSecEndpoint.Bind(new() { Identity = otherIdentity, LocalEndPoint = new(IPAddress.Loopback, 0), Schemes = [Scheme] });
        using var ticket = await IssueAsync(pair, store.Tickets);
        using var otherTicket = await IssueAsync(pair, store.Tickets);
        using var ceiling = EndpointPair.Ceiling();
        var address = pair.Listener.LocalEndPoint;
        var dialled = await Task.WhenAll(
            pair.Dialler.ConnectAsync(address, pair.Listener.PeerId, Dial(false) with { Ticket = ticket }, ceiling.Token),
            other.ConnectAsync(address, pair.Listener.PeerId, Dial(false) with { Ticket = otherTicket }, ceiling.Token));

        var ended = await (await Task.WhenAny(dialled.Select(channel => channel.Closed)).WithinCeiling());
        Assert.Equal(PacketSecError.PeerClosed, ended);
        Assert.Single(dialled, channel => channel.Closed.IsCompleted);
        _ = await pair.Listener.AcceptAsync(ceiling.Token);
        await Until.TrueAsync(() => pair.Listener.GetStatistics().Channels == 1);
        await other.AbortAsync();
    }

    [Fact]
    public async Task The_copy_of_a_ticket_is_wiped_when_the_dial_ends_with_the_endpoint()
    {
        var store = new MemoryTicketStore();
        await using var pair = Bind(o => o with { Tickets = store });
        using var ticket = await IssueAsync(pair, store);
        using var ceiling = EndpointPair.Ceiling();
        var dialled = await pair.Dialler.ConnectAsync(
            pair.Listener.LocalEndPoint, pair.Listener.PeerId, Dial(false) with { Ticket = ticket }, ceiling.Token);
        await pair.Dialler.AbortAsync();

        var dial = new Dial(dialled.Endpoint, pair.Listener.LocalEndPoint, pair.Listener.PeerId, null, Scheme, ticket);
        dialled.Endpoint.Post(new DriverMessage.DialOver(dial));
        Assert.Throws<ObjectDisposedException>(() => dial.Ticket!.ToText());
    }

    [Fact]
    public async Task A_store_that_fails_lets_nobody_in_and_the_log_says_so()
    {
        var log = new LogRecorder();
        await using var pair = Bind(o => o with { Tickets = new FailingStore(), LoggerFactory = log });
        using var ticket = await IssueAsync(pair, new MemoryTicketStore());
        using var silence = new CancellationTokenSource();
        var dialled = pair.Dialler.ConnectAsync(
            pair.Listener.LocalEndPoint, pair.Listener.PeerId, Dial(false) with { Ticket = ticket }, silence.Token);
        await Until.TrueAsync(() => pair.Listener.GetStatistics().Drops.GetValueOrDefault(DropReason.TicketUnknown) > 0);
        await silence.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dialled);
        Assert.Equal(0, pair.Listener.GetStatistics().Channels);
    }

    //= spec/mychips.md#which-first
    //= spec/mychips.md#finish-once
    [Fact]
    public async Task Dials_and_options_that_cannot_be_are_the_callers_errors()
    {
        var store = new MemoryTicketStore();
        await using var pair = Bind(o => o with { Tickets = store });
        using var ticket = await IssueAsync(pair, store);
        await Assert.ThrowsAsync<ArgumentException>(() => pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId, Dial(false)));
        using var other = PacketSecIdentity.Generate();
        await Assert.ThrowsAsync<ArgumentException>(
            () => pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, other.PeerId, Dial(false) with { Ticket = ticket }));
        Assert.Throws<ArgumentException>(() => PacketSecEndpoint.Bind(new() { Identity = other, Certificate = new byte[1025] }));
        Assert.Throws<ArgumentException>(() => PacketSecEndpoint.Bind(new() { Identity = other, SiteId = "" }));
        await PacketSecEndpoint.Bind(new()
        {
            Identity = other,
            LocalEndPoint = new(IPAddress.Loopback, 0),
            Certificate = new byte[1024],
            SiteId = new string('s', 255),
        }).DisposeAsync();
    }

    private static EndpointPair Bind(
        Func<PacketSecEndpointOptions, PacketSecEndpointOptions> listener, Func<PacketSecEndpointOptions, PacketSecEndpointOptions>? dialler = null)
        => EndpointPair.Bind(
            o => (dialler?.Invoke(o) ?? o) with { Schemes = [Scheme] },
            o => listener(o) with { Schemes = [Scheme], DirectScheme = Scheme });

    private static PacketSecConnectOptions Dial(bool negotiated) => new() { DirectScheme = negotiated ? null : Scheme };

    private static async Task<Ticket> IssueAsync(EndpointPair pair, MemoryTicketStore store)
    {
        var ticket = pair.ListenerOptions.Identity.IssueTicket(
            [], new() { NotAfter = DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds(), Purpose = "tally" });
        Assert.True(await store.AddAsync(ticket.ToRecord(Crypto.CryptoProvider.Default)));
        return ticket;
    }

    /// <summary>Answers when so many have asked.</summary>
    private sealed class GatheringStore(int claims) : ITicketStore
    {
        private readonly TaskCompletionSource _gathered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _left = claims;

        public MemoryTicketStore Tickets { get; } = new();

        public async ValueTask<TicketVerdict> ConsumeAsync(TicketClaim claim, CancellationToken cancellationToken = default)
        {
            if (Interlocked.Decrement(ref _left) == 0)
            {
                _gathered.SetResult();
            }

            await _gathered.Task;
            return await Tickets.ConsumeAsync(claim, cancellationToken);
        }

        public ValueTask<bool> AddAsync(TicketRecord record, CancellationToken cancellationToken = default) => Tickets.AddAsync(record, cancellationToken);

        public ValueTask<bool> RevokeAsync(TicketHash hash, CancellationToken cancellationToken = default) => Tickets.RevokeAsync(hash, cancellationToken);

        public ValueTask<IReadOnlyList<TicketRecord>> ListAsync(CancellationToken cancellationToken = default) => Tickets.ListAsync(cancellationToken);
    }

    private sealed class FailingStore : ITicketStore
    {
        public ValueTask<TicketVerdict> ConsumeAsync(TicketClaim claim, CancellationToken cancellationToken = default)
            => throw new IOException("The disk is gone.");

        public ValueTask<bool> AddAsync(TicketRecord record, CancellationToken cancellationToken = default) => ValueTask.FromResult(false);

        public ValueTask<bool> RevokeAsync(TicketHash hash, CancellationToken cancellationToken = default) => ValueTask.FromResult(false);

        public ValueTask<IReadOnlyList<TicketRecord>> ListAsync(CancellationToken cancellationToken = default)
            => ValueTask.FromResult<IReadOnlyList<TicketRecord>>([]);
    }
}
