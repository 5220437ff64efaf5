using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using static PacketSec.Tests.Tickets.TicketSamples;

namespace PacketSec.Tests.Tickets;

/// <summary>What is true of both stores.</summary>
public sealed class TicketStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Kinds => ["memory", "file"];

    public void Dispose() => _folder.Dispose();

    //= spec/mychips.md#ticket-verdict
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Each_verdict_has_its_cause(string kind)
    {
        var store = Open(kind);
        var record = Record(new() { NotAfter = NotAfter, Purpose = "tally", Binding = TicketBinding.ToUser("b1") });
        Assert.Equal(new(TicketOutcome.Unknown), await store.ConsumeAsync(Claim(record, user: "b1")));

        Assert.True(await store.AddAsync(record));
        Assert.False(await store.AddAsync(record));
        Assert.Equal(new(TicketOutcome.PurposeDiffers), await store.ConsumeAsync(Claim(record, user: "x", purpose: "lift", now: NotAfter + 1)));
        Assert.Equal(new(TicketOutcome.BoundToAnother), await store.ConsumeAsync(Claim(record, user: "x", now: NotAfter + 1)));
        Assert.Equal(new(TicketOutcome.Expired), await store.ConsumeAsync(Claim(record, user: "b1", now: NotAfter + 1)));
        var use = new TicketUse(Key(2), NotAfter);
        Assert.Equal(new(TicketOutcome.Consumed, use), await store.ConsumeAsync(Claim(record, user: "b1")));
        Assert.Equal(new(TicketOutcome.AlreadyByThisKey, use), await store.ConsumeAsync(Claim(record, user: "b1", now: NotAfter + 600)));
        Assert.Equal(new(TicketOutcome.Expired), await store.ConsumeAsync(Claim(record, user: "b1", now: NotAfter + 601)));
        Assert.Equal(new(TicketOutcome.Used, use), await store.ConsumeAsync(Claim(record, key: 3, user: "b1")));
        Assert.Equal(record with { UsesSoFar = 1 }, Assert.Single(await store.ListAsync()));
    }

    //= spec/mychips.md#ticket-binding
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_ticket_for_a_key_serves_it_and_its_negative_and_nobody_else(string kind)
    {
        var store = Open(kind);
        var record = Record(new() { NotAfter = NotAfter, Binding = TicketBinding.ToKey(Key(4)), Uses = 2 });
        await store.AddAsync(record);
        byte[] negative = Key(4).Ed25519.ToArray();
        negative[^1] ^= 0x80;

        Assert.Equal(TicketOutcome.BoundToAnother, (await store.ConsumeAsync(Claim(record, key: 3))).Outcome);
        Assert.Equal(TicketOutcome.Consumed, (await store.ConsumeAsync(Claim(record, key: 4))).Outcome);
        var again = await store.ConsumeAsync(new(record.Hash, PublicKey.FromEd25519(negative), null, "", NotAfter));
        Assert.Equal(new(TicketOutcome.AlreadyByThisKey, new(Key(4), NotAfter)), again);
    }

    //= spec/mychips.md#ticket-uses
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_ticket_serves_as_often_as_it_has_uses(string kind)
    {
        var store = Open(kind);
        foreach (var uses in (int[])[1, 2, 3, 4, 5, 8, 9])
        {
            var record = Plain(uses, $"token {uses}");
            await store.AddAsync(record);
            for (var key = 1; key <= uses; key++)
            {
                Assert.Equal(TicketOutcome.Consumed, (await store.ConsumeAsync(Claim(record, key))).Outcome);
                Assert.Equal(TicketOutcome.AlreadyByThisKey, (await store.ConsumeAsync(Claim(record, 1))).Outcome);
            }

            Assert.Equal(TicketOutcome.Used, (await store.ConsumeAsync(Claim(record, 100))).Outcome);
        }

        var records = await store.ListAsync();
        Assert.Equal(records.Select(record => record.Hash.ToString()).Order(StringComparer.Ordinal), records.Select(record => record.Hash.ToString()));
        Assert.All(records, record => Assert.Equal(0, record.UsesLeft));
        Assert.Equal(7, records.Count);
    }

    //= spec/mychips.md#ticket-again
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_key_takes_a_further_use_when_600_seconds_are_over(string kind)
    {
        var store = Open(kind);
        var record = Plain(4);
        await store.AddAsync(record);
        (int Later, int Key, TicketOutcome Expected)[] claims =
        [
            (0, 2, TicketOutcome.Consumed),
            (1, 3, TicketOutcome.Consumed),
            (600, 2, TicketOutcome.AlreadyByThisKey),
            (601, 2, TicketOutcome.Consumed),
            (601, 3, TicketOutcome.AlreadyByThisKey),
            (602, 3, TicketOutcome.Consumed),
            (602, 4, TicketOutcome.Used),
        ];
        foreach (var (later, key, expected) in claims)
        {
            Assert.Equal(expected, (await store.ConsumeAsync(Claim(record, key, now: NotAfter - 2000 + later))).Outcome);
        }
    }

    //= spec/mychips.md#store-one-winner
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Of_many_at_once_exactly_as_many_win_as_there_are_uses(string kind)
    {
        var store = Open(kind);
        foreach (var uses in (int[])[1, 3])
        {
            for (var round = 0; round < 10; round++)
            {
                var record = Plain(uses, $"{uses} {round}");
                await store.AddAsync(record);
                var claims = Enumerable.Range(1, 8).Select(key => Claim(record, key)).ToList();
                using var start = new ManualResetEventSlim();
                var racers = claims.Select(claim => Task.Run(async () =>
                {
                    start.Wait(TimeSpan.FromMilliseconds(SocketsCollection.CeilingMilliseconds));
                    return await store.ConsumeAsync(claim);
                })).ToList();
                start.Set();
                var verdicts = await Task.WhenAll(racers);
                Assert.Equal(uses, verdicts.Count(verdict => verdict.Outcome == TicketOutcome.Consumed));
                Assert.Equal(8 - uses, verdicts.Count(verdict => verdict.Outcome == TicketOutcome.Used));
            }
        }
    }

    //= spec/mychips.md#ticket-again
    //= spec/mychips.md#store-one-winner
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task One_key_that_asks_many_times_at_once_takes_one_use(string kind)
    {
        var store = Open(kind);
        var record = Plain(5);
        await store.AddAsync(record);
        var claim = Claim(record);
        var verdicts = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () => await store.ConsumeAsync(claim))));
        Assert.Single(verdicts, verdict => verdict.Outcome == TicketOutcome.Consumed);
        Assert.Equal(7, verdicts.Count(verdict => verdict.Outcome == TicketOutcome.AlreadyByThisKey));
        Assert.Equal(1, (await store.ListAsync())[0].UsesSoFar);
    }

    //= spec/mychips.md#store-revoked
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_revoked_ticket_is_unknown_and_listed_no_more(string kind)
    {
        var store = Open(kind);
        var (gone, kept) = (Plain(2), Plain(1, "another"));
        await store.AddAsync(gone);
        await store.AddAsync(kept);
        Assert.Equal(TicketOutcome.Consumed, (await store.ConsumeAsync(Claim(gone))).Outcome);
        Assert.True(await store.RevokeAsync(gone.Hash));
        Assert.False(await store.RevokeAsync(gone.Hash));
        Assert.Equal(TicketOutcome.Unknown, (await store.ConsumeAsync(Claim(gone, key: 3))).Outcome);
        Assert.Equal(TicketOutcome.Unknown, (await store.ConsumeAsync(Claim(gone))).Outcome);
        Assert.Equal(kept, Assert.Single(await store.ListAsync()));
    }

    //= spec/mychips.md#token-random
    [Fact]
    public void Tokens_of_the_system_s_generator_differ_in_every_byte_s_place()
    {
        using var identity = PacketSecIdentity.Generate();
        var tokens = Enumerable.Range(0, 64).Select(_ =>
        {
            using var ticket = identity.IssueTicket(["h:1"], new() { NotAfter = 1 });
            Assert.Equal(identity.PublicKey, ticket.SiteKey);
            Assert.False(ticket.Token.SequenceEqual(new byte[Ticket.TokenSize]));
            return ticket.Token.ToArray();
        }).ToList();

        Assert.Equal(64, tokens.Select(Convert.ToHexString).Distinct().Count());
        Assert.All(tokens, token => Assert.Equal(Ticket.TokenSize, token.Length));

        // 64 random bytes have some 56 different values; 32 or fewer have a chance of less than 1 in 10^15.
        for (var place = 0; place < Ticket.TokenSize; place++)
        {
            Assert.InRange(tokens.Select(token => token[place]).Distinct().Count(), 33, 64);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_ticket_that_was_issued_is_used_by_its_token(string kind)
    {
        var store = Open(kind);
        using var identity = PacketSecIdentity.Generate();
        using var ticket = identity.IssueTicket(["h:1"], new() { NotAfter = NotAfter });
        await store.AddAsync(ticket.ToRecord(CryptoProvider.Default));
        Assert.True(Ticket.TryParse(ticket.ToLink(), out var held, out _));
        using (held)
        {
            var claim = new TicketClaim(TicketHash.Of(held.Token, CryptoProvider.Default), Key(2), null, "", NotAfter);
            Assert.Equal(TicketOutcome.Consumed, (await store.ConsumeAsync(claim)).Outcome);
        }
    }

    private ITicketStore Open(string kind) => kind == "memory" ? new MemoryTicketStore() : FileTicketStore.Open(_folder["tickets"]);
}
