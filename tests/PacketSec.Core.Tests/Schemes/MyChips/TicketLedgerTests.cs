using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Protocol.Tests.Schemes.MyChips;

public sealed class TicketLedgerTests
{
    private readonly TicketLedger _ledger = new();

    [Fact]
    public void A_ticket_that_nobody_added_is_unknown()
        => Assert.Equal(new(TicketOutcome.Unknown), _ledger.Consume(Tickets.Claim(Tickets.Record(new() { NotAfter = Tickets.NotAfter }))));

    [Fact]
    public void A_ticket_serves_once()
    {
        var record = Add(new() { NotAfter = Tickets.NotAfter });
        Assert.Equal(new(TicketOutcome.Consumed, new(Tickets.Key(2), Tickets.NotAfter)), _ledger.Consume(Tickets.Claim(record)));
        Assert.Equal(new(TicketOutcome.Used, new(Tickets.Key(2), Tickets.NotAfter)), _ledger.Consume(Tickets.Claim(record, key: 3)));
    }

    //= spec/mychips.md#ticket-expiry
    [Theory]
    [InlineData(-1, TicketOutcome.Consumed)]
    [InlineData(0, TicketOutcome.Consumed)]
    [InlineData(1, TicketOutcome.Expired)]
    public void A_ticket_is_taken_in_its_last_second_and_not_after_it(int offset, TicketOutcome expected)
    {
        var record = Add(new() { NotAfter = Tickets.NotAfter });
        Assert.Equal(expected, _ledger.Consume(Tickets.Claim(record, now: Tickets.NotAfter + offset)).Outcome);
        Assert.Equal(offset > 0, record.Conditions.IsExpired(Tickets.NotAfter + offset));
    }

    [Theory]
    [InlineData("tally", TicketOutcome.Consumed)]
    [InlineData("Tally", TicketOutcome.PurposeDiffers)]
    [InlineData("tally ", TicketOutcome.PurposeDiffers)]
    [InlineData("", TicketOutcome.PurposeDiffers)]
    public void The_purpose_is_the_ticket_s(string purpose, TicketOutcome expected)
    {
        var record = Add(new() { NotAfter = Tickets.NotAfter, Purpose = "tally" });
        Assert.Equal(expected, _ledger.Consume(Tickets.Claim(record, purpose: purpose)).Outcome);
    }

    //= spec/mychips.md#ticket-binding
    [Fact]
    public void A_ticket_for_a_key_serves_it_and_its_negative_and_nobody_else()
    {
        var record = Add(new() { NotAfter = Tickets.NotAfter, Binding = TicketBinding.ToKey(Tickets.Key(4)), Uses = 2 });
        Assert.Equal(TicketOutcome.BoundToAnother, _ledger.Consume(Tickets.Claim(record, key: 3)).Outcome);
        Assert.Equal(TicketOutcome.Consumed, _ledger.Consume(Tickets.Claim(record, key: 4)).Outcome);
        var negative = new TicketClaim(record.Hash, Negative(Tickets.Key(4)), null, "", Tickets.NotAfter);
        Assert.Equal(new(TicketOutcome.AlreadyByThisKey, new(Tickets.Key(4), Tickets.NotAfter)), _ledger.Consume(negative));
    }

    [Theory]
    [InlineData("b1@site", TicketOutcome.Consumed)]
    [InlineData("B1@site", TicketOutcome.BoundToAnother)]
    [InlineData("", TicketOutcome.BoundToAnother)]
    [InlineData(null, TicketOutcome.BoundToAnother)]
    public void A_ticket_for_a_user_s_address_serves_who_names_it(string? address, TicketOutcome expected)
    {
        var record = Add(new() { NotAfter = Tickets.NotAfter, Binding = TicketBinding.ToUser("b1@site") });
        Assert.Equal(expected, _ledger.Consume(Tickets.Claim(record, user: address)).Outcome);
    }

    //= spec/mychips.md#ticket-again
    [Theory]
    [InlineData(-1000, TicketOutcome.AlreadyByThisKey)]
    [InlineData(0, TicketOutcome.AlreadyByThisKey)]
    [InlineData(600, TicketOutcome.AlreadyByThisKey)]
    [InlineData(601, TicketOutcome.Expired)]
    public void The_key_that_used_a_ticket_is_told_for_600_seconds_even_past_its_end(int later, TicketOutcome expected)
    {
        var record = Add(new() { NotAfter = Tickets.NotAfter });
        Assert.Equal(TicketOutcome.Consumed, _ledger.Consume(Tickets.Claim(record)).Outcome);
        var again = _ledger.Consume(Tickets.Claim(record, now: Tickets.NotAfter + later));
        Assert.Equal(expected, again.Outcome);
        Assert.Equal(expected == TicketOutcome.AlreadyByThisKey ? Tickets.NotAfter : null, again.Use?.Time);
        Assert.Equal(1, Assert.Single(_ledger.List()).UsesSoFar);
    }

    //= spec/mychips.md#ticket-again
    //= spec/mychips.md#ticket-uses
    [Fact]
    public void One_key_takes_a_second_use_when_600_seconds_are_over_and_other_keys_at_once()
    {
        var record = Add(new() { NotAfter = Tickets.NotAfter, Uses = 3 });
        (int Later, byte Key, TicketOutcome Expected)[] claims =
        [
            (0, 2, TicketOutcome.Consumed),
            (1, 2, TicketOutcome.AlreadyByThisKey),
            (1, 3, TicketOutcome.Consumed),
            (600, 2, TicketOutcome.AlreadyByThisKey),
            (601, 2, TicketOutcome.Consumed),
            (601, 3, TicketOutcome.AlreadyByThisKey),
            (602, 4, TicketOutcome.Used),
            (602, 3, TicketOutcome.Used),
        ];
        foreach (var (later, key, expected) in claims)
        {
            Assert.Equal(expected, _ledger.Consume(Tickets.Claim(record, key, now: Tickets.NotAfter - 1000 + later)).Outcome);
        }

        Assert.Equal((3, 0), (_ledger.List()[0].UsesSoFar, _ledger.List()[0].UsesLeft));
    }

    //= spec/mychips.md#ticket-verdict
    [Fact]
    public void The_first_reason_is_the_one_that_is_told()
    {
        var record = Add(new() { NotAfter = Tickets.NotAfter, Purpose = "tally", Binding = TicketBinding.ToUser("u") });
        const long Late = Tickets.NotAfter + 601;
        Assert.Equal(TicketOutcome.Consumed, _ledger.Consume(Tickets.Claim(record, user: "u")).Outcome);
        Assert.Equal(TicketOutcome.PurposeDiffers, _ledger.Consume(Tickets.Claim(record, user: "x", purpose: "lift", now: Late)).Outcome);
        Assert.Equal(TicketOutcome.BoundToAnother, _ledger.Consume(Tickets.Claim(record, user: "x", now: Tickets.NotAfter)).Outcome);
        Assert.Equal(TicketOutcome.AlreadyByThisKey, _ledger.Consume(Tickets.Claim(record, user: "u", now: Tickets.NotAfter + 600)).Outcome);
        Assert.Equal(TicketOutcome.Expired, _ledger.Consume(Tickets.Claim(record, user: "u", now: Late)).Outcome);
        Assert.Equal(TicketOutcome.Used, _ledger.Consume(Tickets.Claim(record, key: 3, user: "u")).Outcome);
        _ledger.Revoke(record.Hash);
        Assert.Equal(TicketOutcome.Unknown, _ledger.Consume(Tickets.Claim(record, user: "x", purpose: "lift", now: Late)).Outcome);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void A_ticket_serves_as_often_as_it_has_uses_and_a_refusal_takes_none(int uses)
    {
        var record = Add(new() { NotAfter = Tickets.NotAfter, Uses = uses, Purpose = "tally" });
        for (byte key = 1; key <= uses; key++)
        {
            Assert.Equal(TicketOutcome.PurposeDiffers, _ledger.Consume(Tickets.Claim(record, key, purpose: "")).Outcome);
            Assert.Equal(TicketOutcome.Consumed, _ledger.Consume(Tickets.Claim(record, key)).Outcome);
        }

        Assert.Equal(TicketOutcome.Used, _ledger.Consume(Tickets.Claim(record, 100)).Outcome);
    }

    //= spec/mychips.md#store-revoked
    [Fact]
    public void A_ticket_is_added_once_and_unknown_when_it_is_revoked()
    {
        var record = Add(new() { NotAfter = Tickets.NotAfter, Uses = 2 });
        Assert.Equal(TicketOutcome.Consumed, _ledger.Consume(Tickets.Claim(record)).Outcome);
        Assert.False(_ledger.Add(record));
        Assert.Equal(record with { UsesSoFar = 1 }, Assert.Single(_ledger.List()));

        Assert.True(_ledger.Revoke(record.Hash));
        Assert.False(_ledger.Revoke(record.Hash));
        Assert.Empty(_ledger.List());
        Assert.Equal(TicketOutcome.Unknown, _ledger.Consume(Tickets.Claim(record, key: 3)).Outcome);
    }

    //= spec/mychips.md#ticket-uses
    [Fact]
    public void A_ticket_that_is_added_again_after_it_was_revoked_has_the_uses_it_had()
    {
        var record = Add(new() { NotAfter = Tickets.NotAfter, Uses = 2 });
        Assert.True(_ledger.Revoke(record.Hash));
        Assert.True(_ledger.Add(record));
        Assert.Equal(TicketOutcome.Consumed, _ledger.Consume(Tickets.Claim(record)).Outcome);
        for (byte i = 0; i < 2; i++)
        {
            Assert.True(_ledger.Revoke(record.Hash));
            Assert.True(_ledger.Add(record));
            Assert.Equal(record with { UsesSoFar = 1 + i }, Assert.Single(_ledger.List()));
            Assert.Equal(i == 0 ? TicketOutcome.Consumed : TicketOutcome.Used, _ledger.Consume(Tickets.Claim(record, key: (byte)(3 + i))).Outcome);
        }
    }

    [Fact]
    public void A_verdict_that_nobody_made_grants_nothing() => Assert.Equal(TicketOutcome.Unknown, default(TicketVerdict).Outcome);

    [Fact]
    public void A_claim_names_an_ed25519_key_and_a_time()
    {
        var hash = Tickets.Record(new() { NotAfter = 1 }).Hash;
        Assert.Throws<ArgumentException>(() => new TicketClaim(hash, PublicKey.FromEd25519([1, .. new byte[31]]), null, "", 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TicketClaim(hash, Tickets.Key(2), null, "", -1));
    }

    private static PublicKey Negative(PublicKey key)
    {
        var bytes = key.Ed25519.ToArray();
        bytes[^1] ^= 0x80;
        return PublicKey.FromEd25519(bytes);
    }

    private TicketRecord Add(TicketConditions conditions)
    {
        var record = Tickets.Record(conditions);
        Assert.True(_ledger.Add(record));
        return record;
    }
}
