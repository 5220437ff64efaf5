using PacketSec.Protocol;
using PacketSec.Simulation.Network;
using PacketSec.Simulation.Reference;

namespace PacketSec.Simulation.Tests.Scenarios;

/// <summary>The faults of the reference, one test each. The model of the reference has them; these hosts have not.</summary>
public sealed partial class ReferenceBugTests
{
    private static readonly string[] Junk = ["00000010", "80000010", "00000011", "7ffffffe", "fffffffe", "00000010ffffffffffffffffffffffffffffffffffffffff"];

    //= spec/sessions.md#forged-harmless
    [Fact]
    public void Bug_01_data_ahead_of_a_handshake_is_harmless_and_kept_when_genuine()
    {
        using var pair = new Pair(1);
        void Spoof()
        {
            foreach (var junk in Junk)
            {
                pair.World.Network.Inject(pair.A.Address, pair.B.Address, Convert.FromHexString(junk));
                pair.World.Network.Inject(pair.B.Address, pair.A.Address, Convert.FromHexString(junk));
            }
        }

        Spoof();
        pair.Dial();
        pair.World.Every(TimeSpan.FromMilliseconds(5), () =>
        {
            Spoof();
            return pair.World.Clock.Elapsed < TimeSpan.FromSeconds(1);
        });
        pair.Check(pair.World.RunUntil(() => pair.AIsOpen && pair.BIsOpen, TimeSpan.FromSeconds(1)), "no channel");
        pair.CheckAlive();

        // Genuine data that overtake their InitDone are delivered when it comes.
        pair.Run(70);
        pair.World.Network.AddTap((in datagram) =>
        {
            if (!Header.IsInitDone(datagram.Bytes))
            {
                return TapVerdict.Pass;
            }

            pair.World.Network.Inject(datagram.From, datagram.To, datagram.Bytes, TimeSpan.FromMilliseconds(200));
            return TapVerdict.Drop;
        });
        pair.Traffic(seconds: 0.5, perSecondAToB: 50, perSecondBToA: 0);
        pair.Run(2);
        pair.CheckNothingLost();
        Assert.InRange(pair.B.Received(ReceivedKind.EarlyData), 5, 32);
    }

    //= spec/p2pke.md#zero-dh
    [Fact]
    public void Bug_02_a_low_order_ephemeral_in_InitHello_is_dropped()
    {
        using var pair = Pair.Connected(1);
        using var stranger = new Stranger(pair.World, Addresses.Host(9));
        foreach (var point in new[] { AdversaryKit.ZeroPoint, AdversaryKit.OrderEightPoint })
        {
            stranger.Send(pair.B.Address, AdversaryKit.WithEphemeral(stranger.NewInitHello(), point));
        }

        pair.Run(1);
        Assert.Equal(2, pair.B.Drops(DropReason.LowOrderKey));
        Assert.Empty(stranger.Received);
        Assert.Equal(0, pair.B.Endpoint.HalfOpen);
        pair.CheckAlive();
    }

    //= spec/p2pke.md#missing-claim
    [Fact]
    public void Bug_03_a_missing_claim_in_RespHello_or_InitDone_is_dropped()
    {
        using var pair = new Pair(1);
        using var stranger = new Stranger(pair.World, Addresses.Host(9));
        foreach (var payload in new byte[][] { [], [0x0A, 0], [0x0A, 2, 0x0A, 0], [0x12, 0] })
        {
            var ephemeral = pair.World.Random.NextBytes(32);
            var payloadOfHello = ReferenceWire.Read(stranger.NewInitHello().AsSpan(36))!;
            var hello = AdversaryKit.InitHello(
                stranger.Keys, ephemeral, ReferenceWire.InitHello(payloadOfHello[2], stranger.Keys.KeyInfo, AdversaryKit.Sign(stranger.Keys, "p2pke/timestamp", payloadOfHello[2])));
            stranger.Send(pair.B.Address, hello);
            pair.Run(1);
            stranger.Send(pair.B.Address, AdversaryKit.InitDone(stranger.Keys, hello, ephemeral, stranger.Received[^1], _ => payload));
            pair.Run(1);
        }

        Assert.Equal(4, pair.B.Drops(DropReason.Malformed));
        Assert.Empty(pair.B.Peers);

        // The same towards an initiator, whose true answer then still counts.
        pair.World.Network.AddTap((in datagram) =>
        {
            if (Header.IsInitHello(datagram.Bytes) && datagram.From == pair.A.Address)
            {
                foreach (var payload in new byte[][] { [], [0x0A, 0], [0x12, 0] })
                {
                    pair.World.Network.Inject(
                        pair.B.Address, pair.A.Address, AdversaryKit.RespHello(stranger.Keys, datagram.Bytes, pair.World.Random.NextBytes(32), _ => payload));
                }
            }

            return TapVerdict.Pass;
        });
        pair.Dial();
        pair.Run(1);
        Assert.Equal(3, pair.A.Drops(DropReason.Malformed));
        pair.CheckAlive();
    }

    //= spec/p2pke.md#init-hello-repeat
    [Fact]
    public void Bug_04_a_lost_RespHello_does_not_deadlock()
    {
        using var pair = new Pair(1);
        var answers = new List<string>();
        pair.World.Network.AddTap((in datagram) =>
        {
            if (!Header.IsRespHello(datagram.Bytes))
            {
                return TapVerdict.Pass;
            }

            answers.Add(Convert.ToHexString(datagram.Bytes));
            return answers.Count == 1 ? TapVerdict.Drop : TapVerdict.Pass;
        });
        pair.Dial();
        pair.Check(pair.World.RunUntil(() => pair.AIsOpen && pair.BIsOpen, TimeSpan.FromSeconds(1)), "no channel");

        // The copy of the InitHello drew the same bytes again: a second answer would use a nonce twice.
        Assert.Equal(2, answers.Count);
        Assert.Equal(answers[0], answers[1]);
    }

    //= spec/p2pke.md#initiator-confirmed
    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void Bug_05_a_lost_InitDone_is_sent_again_until_confirmed(int lost)
    {
        using var pair = new Pair(1);
        var copies = new List<string>();
        pair.World.Network.AddTap((in datagram) =>
        {
            if (!Header.IsInitDone(datagram.Bytes))
            {
                return TapVerdict.Pass;
            }

            copies.Add(Convert.ToHexString(datagram.Bytes));
            return copies.Count <= lost ? TapVerdict.Drop : TapVerdict.Pass;
        });
        pair.Dial();
        for (var i = 0; i < 20; i++)
        {
            pair.SendAToB();
        }

        pair.Check(pair.World.RunUntil(() => pair.BIsOpen, TimeSpan.FromSeconds(4)), "no channel");
        pair.Run(1);
        Assert.Equal(lost + 1, copies.Count);
        Assert.Single(copies.Distinct());
        pair.CheckNothingLost();
    }

    [Fact]
    public void Bug_06_a_session_is_renewed_before_it_expires_and_an_idle_channel_wakes_up()
    {
        using var pair = Pair.Connected(1);
        pair.Traffic(seconds: 130, perSecondAToB: 10, perSecondBToA: 10);
        pair.Run(131);
        pair.CheckNothingLost();
        pair.Run(300);
        pair.CheckAlive();
    }

    //= spec/p2pke.md#init-hello-harmless
    //= spec/p2pke.md#handshake-size
    [Fact]
    public void Bug_07_junk_with_counter_0_and_old_InitHellos_do_not_touch_the_live_session()
    {
        using var pair = new Pair(1);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.Dial();
        pair.Run(2);
        var hello = record.Datagrams.First(datagram => datagram.Word == Header.InitHello).Bytes;
        record.Clear();
        pair.Traffic(seconds: 10, perSecondAToB: 100, perSecondBToA: 100);
        pair.World.Every(TimeSpan.FromMilliseconds(100), () =>
        {
            foreach (var length in new[] { 4, 35, 36, 190, 500 })
            {
                pair.World.Network.Inject(pair.A.Address, pair.B.Address, AdversaryKit.Word(Header.InitHello, length));
            }

            pair.World.Network.Inject(pair.A.Address, pair.B.Address, hello);
            pair.World.Network.Inject(pair.A.Address, pair.B.Address, AdversaryKit.WithEphemeral(hello, pair.World.Random.NextBytes(32)));
            return pair.World.Clock.Elapsed < TimeSpan.FromSeconds(11);
        });
        pair.Run(12);
        pair.CheckNothingLost();
        Assert.Single(pair.B.EventsOf<PeerEvent.SessionConfirmed>());
        Assert.DoesNotContain(record.Datagrams, datagram => datagram.Word == Header.InitDone);
    }

    //= spec/p2pke.md#resp-hello-unauthentic
    //= spec/p2pke.md#init-done-tag
    [Fact]
    public void Bug_08_forged_answers_do_not_wedge_a_handshake()
    {
        using var pair = new Pair(1);
        using var stranger = new Stranger(pair.World, Addresses.Host(9));
        pair.World.Network.AddTap((in datagram) =>
        {
            void Forge(byte[] forged, NetworkAddress from, NetworkAddress to) => pair.World.Network.Inject(from, to, forged);
            if (Header.IsInitHello(datagram.Bytes))
            {
                var badSignature = ReferenceWire.RespHello(stranger.Keys.KeyInfo, new byte[64]);
                var zero = AdversaryKit.Word(Header.RespHello, 192);
                Forge(zero, datagram.To, datagram.From);
                Forge(AdversaryKit.RespHello(stranger.Keys, datagram.Bytes, pair.World.Random.NextBytes(32), _ => badSignature), datagram.To, datagram.From);
                Forge([.. AdversaryKit.Word(Header.RespHello), .. pair.World.Random.NextBytes(188)], datagram.To, datagram.From);
            }
            else if (Header.IsRespHello(datagram.Bytes))
            {
                Forge([.. AdversaryKit.Word(Header.InitDone), .. pair.World.Random.NextBytes(130)], datagram.To, datagram.From);
            }

            return TapVerdict.Pass;
        });
        pair.Dial();
        pair.Run(1);
        pair.CheckAlive();
        Assert.Equal(1, pair.A.Drops(DropReason.LowOrderKey));
        Assert.Equal(1, pair.A.Drops(DropReason.BadSignature));
        Assert.Equal(1, pair.A.Drops(DropReason.NotAuthentic));
        Assert.Equal(1, pair.B.Drops(DropReason.NotAuthentic));
    }

    [Fact]
    public void Bug_09_a_forged_data_packet_does_not_end_the_repetition_of_InitDone()
    {
        using var pair = new Pair(1);
        var copies = 0;
        pair.World.Network.AddTap((in datagram) =>
        {
            if (!Header.IsInitDone(datagram.Bytes))
            {
                return TapVerdict.Pass;
            }

            pair.World.Network.Inject(pair.B.Address, pair.A.Address, [.. AdversaryKit.Word(0x80000010), .. pair.World.Random.NextBytes(40)]);
            return copies++ < 4 ? TapVerdict.Drop : TapVerdict.Pass;
        });
        pair.Dial();
        pair.Check(pair.World.RunUntil(() => pair.BIsOpen, TimeSpan.FromSeconds(4)), "no channel");
        pair.CheckAlive();
    }
}
