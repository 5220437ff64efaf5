using PacketSec.Protocol.Schemes.P2pke;

namespace PacketSec.Protocol.Tests.Machines;

public sealed class PeerHandshakeTests
{
    //= spec/p2pke.md#init-hello-resend
    //= spec/p2pke.md#init-hello-fresh
    //= spec/p2pke.md#dial-deadline
    //= spec/p2pke.md#ephemeral-fresh
    [Fact]
    public void An_unanswered_first_message_is_resent_and_made_afresh_on_schedule_until_the_deadline()
    {
        using var fixture = new PeerFixture();
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);

        var sent = fixture.Advance(TimeSpan.FromSeconds(30));

        var groups = sent.GroupBy(entry => Convert.ToHexString(entry.Packet)).Select(group => group.Select(entry => entry.At.TotalSeconds).ToList()).ToList();
        Assert.InRange(groups.Count, 3, 4);
        Assert.Equal(0, groups[0][0]);
        Assert.InRange(groups[0][1], 0.250, 0.300);
        Assert.InRange(groups[0][2] - groups[0][1], 0.500, 0.600);
        Assert.InRange(groups[1][0], 1.0, 1.2);
        Assert.InRange(groups[2][0] - groups[1][0], 2.0, 2.4);
        Assert.All(sent, entry => Assert.True(entry.At <= SpecLimits.DialDeadline));
        Assert.Contains(new PeerEvent.Closed(CloseReason.TimedOut), fixture.Events());
        Assert.Null(fixture.Machine.NextDeadline);
    }

    //= spec/p2pke.md#init-hello-latest
    [Fact]
    public void Only_the_answer_to_the_latest_first_message_counts()
    {
        using var fixture = new PeerFixture();
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        var hellos = fixture.Advance(TimeSpan.FromSeconds(1.3)).Select(entry => entry.Packet).ToList();
        var (late, _) = fixture.Respond(hellos[0]);
        var (timely, _) = fixture.Respond(hellos[^1]);

        fixture.Receive(late);
        fixture.RunWork();
        Assert.DoesNotContain(fixture.Sent(), packet => PeerFixture.Word(packet) == P2pkeScheme.InitDoneWord);
        fixture.Receive(timely);
        fixture.RunWork();

        Assert.Contains(fixture.Sent(), packet => PeerFixture.Word(packet) == P2pkeScheme.InitDoneWord);
    }

    //= spec/p2pke.md#resp-hello-unauthentic
    [Fact]
    public void Any_number_of_forged_answers_leaves_the_true_one_its_place()
    {
        using var fixture = new PeerFixture();
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        fixture.RunWork();
        var (respHello, _) = fixture.Respond(fixture.Sent().Single());
        for (var i = 4; i < respHello.Length; i++)
        {
            var forged = respHello.ToArray();
            forged[i] ^= 1;
            Assert.Equal(ReceivedKind.Handshake, fixture.Receive(forged).Kind);
            fixture.RunWork();
        }

        Assert.Equal(respHello.Length - 4, fixture.Machine.Drops[DropReason.NotAuthentic] + fixture.Machine.Drops[DropReason.LowOrderKey]);
        fixture.Receive(respHello);
        fixture.RunWork();
        Assert.Equal(P2pkeScheme.InitDoneWord, PeerFixture.Word(Assert.Single(fixture.Sent())));
    }

    //= spec/sessions.md#admission
    [Fact]
    public void Four_answers_are_worked_on_at_once_and_a_fifth_waits_for_its_next_copy()
    {
        using var fixture = new PeerFixture();
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        fixture.RunWork();
        var (respHello, _) = fixture.Respond(fixture.Sent().Single());
        for (var i = 0; i < ImplementationLimits.PeerWork; i++)
        {
            var forged = respHello.ToArray();
            forged[^1] ^= (byte)(i + 1);
            Assert.Equal(ReceivedKind.Handshake, fixture.Receive(forged).Kind);
        }

        var fifth = fixture.Receive(respHello);
        Assert.Equal((ReceivedKind.Unclaimed, DropReason.WorkFull), (fifth.Kind, fifth.Reason));
        fixture.RunWork();
        Assert.Equal(ReceivedKind.Handshake, fixture.Receive(respHello).Kind);
    }

    //= spec/p2pke.md#resp-hello-identity
    //= spec/sessions.md#wrong-identity-end
    [Fact]
    public void Another_identity_than_the_one_called_ends_a_dial_and_gets_no_finish()
    {
        using var fixture = new PeerFixture();
        using var other = PeerFixture.NewIdentity(9);
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        fixture.RunWork();
        var (respHello, _) = fixture.Respond(fixture.Sent().Single(), other);
        fixture.Receive(respHello);
        fixture.RunWork();

        Assert.Empty(fixture.Sent());
        var events = fixture.Events();
        Assert.Contains(new PeerEvent.IdentityMismatch(other.PeerId), events);
        Assert.Equal(new PeerEvent.Closed(CloseReason.WrongIdentity), events[^1]);
        Assert.Equal(1, fixture.Machine.Drops[DropReason.WrongIdentity]);
    }

    //= spec/sessions.md#identity-change
    //= spec/sessions.md#wrong-identity-end
    [Fact]
    public void Another_identity_beside_a_live_session_is_reported_and_ends_the_channel_with_that_session()
    {
        using var fixture = new PeerFixture();
        var live = fixture.AdoptKnown();
        using var other = PeerFixture.NewIdentity(9);
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        fixture.RunWork();
        var (respHello, _) = fixture.Respond(fixture.Sent().Single(), other);
        fixture.Receive(respHello);
        fixture.RunWork();

        Assert.Contains(new PeerEvent.IdentityMismatch(other.PeerId), fixture.Events());
        Assert.Equal(ReceivedKind.Payload, fixture.Receive(fixture.Seal(live, [1])).Kind);
        Assert.True(fixture.Machine.IsOpen);

        fixture.Advance(TimeSpan.FromSeconds(60));
        Assert.DoesNotContain(fixture.Events(), peerEvent => peerEvent is PeerEvent.Closed);
        fixture.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Contains(new PeerEvent.Closed(CloseReason.WrongIdentity), fixture.Events());
    }

    //= spec/p2pke.md#direct-hold
    //= spec/sessions.md#confirmed-dial
    [Fact]
    public void Towards_a_possible_reference_data_waits_for_three_copies_of_the_finish()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.Dial();
        Assert.Equal(SealResult.Queued, fixture.Send([1, 2, 3], out _));

        var sent = fixture.Advance(TimeSpan.FromMilliseconds(100));

        Assert.Equal([0, 50, 100, 100], sent.Select(entry => (int)entry.At.TotalMilliseconds));
        Assert.All(sent[..3], entry => Assert.Equal(P2pkeScheme.InitDoneWord, PeerFixture.Word(entry.Packet)));
        Assert.Single(sent[..3].Select(entry => Convert.ToHexString(entry.Packet)).Distinct());
        Assert.Equal([1, 2, 3], fixture.Open(remote, sent[3].Packet));
        Assert.Contains(new PeerEvent.Opened(), fixture.Events());
        Assert.True(fixture.Machine.MayBeReference);
    }

    //= spec/p2pke.md#initiator-confirmed
    //= spec/p2pke.md#initiator-empty
    //= spec/sessions.md#confirmed-dial
    [Fact]
    public void An_empty_packet_confirms_at_once_and_draws_one_of_ours()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.Dial();
        Assert.Equal(SealResult.Queued, fixture.Send([1], out _));
        fixture.Sent();
        Assert.DoesNotContain(new PeerEvent.Opened(), fixture.Events());

        Assert.Equal(ReceivedKind.Control, fixture.Receive(fixture.Seal(remote, [])).Kind);

        Assert.Contains(new PeerEvent.Opened(), fixture.Events());
        Assert.False(fixture.Machine.MayBeReference);
        var sent = fixture.Sent();
        Assert.Equal([[], [1]], sent.Select(packet => fixture.Open(remote, packet)));
        fixture.Receive(fixture.Seal(remote, []));
        Assert.Empty(fixture.Sent());
        Assert.Empty(fixture.Advance(TimeSpan.FromMilliseconds(400)));
    }

    //= spec/p2pke.md#resp-hello-repeat
    //= spec/p2pke.md#initiator-confirmed
    [Fact]
    public void A_repeated_answer_draws_the_finish_again_until_something_authentic_comes()
    {
        using var fixture = new PeerFixture();
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        fixture.RunWork();
        var (respHello, remote) = fixture.Respond(fixture.Sent().Single());
        fixture.Receive(respHello);
        fixture.RunWork();
        var finish = Assert.Single(fixture.Sent());

        Assert.Equal(ReceivedKind.CachedAnswer, fixture.Receive(respHello).Kind);
        Assert.Equal(finish, Assert.Single(fixture.Sent()));
        var forged = fixture.Seal(remote, [1]);
        forged[^1] ^= 1;
        fixture.Receive(forged);
        Assert.Equal(ReceivedKind.CachedAnswer, fixture.Receive(respHello).Kind);
        fixture.Sent();

        fixture.Receive(fixture.Seal(remote, [2]));
        Assert.Equal(DropReason.NoHandshake, fixture.Receive(respHello).Reason);
        Assert.Empty(fixture.Sent());
    }

    //= spec/sessions.md#dial-cancel
    [Fact]
    public void A_cancelled_dial_leaves_no_deadline_and_sends_nothing()
    {
        using var fixture = new PeerFixture();
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        fixture.RunWork();
        fixture.Sent();

        fixture.Machine.CancelConnect(fixture.Now);

        Assert.Empty(fixture.Advance(TimeSpan.FromSeconds(30)));
        Assert.Null(fixture.Machine.NextDeadline);
        Assert.Contains(new PeerEvent.Closed(CloseReason.Local), fixture.Events());
    }

    //= spec/sessions.md#refusal
    [Fact]
    public void A_closing_message_before_anything_else_is_a_refusal()
    {
        using var fixture = new PeerFixture();
        var remote = fixture.Dial();
        fixture.Sent();

        fixture.Receive(remote.SealClosing(fixture.Aead));

        Assert.Contains(new PeerEvent.Closed(CloseReason.Refused), fixture.Events());
        Assert.Empty(fixture.Advance(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void An_answer_from_another_address_than_the_one_dialled_is_not_taken()
    {
        using var fixture = new PeerFixture();
        fixture.Machine.Connect(fixture.Now, PeerFixture.Path);
        fixture.RunWork();
        var (respHello, _) = fixture.Respond(fixture.Sent().Single());

        var received = fixture.Receive(respHello, EndpointFixture.PathFrom(EndpointFixture.Address(51)));

        Assert.Equal((ReceivedKind.Unclaimed, DropReason.NoHandshake), (received.Kind, received.Reason));
    }
}
