using PacketSec.Protocol;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Tests.Scenarios;

/// <summary>The bounds of one channel, at the bound and one past it.</summary>
public sealed class LimitScenarios
{
    //= spec/sessions.md#queue
    [Fact]
    public void A_channel_queues_1024_datagrams_refuses_the_next_and_sends_them_all_in_order()
    {
        using var pair = new Pair(1);
        var order = new List<long>();
        pair.B.PayloadReceived = (_, payload) =>
        {
            pair.Ledger.Deliver(payload);
            order.Add(pair.AToB.LastDelivered);
        };
        pair.Dial();
        for (var i = 0; i < ImplementationLimits.QueuedDatagrams; i++)
        {
            Assert.Equal(SealResult.Queued, pair.SendAToB());
        }

        Assert.Equal(SealResult.QueueFull, pair.SendAToB());
        pair.Run(1);
        Assert.Equal(Enumerable.Range(0, ImplementationLimits.QueuedDatagrams).Select(i => (long)i), order);
        Assert.Equal(SealResult.Sealed, pair.SendAToB());
    }

    [Fact]
    public void A_channel_queues_a_mebibyte_and_not_a_byte_more()
    {
        var large = new HostOptions { MaxDatagramSize = 2048 + SpecLimits.DatagramOverhead };
        using var pair = new Pair(1, a: large);
        var flow = pair.Ledger.Open("large", 2048);
        pair.Dial();
        for (var i = 0; i < (ImplementationLimits.QueuedBytes / 2048) - 1; i++)
        {
            Assert.Equal(SealResult.Queued, pair.A.Send(pair.B.PeerId, flow));
        }

        var rest = pair.Ledger.Open("rest", 2047);
        var last = pair.Ledger.Open("last", 12);
        Assert.Equal(SealResult.Queued, pair.A.Send(pair.B.PeerId, rest));
        Assert.Equal(SealResult.QueueFull, pair.A.Send(pair.B.PeerId, last));
        pair.Run(1);
        Assert.Equal(0, flow.Lost + rest.Lost);
        Assert.Equal(1, rest.Delivered);
    }

    //= spec/sessions.md#too-large
    [Theory]
    [InlineData(256)]
    [InlineData(1232)]
    [InlineData(1472)]
    [InlineData(65507)]
    public void The_longest_payload_passes_and_one_byte_more_is_refused(int datagramSize)
    {
        using var pair = Pair.Connected(1, Pair.Lan with { Mtu = datagramSize < 1280 ? 1280 : datagramSize }, new() { MaxDatagramSize = datagramSize });
        var fitting = pair.Ledger.Open("fitting", datagramSize - SpecLimits.DatagramOverhead);
        Assert.Equal(SealResult.TooLarge, pair.A.Send(pair.B.PeerId, new byte[datagramSize - SpecLimits.DatagramOverhead + 1]));
        Assert.Equal(SealResult.Sealed, pair.A.Send(pair.B.PeerId, fitting));
        pair.Run(1);
        Assert.Equal(1, fitting.Delivered);
    }

    //= spec/sessions.md#early-data-held
    [Fact]
    public void Of_33_datagrams_ahead_of_their_InitDone_32_are_held_and_delivered_in_order()
    {
        using var pair = new Pair(1, LinkConditions.Perfect);
        using var stranger = new Stranger(pair.World, Addresses.Host(9));
        var payloads = new List<int>();
        pair.B.PayloadReceived = (_, payload) => payloads.Add(payload[0]);
        var session = stranger.NewSession(isInitiator: true);
        stranger.Send(pair.B.Address, session.Handshake(pair.World.Now)!);
        pair.Run(1);
        var done = session.Deliver(pair.World.Now, stranger.Received[^1]).Reply!;
        for (byte i = 0; i < SpecLimits.EarlyPackets + 1; i++)
        {
            stranger.Send(pair.B.Address, session.Send(pair.World.Now, [i])!);
        }

        pair.Run(1);
        Assert.Empty(payloads);
        Assert.Equal(1, pair.B.Drops(DropReason.EarlyDataFull));
        stranger.Send(pair.B.Address, done);
        pair.Run(1);
        Assert.Equal(Enumerable.Range(0, SpecLimits.EarlyPackets), payloads);
    }

    //= spec/sessions.md#early-data-held
    [Theory]
    [InlineData(0, 3)]
    [InlineData(1, 2)]
    public void Early_data_are_held_up_to_48_KiB(int bytesMore, int held)
    {
        using var pair = new Pair(1, LinkConditions.Perfect);
        using var stranger = new Stranger(pair.World, Addresses.Host(9));
        var payloads = 0;
        pair.B.PayloadReceived = (_, _) => payloads++;
        var session = stranger.NewSession(isInitiator: true);
        stranger.Send(pair.B.Address, session.Handshake(pair.World.Now)!);
        pair.Run(1);
        var done = session.Deliver(pair.World.Now, stranger.Received[^1]).Reply!;
        var third = (SpecLimits.EarlyBytes / 3) - SpecLimits.DatagramOverhead;
        foreach (var length in new[] { third, third, third + bytesMore })
        {
            stranger.Send(pair.B.Address, session.Send(pair.World.Now, new byte[length])!);
        }

        stranger.Send(pair.B.Address, done);
        pair.Run(1);
        Assert.Equal(held, payloads);
        Assert.Equal(3 - held, pair.B.Drops(DropReason.EarlyDataFull));
    }

    //= spec/sessions.md#early-data-sent
    [Theory]
    [InlineData(64, 32)]
    [InlineData(2048 - 20, 24)]
    public void An_unconfirmed_initiator_sends_no_more_than_a_receiver_holds(int payloadSize, int sent)
    {
        using var pair = Pair.Connected(1, Pair.Wan, new() { MaxDatagramSize = 2048 });
        var flow = pair.Ledger.Open("early", payloadSize);

        // No session is left, but it is known that the peer is not the reference.
        pair.Run(70);
        var done = 0;
        var early = 0;
        pair.World.Network.AddTap((in datagram) =>
        {
            if (Header.IsInitDone(datagram.Bytes))
            {
                return ++done < 4 ? TapVerdict.Drop : TapVerdict.Pass;
            }

            early += done < 4 && Header.IsData(datagram.Bytes) ? 1 : 0;
            return TapVerdict.Pass;
        });
        for (var i = 0; i < 100; i++)
        {
            pair.A.Send(pair.B.PeerId, flow);
        }

        pair.Check(pair.World.RunUntil(() => done == 4, TimeSpan.FromSeconds(3)), "no InitDone");
        Assert.Equal(sent, early);
        pair.Run(1);
        pair.Check(flow is { Sent: 100, Lost: 0 }, flow.ToString());
    }

    //= spec/sessions.md#replay-window
    [Theory]
    [InlineData(SpecLimits.ReplayWindow, true)]
    [InlineData(SpecLimits.ReplayWindow + 1, false)]
    public void A_datagram_overtaken_by_a_whole_window_is_taken_and_by_one_more_is_not(int overtaking, bool taken)
    {
        using var pair = Pair.Connected(1, LinkConditions.Perfect);
        RecordedDatagram? late = null;
        pair.World.Network.AddTap((in datagram) =>
        {
            if (late is not null || !Header.IsData(datagram.Bytes) || datagram.Bytes.Length == SpecLimits.DatagramOverhead)
            {
                return TapVerdict.Pass;
            }

            late = new(datagram.At, datagram.From, datagram.To, datagram.Bytes.ToArray());
            return TapVerdict.Drop;
        });
        for (var i = 0; i <= overtaking; i++)
        {
            pair.SendAToB();
        }

        pair.Run(0.1);
        pair.World.Network.Inject(late!.From, late.To, late.Bytes);
        pair.Run(0.1);
        Assert.Equal(taken, pair.AToB.HasArrived(0));
        Assert.Equal(taken ? 0 : 1, pair.B.Drops(DropReason.TooOld));
        Assert.Equal(taken ? 0 : 1, pair.AToB.Lost);
    }

    [Fact]
    public void A_fourth_session_of_one_role_ends_the_first()
    {
        using var pair = new Pair(1, LinkConditions.Perfect);
        using var stranger = new Stranger(pair.World, Addresses.Host(9));
        var payloads = new List<int>();
        pair.B.PayloadReceived = (_, payload) => payloads.Add(payload[0]);
        var sessions = new List<Simulation.Reference.ReferenceSession>();
        for (var i = 0; i < ImplementationLimits.SessionsPerRole + 1; i++)
        {
            var session = stranger.NewSession(isInitiator: true);
            stranger.Send(pair.B.Address, session.Handshake(pair.World.Now)!);
            pair.Run(0.01);
            stranger.Send(pair.B.Address, session.Deliver(pair.World.Now, stranger.Received[^1]).Reply!);
            pair.Run(0.01);
            sessions.Add(session);
            if (i == ImplementationLimits.SessionsPerRole - 1)
            {
                Array.ForEach([.. sessions], earlier => stranger.Send(pair.B.Address, earlier.Send(pair.World.Now, [1])!));
                pair.Run(0.01);
                Assert.Equal([1, 1, 1], payloads);
            }
        }

        sessions.ForEach(session => stranger.Send(pair.B.Address, session.Send(pair.World.Now, [2])!));
        pair.Run(0.01);
        Assert.Equal([1, 1, 1, 2, 2, 2], payloads);
        Assert.Equal(1, Assert.Single(pair.B.EventsOf<PeerEvent.SessionEnded>()).Number);
    }

    [Fact]
    public void A_keepalive_sends_one_empty_packet_each_interval_while_the_session_lives()
    {
        var options = new HostOptions { Keepalive = TimeSpan.FromSeconds(15) };
        using var pair = Pair.Connected(1, Pair.Wan, options);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.Run(50);
        Assert.Equal(3, record.Datagrams.Count);
        Assert.All(record.Datagrams, datagram => Assert.Equal((pair.A.Address, SpecLimits.DatagramOverhead), (datagram.From, datagram.Bytes.Length)));
        Assert.Throws<ArgumentException>(() => new Pair(1, a: new() { Keepalive = TimeSpan.FromSeconds(14.9) }).Dial());
    }
}
