using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.SecretHandshake;
using PacketSec.Protocol.Tests.Machines;

namespace PacketSec.Core.Tests.Schemes.SecretHandshake;

/// <summary>What an endpoint does with calls.</summary>
public sealed class EndpointTests
{
    //= spec/secret-handshake.md#answer
    [Fact]
    public void Each_call_draws_one_new_answer_and_leaves_no_state()
    {
        using var endpoint = new CalledEndpoint();
        var call = endpoint.NewCaller().Call();
        var before = endpoint.Digest();
        var answers = new List<byte[]>();
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal((ReceivedKind.Handshake, DropReason.None), endpoint.Receive(call));
            Assert.Equal(1, endpoint.RunWork());
            var answer = Assert.Single(endpoint.Sent());
            Assert.Equal(call.Length, answer.Length);
            answers.Add(answer);
        }

        Assert.Equal(5, answers.Select(Convert.ToHexString).Distinct().Count());
        Assert.Equal(before, endpoint.Digest());
        Assert.Equal(0, endpoint.Machine.HalfOpen);
        Assert.False(endpoint.Machine.TryRoute(CalledEndpoint.Remote, out _));
        Assert.Empty(endpoint.Events());
    }

    //= spec/secret-handshake.md#answer-rate
    [Fact]
    public void Calls_beyond_the_rate_of_their_network_are_dropped_before_a_key_is_made()
    {
        using var endpoint = new CalledEndpoint();
        var call = endpoint.NewCaller().Call();
        for (var i = 0; i < ImplementationLimits.WorkPerPrefixPerSecond; i++)
        {
            Assert.Equal(ReceivedKind.Handshake, endpoint.Receive(call, EndpointFixture.Address(200, 1000 + i)).Kind);
            Assert.Equal(1, endpoint.RunWork());
        }

        Assert.Equal((ReceivedKind.Dropped, DropReason.PrefixRate), endpoint.Receive(call));
        Assert.Equal(0, endpoint.RunWork());
        Assert.Equal(ReceivedKind.Handshake, endpoint.Receive(call, EndpointFixture.Address(300)).Kind);
        endpoint.RunWork();
        endpoint.Now += TimeSpan.FromSeconds(1);
        Assert.Equal(ReceivedKind.Handshake, endpoint.Receive(call).Kind);
    }

    [Fact]
    public void Calls_beyond_the_places_for_work_are_dropped()
    {
        using var endpoint = new CalledEndpoint();
        var call = endpoint.NewCaller().Call();
        for (var i = 0; i < ImplementationLimits.EndpointWork; i++)
        {
            Assert.Equal(ReceivedKind.Handshake, endpoint.Receive(call, EndpointFixture.Address(i << 8)).Kind);
        }

        Assert.Equal((ReceivedKind.Dropped, DropReason.WorkFull), endpoint.Receive(call));
        endpoint.RunWork();
        Assert.Equal(ReceivedKind.Handshake, endpoint.Receive(call).Kind);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_hundred_thousand_wrong_calls_leave_no_state_and_cost_no_memory(bool network)
    {
        using var endpoint = new CalledEndpoint(networkKey: network ? HandshakeRig.Seed(9) : null);
        var call = endpoint.NewCaller().Call();
        var before = endpoint.Digest();
        (byte[] Datagram, DropReason Reason)[] wrong =
        [
            (call[..^1], DropReason.TooShort),
            ([.. call, 0], DropReason.TooLong),
            (MessageTests.Flip(call, 8 * 36), DropReason.UnknownTranscript),
            (MessageTests.Flip(call, 8 * 50), network ? DropReason.NotAuthentic : DropReason.Malformed),
            network
                ? (MessageTests.Flip(call, (8 * call.Length) - 1), DropReason.NotAuthentic)
                : ([.. call[..4], .. Curve25519Rules.SmallOrderU[..32], .. call[36..]], DropReason.LowOrderKey),
            ([0, 0, 0, 10, .. new byte[196]], DropReason.LowOrderKey),
            ([0, 0, 0, 10, .. Enumerable.Repeat((byte)1, 196)], DropReason.NoHandshake),
        ];
        foreach (var (datagram, reason) in wrong)
        {
            Assert.Equal((ReceivedKind.Dropped, reason), endpoint.Receive(datagram));
        }

        var path = EndpointFixture.PathFrom(CalledEndpoint.Remote);
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100_000; i++)
        {
            endpoint.Machine.HandleDatagram(endpoint.Now, path, wrong[i % wrong.Length].Datagram);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - allocated);
        Assert.Equal(before, endpoint.Digest());
        Assert.Null(endpoint.Machine.NextDeadline);
        Assert.Equal(0, endpoint.RunWork());
        Assert.Empty(endpoint.Sent());
        Assert.Empty(endpoint.Events());
    }

    [Fact]
    public void A_handshake_makes_one_session_whose_age_counts_from_its_answer()
    {
        using var endpoint = new CalledEndpoint();
        var caller = endpoint.NewCaller();
        var begun = endpoint.Now;
        var finish = caller.RunToMessage3();
        endpoint.Now += TimeSpan.FromSeconds(3);
        Assert.Equal((ReceivedKind.Handshake, DropReason.None), endpoint.Receive(finish.Finish));
        endpoint.RunWork();
        var session = Assert.IsType<EndpointEvent.SessionEstablished>(Assert.Single(endpoint.Events())).Session;
        Assert.Equal(caller.Identity.PeerId, session.RemotePeer);
        Assert.Equal(caller.Identity.PublicKey, session.RemoteKey);
        Assert.InRange((session.Begun - begun).TotalMilliseconds, 0, 1);
        Assert.Equal(finish.Finish, session.Finish);
        Assert.Equal(SessionRole.Responder, session.Role);
        Assert.Null(session.Agreement);
        Assert.Equal(0, endpoint.Machine.HalfOpen);
        var (send, receive) = finish.TakeKeys();
        Assert.True(send.FixedTimeEquals(session.ReceiveKey) && receive.FixedTimeEquals(session.SendKey));
        send.Dispose();
        receive.Dispose();
    }

    //= spec/secret-handshake.md#accepted-once
    [Fact]
    public void A_replayed_message_3_never_makes_a_second_session_while_its_cookie_lives_or_after()
    {
        using var endpoint = new CalledEndpoint();
        var finish = endpoint.NewCaller().RunToMessage3().Finish;

        // Two copies are worked on at once: one of them is too late.
        endpoint.Receive(finish);
        endpoint.Receive(finish);
        Assert.Equal(2, endpoint.RunWork());
        Assert.IsType<EndpointEvent.SessionEstablished>(Assert.Single(endpoint.Events()));
        Assert.Equal(1, endpoint.Machine.Drops[DropReason.NoHandshake]);
        for (var seconds = 0; seconds < 300; seconds++)
        {
            endpoint.Now += TimeSpan.FromSeconds(1);
            endpoint.Machine.HandleTimeout(endpoint.Now);
            var before = endpoint.Digest();
            Assert.Equal((ReceivedKind.Dropped, DropReason.NoHandshake), endpoint.Receive(finish));
            Assert.Equal(0, endpoint.RunWork());
            Assert.Equal(before, endpoint.Digest());
        }

        Assert.Empty(endpoint.Events());
        Assert.Empty(endpoint.Sent());
    }

    //= spec/secret-handshake.md#asked-last
    //= spec/secret-handshake.md#silent-failure
    [Fact]
    public void Nobody_is_asked_and_nothing_is_sent_about_a_message_3_that_does_not_verify()
    {
        using var endpoint = new CalledEndpoint(ask: true);
        var caller = endpoint.NewCaller();
        var finish = caller.RunToMessage3().Finish;
        foreach (var bit in (int[])[8 * 72, 8 * 119, 8 * 120, 8 * 199])
        {
            Assert.Equal(ReceivedKind.Handshake, endpoint.Receive(MessageTests.Flip(finish, bit)).Kind);
            Assert.Equal(1, endpoint.RunWork());
        }

        Assert.Equal(4, endpoint.Machine.Drops[DropReason.NotAuthentic]);

        // Whoever calls another key at this address, and whoever calls with this endpoint's own key, hears and causes nothing either.
        caller.Callee = endpoint.NewIdentity(9).PeerId;
        endpoint.Receive(caller.RunToMessage3().Finish);
        endpoint.RunWork();
        Assert.Equal(5, endpoint.Machine.Drops[DropReason.NotAuthentic]);
        endpoint.Receive(endpoint.NewCaller(1).RunToMessage3().Finish);
        endpoint.RunWork();
        Assert.Equal(1, endpoint.Machine.Drops[DropReason.OwnKey]);
        Assert.Empty(endpoint.Sent());
        Assert.Empty(endpoint.Events());
        Assert.Equal(0, endpoint.Machine.HalfOpen);
    }

    //= spec/secret-handshake.md#silent-failure
    //= spec/secret-handshake.md#asked-last
    [Fact]
    public void Who_is_refused_hears_nothing_and_is_not_asked_about_again()
    {
        using var endpoint = new CalledEndpoint(ask: true);
        var caller = endpoint.NewCaller();
        var finish = caller.RunToMessage3().Finish;
        endpoint.Receive(finish);
        endpoint.RunWork();
        var question = Assert.IsType<EndpointEvent.DecisionRequested>(Assert.Single(endpoint.Events()));
        Assert.Equal(caller.Identity.PeerId, question.Peer);

        // While it is being decided, and after it was, a copy changes nothing.
        Assert.Equal((ReceivedKind.Dropped, DropReason.NoHandshake), endpoint.Receive(finish));
        endpoint.Machine.Decide(endpoint.Now, question.Id, allow: false);
        Assert.Equal(1, endpoint.Machine.Drops[DropReason.Refused]);
        Assert.Equal(0, endpoint.Machine.HalfOpen);
        endpoint.Now += TimeSpan.FromSeconds(20);
        Assert.Equal((ReceivedKind.Dropped, DropReason.NoHandshake), endpoint.Receive(finish));
        Assert.Equal(0, endpoint.RunWork());
        Assert.Empty(endpoint.Sent());
        Assert.Empty(endpoint.Events());
    }

    [Fact]
    public void Who_is_allowed_late_gets_a_session_and_who_is_decided_on_too_late_none()
    {
        using var endpoint = new CalledEndpoint(ask: true);
        endpoint.Receive(endpoint.NewCaller().RunToMessage3().Finish);
        endpoint.RunWork();
        var question = (EndpointEvent.DecisionRequested)endpoint.Events().Single();
        endpoint.Now += SpecLimits.DialDeadline + TimeSpan.FromTicks(-1);
        endpoint.Machine.HandleTimeout(endpoint.Now);
        endpoint.Machine.Decide(endpoint.Now, question.Id, allow: true);
        Assert.IsType<EndpointEvent.SessionEstablished>(Assert.Single(endpoint.Events()));

        endpoint.Receive(endpoint.NewCaller(3).RunToMessage3().Finish);
        endpoint.RunWork();
        question = (EndpointEvent.DecisionRequested)endpoint.Events().Single();
        endpoint.Now += SpecLimits.DialDeadline;
        endpoint.Machine.HandleTimeout(endpoint.Now);
        endpoint.Machine.Decide(endpoint.Now, question.Id, allow: true);
        Assert.Empty(endpoint.Events());
        Assert.Empty(endpoint.Sent());
    }

    //= spec/secret-handshake.md#accepted-bound
    //= spec/secret-handshake.md#silent-failure
    [Fact]
    public void The_last_session_of_a_minute_is_made_and_past_it_the_endpoint_is_silent_until_the_next()
    {
        using var endpoint = new CalledEndpoint();
        var finishes = Enumerable.Range(2, 2).Select(number => endpoint.NewCaller((byte)number).RunToMessage3().Finish).ToList();
        var responder = Assert.Single(endpoint.Machine.StatelessResponders);
        for (var i = 1; i < ImplementationLimits.AcceptedPerMinute; i++)
        {
            Assert.Equal(DropReason.None, responder.TryAccept(endpoint.Now, new StatelessTicket(1, (UInt128)(uint)i, endpoint.Now)));
        }

        endpoint.Receive(finishes[0]);
        endpoint.RunWork();
        Assert.IsType<EndpointEvent.SessionEstablished>(Assert.Single(endpoint.Events()));
        endpoint.Receive(finishes[1]);
        endpoint.RunWork();
        Assert.Equal(1, endpoint.Machine.Drops[DropReason.HandshakesFull]);
        Assert.Equal(0, endpoint.Machine.HalfOpen);
        Assert.Empty(endpoint.Events());
        Assert.Empty(endpoint.Sent());

        endpoint.Now += MinuteKeys.KeyLife;
        endpoint.Receive(endpoint.NewCaller(9).RunToMessage3().Finish);
        endpoint.RunWork();
        Assert.IsType<EndpointEvent.SessionEstablished>(Assert.Single(endpoint.Events()));
    }

    //= spec/secret-handshake.md#tag
    [Fact]
    public void A_call_is_served_directly_only_where_the_scheme_is()
    {
        using var served = new CalledEndpoint();
        var call = served.NewCaller().Call();
        using var other = new EndpointFixture();
        Assert.Equal((ReceivedKind.Dropped, DropReason.NoDirectScheme), other.Receive(CalledEndpoint.Remote, call));
        Assert.Equal((ReceivedKind.Dropped, DropReason.UnknownTranscript), other.Receive(CalledEndpoint.Remote, MessageTests.Flip(call, 8 * 36)));
    }

    [Fact]
    public void Keys_of_the_minute_are_the_endpoints_only_deadline()
    {
        using var endpoint = new CalledEndpoint();
        Assert.Null(endpoint.Machine.NextDeadline);
        var begun = endpoint.Now;
        endpoint.Receive(endpoint.NewCaller().Call());
        endpoint.RunWork();
        Assert.Equal(begun + MinuteKeys.KeyLife, endpoint.Machine.NextDeadline);
        endpoint.Machine.HandleTimeout(begun + MinuteKeys.KeyLife);
        Assert.Equal(begun + MinuteKeys.KeyLife + MinuteKeys.KeyLife, endpoint.Machine.NextDeadline);
        endpoint.Machine.HandleTimeout(begun + MinuteKeys.KeyLife + MinuteKeys.KeyLife);
        Assert.Null(endpoint.Machine.NextDeadline);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_finish_that_is_checked_while_the_endpoint_closes_makes_no_session(bool ask)
    {
        using var endpoint = new CalledEndpoint(ask);
        var finish = endpoint.NewCaller().RunToMessage3().Finish;
        Assert.Equal((ReceivedKind.Handshake, DropReason.None), endpoint.Receive(finish));
        endpoint.Machine.Close();
        endpoint.RunWork();

        Assert.Empty(endpoint.Events());
        Assert.Equal(0, endpoint.Machine.HalfOpen);
        Assert.Equal(1, endpoint.Machine.Drops[DropReason.EndpointClosing]);
    }

    //= spec/secret-handshake.md#answers
    [Fact]
    public void The_ephemeral_key_of_a_call_is_wiped_when_as_many_answers_are_taken_as_may_be()
    {
        using var endpoint = new CalledEndpoint();
        var crypto = new CountingProvider(CryptoProvider.Default);
        using var machine = new PeerMachine(new()
        {
            Crypto = crypto,
            Random = new EndpointFixture.CountingSource(),
            Identity = endpoint.NewIdentity(2),
            RemotePeer = endpoint.Identity.PeerId,
            WallClock = default,
        });
        using var aead = new PacketAead(CryptoProvider.Default);
        var buffer = new byte[2048];
        var path = EndpointFixture.PathFrom(CalledEndpoint.Remote);
        machine.Connect(endpoint.Now, path, directScheme: SecretHandshakeScheme.SchemeName);
        RunWork();
        var ephemeral = Assert.Single(crypto.Keys);
        Assert.True(machine.TryPollTransmit(endpoint.Now, aead, buffer, out var transmit));
        var call = buffer[..transmit.Length];
        for (var i = 0; i < ImplementationLimits.AnswersPerFirstMessage; i++)
        {
            Assert.True(ephemeral.TryAgree(endpoint.Identity.AgreementKey.PublicKey, new byte[32]));
            endpoint.Receive(call);
            endpoint.RunWork();
            var answer = Assert.Single(endpoint.Sent());
            Assert.Equal(ReceivedKind.Handshake, machine.HandleDatagram(endpoint.Now, aead, path, answer, buffer).Kind);
            RunWork();
        }

        Assert.Throws<ObjectDisposedException>(() => ephemeral.TryAgree(endpoint.Identity.AgreementKey.PublicKey, new byte[32]));

        void RunWork()
        {
            while (machine.TryTakeWork(out var work))
            {
                work!.Run();
                machine.Complete(endpoint.Now, work);
            }
        }
    }
}
