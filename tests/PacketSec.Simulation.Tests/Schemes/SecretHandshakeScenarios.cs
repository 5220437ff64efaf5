using PacketSec.Protocol;
using PacketSec.Protocol.Schemes;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;
using PacketSec.Simulation.Tests.Scenarios;

namespace PacketSec.Simulation.Tests.Schemes;

/// <summary><c>secret-handshake-1</c> between hosts: over bad paths, renewed, and confirmed by its own rules.</summary>
public sealed class SecretHandshakeScenarios
{
    private static readonly byte[] Key = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    public static TheoryData<double, ulong> LossAndSeeds
    {
        get
        {
            var data = new TheoryData<double, ulong>();
            foreach (var loss in new[] { 0, 0.1, 0.2, 0.3 })
            {
                for (ulong seed = 1; seed <= 8; seed++)
                {
                    data.Add(loss, seed);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(LossAndSeeds))]
    public void A_handshake_completes_over_loss_and_data_flow_both_ways(double loss, ulong seed)
    {
        using var pair = SecretPair.New(seed, Pair.Wan with { Loss = loss });
        pair.Dial();
        pair.RunUntilOpen();
        pair.Traffic(seconds: 5, perSecondAToB: 20, perSecondBToA: 20);
        pair.Run(6);
        pair.Check(pair.AToB.Delivered >= pair.AToB.Sent * (1 - loss) * 0.6, pair.AToB.ToString());
        pair.Check(pair.BToA.Delivered >= pair.BToA.Sent * (1 - loss) * 0.6, pair.BToA.ToString());
        if (loss == 0)
        {
            pair.CheckNothingLost();
            pair.CheckNoDropsBut();
        }
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    [InlineData(4, true)]
    public void A_handshake_completes_over_loss_duplication_reordering_and_corruption_at_once(ulong seed, bool negotiated)
    {
        var rough = Pair.Wan with { Loss = 0.1, Duplication = 0.3, Reordering = 0.3, Corruption = 0.1, Jitter = TimeSpan.FromMilliseconds(20) };
        var options = (negotiated ? SecretPair.Negotiated() : SecretPair.Direct()) with { WorkLatency = TimeSpan.FromMilliseconds(30) };
        using var pair = SecretPair.New(seed, rough, options, options);
        pair.Dial();
        pair.RunUntilOpen(20);
        pair.Traffic(seconds: 70, perSecondAToB: 20, perSecondBToA: 20);
        pair.Run(72);
        pair.Check(pair.AToB.Delivered > pair.AToB.Sent / 2 && pair.BToA.Delivered > pair.BToA.Sent / 2, $"{pair.AToB}; {pair.BToA}");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_quiet_handshake_takes_three_messages_and_two_empty_packets(bool network)
    {
        using var key = network ? new NetworkKey(Key) : null;
        using var pair = SecretPair.New(1, a: SecretPair.Direct(key), b: SecretPair.Direct(key));
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.Dial();
        pair.Run(15);
        Assert.Equal([SecretPair.Message1, SecretPair.Message2, SecretPair.Message3, 0x80000010, 0x00000010], record.Datagrams.Select(datagram => datagram.Word));
        var length = network ? 96 : 80;
        Assert.Equal([length, length, 200, 20, 20], record.Datagrams.Select(datagram => datagram.Bytes.Length));
        pair.Check(pair.AIsOpen && pair.BIsOpen, "no channel");
        pair.CheckNoDropsBut();
    }

    //= spec/secret-handshake.md#network-mac
    [Fact]
    public void Who_is_not_of_the_network_hears_nothing_at_all()
    {
        using var key = new NetworkKey(Key);
        using var other = new NetworkKey([.. Key.Reverse()]);
        foreach (var stranger in new[] { null, other })
        {
            using var pair = SecretPair.New(1, a: SecretPair.Direct(stranger), b: SecretPair.Direct(key));
            pair.Dial();
            pair.Run(12);
            Assert.Equal(CloseReason.TimedOut, Assert.Single(pair.A.EventsOf<PeerEvent.Closed>()).Reason);
            Assert.Equal(0, pair.A.DatagramsReceived);
        }
    }

    //= spec/secret-handshake.md#confirm-report
    //= spec/secret-handshake.md#confirm-repeat
    //= spec/secret-handshake.md#confirm-answer
    [Fact]
    public void The_responder_reports_nobody_while_no_transport_packet_of_the_initiator_comes_and_asks_every_500_ms()
    {
        using var pair = SecretPair.New(1);
        var record = new RecordingTap();
        var passing = false;
        pair.World.Network.AddTap(record);
        pair.World.Network.AddTap((in TappedDatagram datagram) => !passing && Header.Counter(datagram.Bytes) >= 16 && !Header.FromResponder(datagram.Bytes)
            ? TapVerdict.Drop
            : TapVerdict.Pass);
        pair.Dial();
        pair.Run(4);
        pair.Check(pair.AIsOpen && !pair.BIsOpen, "A knows B, and B does not know that A does");
        Assert.Empty(pair.B.EventsOf<PeerEvent.Opened>());
        Assert.Empty(pair.B.EventsOf<PeerEvent.SessionConfirmed>());
        Assert.Equal(SealResult.Queued, pair.SendBToA());
        var asked = record.Datagrams.Where(datagram => Header.FromResponder(datagram.Bytes) && Header.IsData(datagram.Bytes)).ToList();
        Assert.All(asked, datagram => Assert.Equal(20, datagram.Bytes.Length));
        Assert.InRange(asked.Count, 7, 9);
        var answered = record.Datagrams.Where(datagram => !Header.FromResponder(datagram.Bytes) && Header.IsData(datagram.Bytes)).ToList();
        Assert.All(answered, datagram => Assert.Equal(20, datagram.Bytes.Length));
        Assert.Equal(asked.Count, answered.Count);
        Assert.All(asked.Skip(1).Zip(asked.Skip(2)), two => Assert.InRange((two.Second.At - two.First.At).TotalMilliseconds, 500, 600));

        // The next packet that comes through proves A.
        passing = true;
        pair.Check(pair.World.RunUntil(() => pair.BIsOpen, TimeSpan.FromSeconds(1)), "B does not report A");
        pair.Run(1);
        pair.Check(pair.BToA.Delivered == 1, "what waited does not go out");
        pair.CheckAlive();
    }

    //= spec/secret-handshake.md#confirm-report
    //= spec/secret-handshake.md#confirm-answer
    [Fact]
    public void Each_empty_packet_on_a_session_that_is_settled_for_the_initiator_draws_one_at_once_until_10_s()
    {
        using var pair = SecretPair.New(1);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.World.Network.AddTap((in TappedDatagram datagram) => Header.Counter(datagram.Bytes) >= 16 && !Header.FromResponder(datagram.Bytes)
            ? TapVerdict.Drop
            : TapVerdict.Pass);
        pair.Dial();
        pair.Run(14);
        var begun = record.Datagrams.First(datagram => datagram.Word == SecretPair.Message1).At;
        var asked = record.Datagrams.Where(datagram => Header.FromResponder(datagram.Bytes) && Header.IsData(datagram.Bytes)).ToList();
        var answered = record.Datagrams.Where(datagram => !Header.FromResponder(datagram.Bytes) && Header.IsData(datagram.Bytes)).ToList();
        Assert.InRange(asked.Count, 16, 20);
        Assert.All(asked.Zip(answered), two => Assert.Equal(two.First.At + Pair.Wan.Latency, two.Second.At));
        Assert.Equal(asked.Count(datagram => datagram.At + Pair.Wan.Latency < begun + SpecLimits.DialDeadline), answered.Count);
    }

    //= spec/secret-handshake.md#confirm-repeat
    [Fact]
    public void A_peer_that_never_shows_that_it_knows_the_responder_is_given_up()
    {
        using var pair = SecretPair.New(1);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.World.Network.AddTap((in TappedDatagram datagram) => Header.Counter(datagram.Bytes) >= 16 ? TapVerdict.Drop : TapVerdict.Pass);
        pair.Dial();
        var begun = pair.World.Now;
        pair.Run(30);
        Assert.Empty(pair.B.EventsOf<PeerEvent.Opened>());
        Assert.Equal(CloseReason.TimedOut, Assert.Single(pair.B.EventsOf<PeerEvent.Closed>()).Reason);
        Assert.Equal(CloseReason.TimedOut, Assert.Single(pair.A.EventsOf<PeerEvent.Closed>()).Reason);

        // A's last answer of B's was drawn by a copy of message 1 within its dial, and B asks for 10 s from there.
        Assert.All(record.Datagrams, datagram => Assert.InRange((datagram.At - begun).TotalSeconds, 0, datagram.From == pair.A.Address ? 10 : 20));
    }

    //= spec/secret-handshake.md#no-early-data
    //= spec/secret-handshake.md#confirm-answer
    [Fact]
    public void The_initiator_sends_no_data_before_it_is_confirmed_and_answers_by_data_where_it_has_some()
    {
        using var pair = SecretPair.New(1);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.Dial();
        for (var i = 0; i < 40; i++)
        {
            Assert.Equal(SealResult.Queued, pair.SendAToB());
        }

        pair.Run(2);
        var kinds = record.Datagrams.Select(datagram => datagram.Word).ToList();
        Assert.Equal([SecretPair.Message1, SecretPair.Message2, SecretPair.Message3, 0x80000010], kinds.Take(4));
        Assert.Equal(40, pair.AToB.Delivered);

        // No empty packet but the confirmation and B's receipts: A's data were its answer.
        Assert.DoesNotContain(record.Datagrams, datagram => datagram.Bytes.Length == 20 && !Header.FromResponder(datagram.Bytes) && datagram.Word < 0x30);
    }

    //= spec/secret-handshake.md#finish-repeat
    [Fact]
    public void Each_copy_of_message_3_draws_the_same_first_packet_while_the_session_lives_and_nothing_after()
    {
        using var pair = SecretPair.New(1);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.Dial();
        pair.Run(1);
        var finish = record.Datagrams.Single(datagram => datagram.Word == SecretPair.Message3);
        var first = record.Datagrams.Single(datagram => datagram.Word == 0x80000010);
        record.Clear();
        for (var i = 0; i < 3; i++)
        {
            pair.World.Network.Inject(finish.From, finish.To, finish.Bytes);
            pair.Run(0.2);
        }

        Assert.Equal(3, record.Datagrams.Count);
        Assert.All(record.Datagrams, datagram => Assert.Equal(first.Bytes, datagram.Bytes));
        Assert.Equal(3, pair.A.Drops(DropReason.Replayed));

        pair.Run(61);
        record.Clear();
        pair.World.Network.Inject(finish.From, finish.To, finish.Bytes);
        pair.Run(1);
        Assert.Empty(record.Datagrams);
        Assert.Equal(1, pair.B.Drops(DropReason.NoHandshake));
        Assert.Single(pair.B.EventsOf<EndpointEvent.SessionEstablished>());
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void Renewals_lose_no_datagram(ulong seed, bool negotiated)
    {
        var options = negotiated ? SecretPair.Negotiated() : SecretPair.Direct();
        using var pair = SecretPair.New(seed, a: options, b: options);
        pair.Dial();
        pair.RunUntilOpen();
        pair.Traffic(seconds: 200, perSecondAToB: 10, perSecondBToA: 10);
        pair.Run(202);
        pair.CheckNothingLost();
        pair.CheckNoDropsBut();
        var sessions = pair.A.EventsOf<PeerEvent.SessionConfirmed>().Count();
        Assert.InRange(sessions, 4, 6);
        Assert.All(pair.A.EventsOf<PeerEvent.SessionConfirmed>(), session => Assert.Equal(SecretPair.Name, session.Scheme));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void A_peer_that_restarts_is_called_again(ulong seed, bool negotiated)
    {
        var options = negotiated ? SecretPair.Negotiated() : SecretPair.Direct();
        using var pair = SecretPair.New(seed, a: options, b: options);
        pair.Dial();
        pair.RunUntilOpen();
        pair.B.Restart();
        pair.Traffic(seconds: 10, perSecondAToB: 5, perSecondBToA: 0);
        pair.Check(pair.World.RunUntil(() => pair.BIsOpen, TimeSpan.FromSeconds(8)), "B is not called again");
        pair.Run(6);
        pair.CheckAlive();
    }

    [Fact]
    public void A_responder_that_restarts_before_message_3_is_called_again_within_the_same_dial()
    {
        using var pair = SecretPair.New(1);
        var restarted = false;
        pair.World.Network.AddTap((in TappedDatagram datagram) =>
        {
            if (!restarted && Header.Read(datagram.Bytes) == SecretPair.Message3)
            {
                restarted = true;
                pair.World.After(TimeSpan.Zero, pair.B.Restart);
            }

            return TapVerdict.Pass;
        });
        pair.Dial();
        pair.RunUntilOpen();
        pair.CheckAlive();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Two_that_call_each_other_at_once_get_one_channel(ulong seed)
    {
        foreach (var options in (HostOptions[])[SecretPair.Direct(), SecretPair.Negotiated()])
        {
            using var pair = SecretPair.New(seed, a: options, b: options);
            pair.Dial();
            pair.B.Connect(pair.A.PeerId, pair.A.Address);
            pair.RunUntilOpen();
            pair.Run(2);
            pair.CheckAlive();
            Assert.Single(pair.A.EventsOf<PeerEvent.Opened>());
            Assert.Single(pair.B.EventsOf<PeerEvent.Opened>());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_negotiated_call_is_hidden_and_may_stand_in_the_proposal(bool embed)
    {
        var options = SecretPair.Negotiated(embed: embed);
        using var pair = SecretPair.New(3, a: options, b: options);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.Dial();
        pair.RunUntilOpen();
        pair.Run(1);
        pair.CheckAlive();
        var sent = record.Datagrams.Where(datagram => datagram.Word is SecretPair.Message1 or SecretPair.Message2 or SecretPair.Message3).Select(datagram => datagram.Word);
        Assert.Equal(embed ? [SecretPair.Message2, SecretPair.Message3] : [SecretPair.Message1, SecretPair.Message2, SecretPair.Message3], sent);
        foreach (var host in (SimulatedHost[])[pair.A, pair.B])
        {
            foreach (var needle in (byte[][])[host.PublicKey.Ed25519.ToArray(), host.PeerId.Multihash.ToArray()])
            {
                Assert.DoesNotContain(record.Datagrams, datagram => datagram.Bytes.AsSpan().IndexOf(needle) >= 0);
            }
        }
    }
}
