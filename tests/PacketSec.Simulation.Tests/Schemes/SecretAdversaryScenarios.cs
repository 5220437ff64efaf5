using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;
using PacketSec.Simulation.Tests.Scenarios;

namespace PacketSec.Simulation.Tests.Schemes;

/// <summary>What an adversary on the path, and a caller who may not, can do to <c>secret-handshake-1</c>.</summary>
public sealed class SecretAdversaryScenarios
{
    //= spec/secret-handshake.md#one-error
    //= spec/secret-handshake.md#silent-failure
    [Fact]
    public void Who_is_refused_calls_a_wrong_number_or_calls_nobody_sees_one_error_at_one_time()
    {
        var ends = new List<(CloseReason Reason, double Seconds)>();
        foreach (var mishap in new[] { "refused", "silent", "wrong number", "nobody", "cut after message 2" })
        {
            using var pair = SecretPair.New(1, b: SecretPair.Direct() with
            {
                Application = mishap switch
                {
                    "refused" => _ => Verdict.Refuse,
                    "silent" => _ => Verdict.Silent,
                    _ => null,
                },
            });
            using var third = new SimulatedHost(pair.World, Addresses.Host(0x0301), "C", SecretPair.Direct());
            pair.World.Network.AddTap((in TappedDatagram datagram) => mishap == "cut after message 2" && Header.Read(datagram.Bytes) == SecretPair.Message3
                ? TapVerdict.Drop
                : TapVerdict.Pass);
            if (mishap == "nobody")
            {
                pair.B.Kill();
            }

            var begun = pair.World.Now;
            pair.A.Connect(mishap == "wrong number" ? third.PeerId : pair.B.PeerId, pair.B.Address);
            pair.Run(15);
            var end = Assert.Single(pair.A.Events, happened => happened.Event is PeerEvent.Closed);
            ends.Add((((PeerEvent.Closed)end.Event).Reason, (end.At - begun).TotalSeconds));
            Assert.Empty(pair.A.EventsOf<PeerEvent.IdentityMismatch>());
            Assert.Empty(pair.A.EventsOf<PeerEvent.SessionConfirmed>());
        }

        Assert.Single(ends.Distinct());
        Assert.Equal((CloseReason.TimedOut, 10.0), ends[0]);
    }

    //= spec/secret-handshake.md#silent-failure
    [Fact]
    public void The_wire_looks_the_same_to_a_caller_who_is_refused_and_to_one_who_has_the_wrong_number()
    {
        var traces = new List<string>();
        foreach (var wrong in new[] { false, true })
        {
            using var pair = SecretPair.New(1, b: SecretPair.Direct() with { Application = _ => Verdict.Refuse });
            using var third = new SimulatedHost(pair.World, Addresses.Host(0x0301), "C", SecretPair.Direct());
            var record = new RecordingTap();
            pair.World.Network.AddTap(record);
            pair.A.Connect(wrong ? third.PeerId : pair.B.PeerId, pair.B.Address);
            pair.Run(15);
            traces.Add(string.Join('\n', record.Datagrams.Select(datagram => $"{datagram.At} {datagram.From} {datagram.Bytes.Length} {Shown(datagram)}")));
        }

        Assert.Equal(traces[0], traces[1]);

        // Messages 1 and 2 are equal to the bit; of message 3 the sealed part is not.
        static string Shown(RecordedDatagram datagram) => Convert.ToHexString(datagram.Word == SecretPair.Message3 ? datagram.Bytes[..72] : datagram.Bytes);
    }

    //= spec/secret-handshake.md#accepted-once
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Replays_of_everything_make_no_session_and_deliver_nothing(bool negotiated)
    {
        var options = negotiated ? SecretPair.Negotiated() : SecretPair.Direct();
        using var pair = SecretPair.New(5, a: options, b: options);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.Dial();
        pair.RunUntilOpen();
        pair.Traffic(seconds: 2, perSecondAToB: 5, perSecondBToA: 5);
        pair.Run(4);
        record.Recording = false;
        var heard = record.Datagrams.ToList();
        var (sessionsA, sessionsB) = (pair.A.EventsOf<PeerEvent.SessionConfirmed>().Count(), pair.B.EventsOf<EndpointEvent.SessionEstablished>().Count());
        var (there, back) = (pair.AToB.Delivered, pair.BToA.Delivered);
        var elsewhere = Addresses.Host(0x0401);
        foreach (var datagram in heard.Concat(heard.AsEnumerable().Reverse()))
        {
            pair.World.Network.Inject(datagram.From, datagram.To, datagram.Bytes);
            pair.World.Network.Inject(elsewhere, datagram.To, datagram.Bytes);
            pair.World.Network.Inject(datagram.To, datagram.From, datagram.Bytes);
            pair.Run(0.1);
        }

        pair.B.Restart();
        foreach (var datagram in heard)
        {
            pair.World.Network.Inject(datagram.From, datagram.To, datagram.Bytes);
            pair.World.Network.Inject(elsewhere, datagram.To, datagram.Bytes);
            pair.Run(0.1);
        }

        Assert.Equal((there, back), (pair.AToB.Delivered, pair.BToA.Delivered));
        Assert.Equal(sessionsB, pair.B.EventsOf<EndpointEvent.SessionEstablished>().Count());
        Assert.Equal(sessionsA, pair.A.EventsOf<PeerEvent.SessionConfirmed>().Count());
    }

    //= spec/secret-handshake.md#answers
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Forged_answers_that_come_first_do_not_keep_out_the_true_one(int forgeries)
    {
        using var pair = SecretPair.New(1);
        var forged = 0;
        pair.World.Network.AddTap((in TappedDatagram datagram) =>
        {
            if (Header.Read(datagram.Bytes) == SecretPair.Message1)
            {
                var (from, to, call) = (datagram.To, datagram.From, datagram.Bytes.Slice(4, 8).ToArray());
                for (; forged < forgeries; forged++)
                {
                    byte[] answer = [0x80, 0, 0, 9, .. call, .. pair.World.Random.NextBytes(32), .. pair.World.Random.NextBytes(36)];
                    pair.World.Network.Inject(from, to, answer);
                }
            }

            return TapVerdict.Pass;
        });
        pair.Dial();
        pair.RunUntilOpen();
        pair.Run(12);
        pair.CheckAlive();
        Assert.Equal(forgeries, forged);
        Assert.Single(pair.A.EventsOf<PeerEvent.SessionConfirmed>());
    }

    //= spec/secret-handshake.md#message-2-layout
    [Fact]
    public void Answers_by_who_does_not_see_the_call_are_dropped()
    {
        using var pair = SecretPair.New(1, Pair.Wan with { Latency = TimeSpan.FromMilliseconds(200) });
        pair.Dial();
        for (var i = 0; i < 100; i++)
        {
            pair.World.Network.Inject(pair.B.Address, pair.A.Address, [0x80, 0, 0, 9, .. pair.World.Random.NextBytes(76)], TimeSpan.FromMilliseconds(i));
        }

        pair.RunUntilOpen();
        Assert.Equal(100, pair.A.Drops(DropReason.NoHandshake));
        pair.CheckAlive();
    }

    //= spec/secret-handshake.md#answer-repeat
    [Fact]
    public void A_copy_of_an_answer_draws_the_same_message_3_until_the_session_is_confirmed()
    {
        using var pair = SecretPair.New(1);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        var passing = false;
        pair.World.Network.AddTap((in TappedDatagram datagram) => !passing && Header.Read(datagram.Bytes) == SecretPair.Message3 ? TapVerdict.Drop : TapVerdict.Pass);
        pair.Dial();
        pair.Run(0.06);
        var answer = record.Datagrams.Single(datagram => datagram.Word == SecretPair.Message2);
        var finish = record.Datagrams.Single(datagram => datagram.Word == SecretPair.Message3);
        pair.World.Network.Inject(answer.From, answer.To, answer.Bytes);
        pair.Run(0.05);
        var copies = record.Datagrams.Where(datagram => datagram.Word == SecretPair.Message3).ToList();
        Assert.Equal(2, copies.Count);
        Assert.Equal(finish.Bytes, copies[1].Bytes);

        // The same key with another cookie is no other answer: the keys would be the same.
        pair.World.Network.Inject(answer.From, answer.To, [.. answer.Bytes[..^1], (byte)(answer.Bytes[^1] ^ 1)]);
        pair.Run(0.05);
        Assert.Equal(2, record.Datagrams.Count(datagram => datagram.Word == SecretPair.Message3));
        Assert.Equal(1, pair.A.Drops(DropReason.NoHandshake));

        passing = true;
        pair.RunUntilOpen();
        pair.Run(1);
        record.Clear();
        pair.World.Network.Inject(answer.From, answer.To, answer.Bytes);
        pair.Run(0.5);
        Assert.Empty(record.Datagrams);
        Assert.Equal(2, pair.A.Drops(DropReason.NoHandshake));
    }

    //= spec/secret-handshake.md#answers
    [Fact]
    public void Four_answers_with_different_keys_are_taken_and_no_fifth()
    {
        using var pair = SecretPair.New(1, Pair.Lan);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.World.Network.AddTap((in TappedDatagram datagram) => Header.Read(datagram.Bytes) == SecretPair.Message3 ? TapVerdict.Drop : TapVerdict.Pass);
        pair.Dial();
        pair.Run(0.1);
        var call = record.Datagrams.First(datagram => datagram.Word == SecretPair.Message1);
        for (var i = 0; i < 5; i++)
        {
            pair.World.Network.Inject(call.From, call.To, call.Bytes);
            pair.Run(0.02);
        }

        var finishes = record.Datagrams.Where(datagram => datagram.Word == SecretPair.Message3).Select(datagram => Convert.ToHexString(datagram.Bytes)).Distinct();
        Assert.Equal(4, finishes.Count());
        Assert.Equal(6, record.Datagrams.Count(datagram => datagram.Word == SecretPair.Message2));
        Assert.Equal(2, pair.A.Drops(DropReason.NoHandshake));
    }

    //= spec/secret-handshake.md#answers
    //= spec/secret-handshake.md#kept-alone
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Of_several_answers_that_were_taken_one_becomes_a_session(bool negotiated)
    {
        var options = negotiated ? SecretPair.Negotiated() : SecretPair.Direct();
        using var pair = SecretPair.New(1, Pair.Lan, options, options);
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        var copies = 2;
        pair.World.Network.AddTap((in TappedDatagram datagram) =>
        {
            while (Header.Read(datagram.Bytes) == SecretPair.Message1 && copies-- > 0)
            {
                pair.World.Network.Inject(datagram.From, datagram.To, datagram.Bytes);
            }

            return TapVerdict.Pass;
        });
        pair.Dial();
        pair.RunUntilOpen();
        pair.Run(12);
        Assert.Equal(3, record.Datagrams.Where(datagram => datagram.Word == SecretPair.Message3).Select(datagram => Convert.ToHexString(datagram.Bytes)).Distinct().Count());
        Assert.Equal(negotiated ? 1 : 3, pair.B.EventsOf<EndpointEvent.SessionEstablished>().Count());
        Assert.Single(pair.A.EventsOf<PeerEvent.SessionConfirmed>());
        Assert.Single(pair.B.EventsOf<PeerEvent.SessionConfirmed>());
        pair.CheckAlive();
    }

    [Fact]
    public void Nobody_reports_a_peer_whose_messages_a_man_in_the_middle_replaced()
    {
        // C stands between, answers A as itself, and calls B as itself: A means B and never opens; B learns of C only.
        using var pair = SecretPair.New(1);
        using var middle = new SimulatedHost(pair.World, Addresses.Host(0x0301), "C", SecretPair.Direct());
        pair.A.Connect(pair.B.PeerId, middle.Address);
        middle.Connect(pair.B.PeerId, pair.B.Address);
        pair.Run(15);
        Assert.Empty(pair.A.EventsOf<PeerEvent.Opened>());
        Assert.Equal([middle.PeerId], pair.B.EventsOf<EndpointEvent.SessionEstablished>().Select(established => established.Session.RemotePeer));
        Assert.False(Pair.IsOpen(pair.B, pair.A));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void One_changed_bit_in_any_handshake_message_makes_no_session_of_it(ulong seed)
    {
        var random = new Random((int)seed);
        for (var run = 0; run < 60; run++)
        {
            using var pair = SecretPair.New(seed + (ulong)run, Pair.Lan);
            uint word = new[] { SecretPair.Message1, SecretPair.Message2, SecretPair.Message3 }[run % 3];
            var bit = random.Next(32, word == SecretPair.Message3 ? 1600 : 640);
            pair.World.Network.AddTap((in TappedDatagram datagram) =>
            {
                if (Header.Read(datagram.Bytes) == word)
                {
                    datagram.Bytes[bit / 8] ^= (byte)(0x80 >> (bit % 8));
                }

                return TapVerdict.Pass;
            });
            pair.Dial();
            pair.Run(12);
            pair.Check(!pair.AIsOpen && !pair.BIsOpen, $"open with bit {bit} of {word:x8} changed");
        }
    }

    [Fact]
    public void An_identity_that_may_not_is_asked_about_once_whatever_is_repeated()
    {
        var asked = new List<PublicKey>();
        using var pair = SecretPair.New(1, b: SecretPair.Direct() with
        {
            Application = key =>
            {
                asked.Add(key);
                return Verdict.Refuse;
            },
        });
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.Dial();
        pair.Run(1);
        Assert.Equal([pair.A.PublicKey], asked);
        pair.Run(11);

        // Each answer that A took, at most four, is a handshake of its own.
        var cookies = record.Datagrams.Where(datagram => datagram.Word == SecretPair.Message3).Select(datagram => Convert.ToHexString(datagram.Bytes)).Distinct().Count();
        Assert.InRange(cookies, 1, 4);
        Assert.Equal(cookies, asked.Count);
    }
}
