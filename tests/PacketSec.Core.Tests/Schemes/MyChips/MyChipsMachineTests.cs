using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Protocol.Tests.Machines;

namespace PacketSec.Protocol.Tests.Schemes.MyChips;

public sealed class MyChipsMachineTests
{
    //= spec/mychips.md#asked-first
    //= spec/mychips.md#transport-layout
    [Fact]
    public void A_ticket_opens_a_channel_and_data_goes_both_ways()
    {
        using var site = new ServingSite();
        using var dialler = new DiallingSite(site, 9, certificate: "b1"u8.ToArray());
        using var ticket = site.Issue();
        dialler.Dial(ticket);
        Assert.Equal(SealResult.Queued, dialler.Send("before"));
        dialler.Exchange();
        var peer = site.Peers.Values.Single();
        site.Send(peer, "hello");
        Assert.Equal(SealResult.Sealed, dialler.Send("after"));
        dialler.Exchange();

        Assert.Contains(dialler.Events, next => next is PeerEvent.Opened);
        Assert.Equal(["before", "after"], site.Delivered);
        Assert.Equal(["hello"], dialler.Delivered);
        Assert.Equal("b1"u8.ToArray(), peer.RemoteCertificate);
        Assert.Equal(1, site.Ledger.List().Single().UsesSoFar);
        Assert.Equal(ImplementationLimits.DatagramSize - 21, peer.MaxPayload);
        Assert.Equal(ImplementationLimits.DatagramSize - 21, dialler.Machine.MaxPayload);
        Assert.Equal("after".Length + 21, dialler.Sent[^1].Length);
        Assert.Equal((byte)'T', dialler.Sent[^1][0]);
    }

    //= spec/mychips.md#certificate-in-first
    //= spec/mychips.md#certificate-once
    [Fact]
    public void A_certificate_beside_the_ticket_is_told_once_the_first_transport_packet_has_come()
    {
        using var site = new ServingSite();
        using var dialler = new DiallingSite(site, 9, certificate: "b1"u8.ToArray(), withTicket: true);
        using var ticket = site.Issue();
        dialler.Dial(ticket);
        site.Receive(dialler.Address, dialler.Sent[0]);
        Assert.Empty(site.Peers);
        dialler.Exchange();

        Assert.Equal("b1"u8.ToArray(), site.Peers.Values.Single().RemoteCertificate);
        Assert.Equal(21, dialler.Sent.First(packet => packet[0] == 'T').Length);
    }

    //= spec/mychips.md#certificate-in-first
    [Fact]
    public void A_certificate_that_does_not_fit_beside_the_ticket_is_the_callers_error()
    {
        using var site = new ServingSite();
        using var ticket = site.Issue();
        using var fits = new DiallingSite(site, 9, certificate: new byte[1024], withTicket: true, maxDatagram: 1194);
        using var tooLong = new DiallingSite(site, 10, certificate: new byte[1024], withTicket: true, maxDatagram: 1193);
        using var later = new DiallingSite(site, 11, certificate: new byte[1024], maxDatagram: 1193);
        fits.Dial(ticket);
        later.Dial(ticket);

        Assert.Equal(1194, fits.Sent[0].Length);
        Assert.Contains("1194 bytes", Assert.Throws<ArgumentException>(() => tooLong.Dial(ticket)).Message, StringComparison.Ordinal);
    }

    //= spec/mychips.md#silence
    [Theory]
    [InlineData("expired", DropReason.TicketExpired)]
    [InlineData("unknown", DropReason.TicketUnknown)]
    [InlineData("bound", DropReason.TicketBoundToAnother)]
    [InlineData("used", DropReason.TicketUsed)]
    public void A_ticket_that_is_not_valid_draws_nothing(string kind, DropReason expected)
    {
        using var site = new ServingSite();
        using var dialler = new DiallingSite(site, 9);
        using var ticket = site.Issue(binding: kind == "bound" ? TicketBinding.ToKey(Tickets.Key(3)) : null);
        site.Time += kind == "expired" ? 1 : 0;
        if (kind == "unknown")
        {
            site.Ledger.Revoke(site.Ledger.List().Single().Hash);
        }

        if (kind == "used")
        {
            site.Ledger.Consume(new(site.Ledger.List().Single().Hash, Tickets.Key(3), null, "tally", site.Time));
        }

        dialler.Dial(ticket);
        dialler.Exchange();

        Assert.Empty(site.Sent);
        Assert.Equal(1, site.Machine.Drops[expected]);
        Assert.Equal(0, site.Machine.HalfOpen);
        Assert.Empty(site.Peers);
        Assert.DoesNotContain(dialler.Events, next => next is PeerEvent.Opened);
    }

    //= spec/mychips.md#ticket-uses
    [Fact]
    public void Of_two_sites_that_race_for_a_ticket_one_is_answered()
    {
        using var site = new ServingSite { StoreAnswers = false };
        using var first = new DiallingSite(site, 9);
        using var second = new DiallingSite(site, 10);
        using var ticket = site.Issue();
        first.Dial(ticket);
        second.Dial(ticket);
        first.Exchange();
        second.Exchange();
        Assert.Equal(2, site.Questions.Count);
        Assert.Empty(site.Sent);

        site.Answer(site.Questions[1]);
        site.Answer(site.Questions[0]);
        second.Exchange();
        first.Exchange();

        Assert.Equal(second.Identity.PeerId, site.Peers.Values.Single().RemotePeer);
        Assert.Equal(1, site.Machine.Drops[DropReason.TicketUsed]);
    }

    //= spec/mychips.md#answered-again
    //= spec/mychips.md#first-t-decides
    [Fact]
    public void A_lost_answer_does_not_cost_the_ticket_and_a_channel_ends_its_use()
    {
        using var site = new ServingSite();
        using var ticket = site.Issue();
        using var lost = new DiallingSite(site, 9);
        lost.Dial(ticket);
        site.Receive(lost.Address, lost.Sent[0]);
        Assert.Single(site.Sent);
        site.Sent.Clear();

        using var again = new DiallingSite(site, 9, certificate: [1]) { Address = EndpointFixture.Address(77) };
        again.Dial(ticket);
        again.Exchange();
        Assert.Single(site.Peers);
        Assert.Equal(0, site.Machine.HalfOpen);

        using var third = new DiallingSite(site, 9, certificate: [2]) { Address = EndpointFixture.Address(78) };
        third.Dial(ticket);
        third.Exchange();
        Assert.DoesNotContain(third.Events, next => next is PeerEvent.Opened);
        Assert.Equal(1, site.Machine.Drops[DropReason.TicketUsed]);
    }

    //= spec/mychips.md#first-repeated
    [Fact]
    public void Copies_of_a_first_message_are_equal_and_draw_the_same_answer()
    {
        using var site = new ServingSite();
        using var ticket = site.Issue();
        using var dialler = new DiallingSite(site, 9);
        dialler.Dial(ticket);
        for (var i = 0; i < 5; i++)
        {
            site.Now += TimeSpan.FromSeconds(1);
            dialler.Timeout();
        }

        Assert.True(dialler.Sent.Count >= 5);
        Assert.All(dialler.Sent, copy => Assert.Equal(dialler.Sent[0], copy));
        site.Receive(dialler.Address, dialler.Sent[0]);
        site.Receive(dialler.Address, dialler.Sent[1]);
        Assert.Equal(2, site.Sent.Count);
        Assert.Equal(site.Sent[0].Packet, site.Sent[1].Packet);
        Assert.Single(site.Questions);
    }

    //= spec/mychips.md#finish-once
    [Fact]
    public void A_lost_first_transport_packet_is_repeated_and_data_before_it_waits()
    {
        using var site = new ServingSite();
        using var ticket = site.Issue();
        using var dialler = new DiallingSite(site, 9);
        dialler.Dial(ticket);
        site.Receive(dialler.Address, dialler.Sent[0]);
        dialler.Receive(site.Sent[0].Packet);
        site.Sent.Clear();
        var finish = dialler.Sent[^1];
        dialler.Lose();
        dialler.Send("early");
        dialler.Exchange();
        Assert.Empty(site.Peers);

        site.Now += TimeSpan.FromMilliseconds(400);
        dialler.Timeout();
        Assert.Equal(finish, dialler.Sent[^1]);
        dialler.Exchange();
        Assert.Equal(["early"], site.Delivered);

        var before = dialler.Sent.Count;
        site.Now += TimeSpan.FromMilliseconds(700);
        dialler.Timeout();
        Assert.Equal(before, dialler.Sent.Count);
    }

    //= spec/mychips.md#asked-first
    [Fact]
    public void A_known_site_is_asked_about_and_refused_in_silence()
    {
        using var site = new ServingSite();
        using var dialler = new DiallingSite(site, 9, siteId: "b@4000");
        site.Sites["b@4000"] = dialler.Identity.PublicKey;
        site.AuthorizePeer = (key, id) => !key.Equals(dialler.Identity.PublicKey) || id != "b@4000";
        dialler.Dial();
        dialler.Exchange();
        Assert.Equal("b@4000", site.Questions.Single().SiteId);
        Assert.Empty(site.Sent);
        Assert.Equal(0, site.Machine.HalfOpen);
        Assert.Equal(1, site.Machine.Drops[DropReason.Refused]);

        site.AuthorizePeer = (_, _) => true;
        site.Now += TimeSpan.FromSeconds(1);
        dialler.Timeout();
        dialler.Send("hello");
        dialler.Exchange();
        Assert.Equal(["hello"], site.Delivered);
    }

    [Fact]
    public void A_site_comes_back_also_when_its_first_message_is_lost()
    {
        using var site = new ServingSite();
        using var dialler = new DiallingSite(site, 9, siteId: "b@4000");
        site.Sites["b@4000"] = dialler.Identity.PublicKey;
        dialler.Dial();
        dialler.Lose();
        Assert.Equal((byte)'N', dialler.Sent[0][0]);
        site.Now += TimeSpan.FromMilliseconds(600);
        dialler.Timeout();
        dialler.Exchange();

        Assert.Single(site.Peers);
        Assert.Contains(dialler.Events, next => next is PeerEvent.Opened);
    }

    //= spec/mychips.md#rekey-asks-nobody
    //= spec/mychips.md#which-first
    [Fact]
    public void A_channel_is_renewed_by_K_alone_and_nobody_is_asked()
    {
        using var site = new ServingSite();
        using var ticket = site.Issue();
        using var dialler = new DiallingSite(site, 9, siteId: "b@4000");
        dialler.Dial(ticket);
        dialler.Send("one");
        dialler.Exchange();
        var before = dialler.Sent.Count;
        for (var i = 0; i < 50 && !dialler.Sent.Skip(before).Any(packet => packet[0] == 'K'); i++)
        {
            site.Now += TimeSpan.FromSeconds(1);
            dialler.Timeout();
        }

        dialler.Exchange();
        dialler.Send("two");
        dialler.Exchange();

        Assert.Single(site.Questions);
        Assert.Equal(49, dialler.Sent.Skip(before).First(packet => packet[0] == 'K').Length);
        Assert.Equal(2, dialler.Events.OfType<PeerEvent.SessionConfirmed>().Count());
        Assert.Equal(["one", "two"], site.Delivered);
        Assert.Single(site.Peers);
    }

    //= spec/mychips.md#rekey-asks-nobody
    [Fact]
    public void A_K_of_a_stranger_draws_nothing()
    {
        using var site = new ServingSite();
        using var ticket = site.Issue();
        using var dialler = new DiallingSite(site, 9);
        dialler.Dial(ticket);
        dialler.Exchange();
        using var rig = new MyChipsRig();
        using var renewal = rig.First(renews: true);

        site.Receive(dialler.Address, renewal.FirstMessage);
        site.Receive(EndpointFixture.Address(88), renewal.FirstMessage);

        Assert.Empty(site.Sent);
        Assert.Equal(0, site.Machine.HalfOpen);
        Assert.Single(site.Questions);
    }

    //= spec/mychips.md#which-first
    [Fact]
    public void A_dial_without_means_or_with_the_ticket_of_another_is_the_callers_error()
    {
        using var site = new ServingSite();
        using var other = PeerFixture.NewIdentity(77);
        using var ticket = site.Issue();
        using var dialler = new DiallingSite(site, 9);
        using var wrong = new DiallingSite(site, 10, called2: other);

        Assert.Contains("needs a ticket", Assert.Throws<ArgumentException>(() => dialler.Dial()).Message, StringComparison.Ordinal);
        Assert.Contains("another site", Assert.Throws<ArgumentException>(() => wrong.Dial(ticket)).Message, StringComparison.Ordinal);
        Assert.Contains("takes a ticket", Assert.Throws<ArgumentException>(
            () => dialler.Machine.Connect(site.Now, new(default, ServingSite.Address), ticket: ticket)).Message, StringComparison.Ordinal);
    }

    //= spec/mychips.md#unconfirmed-bound
    //= spec/mychips.md#unconfirmed-harmless
    [Fact]
    public void At_most_four_handshakes_of_a_key_wait_and_none_of_them_counts()
    {
        using var site = new ServingSite();
        using var ticket = site.Issue();
        for (byte i = 0; i < 5; i++)
        {
            using var dialler = new DiallingSite(site, 9, certificate: [i]) { Address = EndpointFixture.Address(60 + i) };
            dialler.Dial(ticket);
            site.Receive(dialler.Address, dialler.Sent[0]);
            Assert.Equal(Math.Min(i + 1, ImplementationLimits.UnconfirmedPerKey), site.Machine.HalfOpen);
        }

        Assert.Equal(1, site.Machine.Drops[DropReason.HandshakesFull]);
        Assert.Empty(site.Peers);
        site.Now += TimeSpan.FromSeconds(11);
        site.Machine.HandleTimeout(site.Now);
        Assert.Equal(0, site.Machine.HalfOpen);
    }

    //= spec/mychips.md#unconfirmed-harmless
    [Fact]
    public void A_recorded_dial_that_is_replayed_comes_to_nothing()
    {
        using var site = new ServingSite();
        using var dialler = new DiallingSite(site, 9, siteId: "b@4000");
        site.Sites["b@4000"] = dialler.Identity.PublicKey;
        dialler.Dial();
        dialler.Send("hello");
        dialler.Exchange();
        var thief = EndpointFixture.Address(99);
        foreach (var packet in dialler.Sent)
        {
            site.Receive(thief, packet);
        }

        Assert.Equal(["hello"], site.Delivered);
        Assert.Equal(dialler.Address, site.Peers.Values.Single().Path!.Value.Remote);
        dialler.Send("still here");
        dialler.Exchange();
        Assert.Equal(["hello", "still here"], site.Delivered);
    }

    [Fact]
    public void No_ticket_is_used_up_where_there_is_no_room_for_the_channel()
    {
        using var site = new ServingSite(inbound: 1);
        using var first = new DiallingSite(site, 9);
        using var second = new DiallingSite(site, 10);
        using var ticket = site.Issue(uses: 2);
        first.Dial(ticket);
        first.Exchange();
        second.Dial(ticket);
        second.Exchange();

        Assert.Equal(1, site.Ledger.List().Single().UsesSoFar);
        Assert.Equal(1, site.Machine.Drops[DropReason.Refused]);
        Assert.DoesNotContain(second.Events, next => next is PeerEvent.Opened);
    }

    [Fact]
    public void A_failed_answer_leaves_the_dial_as_it_was()
    {
        using var site = new ServingSite();
        using var ticket = site.Issue();
        using var dialler = new DiallingSite(site, 9);
        dialler.Dial(ticket);
        dialler.Receive([(byte)'A', .. new byte[48]]);
        dialler.Receive([(byte)'A', .. new byte[47]]);
        dialler.Receive([(byte)'A', .. new byte[49]]);
        dialler.Exchange();

        Assert.Contains(dialler.Events, next => next is PeerEvent.Opened);
        Assert.Equal(1, dialler.Machine.Drops[DropReason.NotAuthentic]);
    }

    //= spec/mychips.md#letters-by-state
    [Fact]
    public void Where_the_scheme_is_not_spoken_a_letter_is_a_counter()
    {
        using var fixture = new EndpointFixture();
        Assert.All(
            "INKAT",
            letter => Assert.Equal(
                (ReceivedKind.Dropped, DropReason.UnknownAddress), fixture.Receive(EndpointFixture.Address(5), [(byte)letter, .. new byte[200]])));

        using var site = new ServingSite();
        Assert.Equal((ReceivedKind.Dropped, DropReason.NoHandshake), site.Receive(EndpointFixture.Address(5), [(byte)'A', .. new byte[48]]));
        Assert.Equal((ReceivedKind.Dropped, DropReason.UnknownAddress), site.Receive(EndpointFixture.Address(5), [(byte)'T', 0, 0, 0, 16, .. new byte[48]]));
        Assert.Equal((ReceivedKind.Dropped, DropReason.ReservedCounter), site.Receive(EndpointFixture.Address(5), [(byte)'T', 0, 0, 0, 15, .. new byte[48]]));
        Assert.Equal((ReceivedKind.Dropped, DropReason.TooShort), site.Receive(EndpointFixture.Address(5), "T"u8.ToArray()));
        Assert.Equal((ReceivedKind.Dropped, DropReason.TooShort), site.Receive(EndpointFixture.Address(5), "I"u8.ToArray()));
    }

    [Fact]
    public void A_channel_is_closed_by_a_packet_with_a_letter()
    {
        using var site = new ServingSite();
        using var ticket = site.Issue();
        using var dialler = new DiallingSite(site, 9);
        dialler.Dial(ticket);
        dialler.Exchange();
        dialler.Machine.Close(site.Now);
        dialler.Pump();
        Assert.Equal("547fffffff", Convert.ToHexStringLower(dialler.Sent[^1].AsSpan(0, 5)));
        dialler.Exchange();

        Assert.True(site.Peers.Values.Single().IsClosing);
    }
}
