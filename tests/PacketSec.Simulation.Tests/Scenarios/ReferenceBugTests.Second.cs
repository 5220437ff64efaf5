using PacketSec.Protocol;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;
using PacketSec.Simulation.Reference;

namespace PacketSec.Simulation.Tests.Scenarios;

/// <content>Faults 10 to 17.</content>
public sealed partial class ReferenceBugTests
{
    //= spec/sessions.md#empty-send
    //= spec/sessions.md#empty-is-control
    [Fact]
    public void Bug_10_an_empty_message_is_refused_and_an_empty_packet_is_never_delivered()
    {
        using var pair = Pair.Connected(1);
        Assert.Throws<ArgumentException>(() => pair.A.Send(pair.B.PeerId, []));
        var delivered = 0;
        pair.A.PayloadReceived = (_, _) => delivered++;
        pair.SendAToB();
        pair.Run(2);

        // B acknowledged by an empty packet, and A's application saw nothing of it.
        Assert.True(pair.A.Received(ReceivedKind.Control) > 1);
        Assert.Equal(0, delivered);
    }

    //= spec/p2pke.md#init-done-key
    //= spec/p2pke.md#init-done-signature
    [Fact]
    public void Bug_11_a_claim_copied_onto_another_ephemeral_authenticates_nobody()
    {
        using var pair = new Pair(1);
        using var stranger = new Stranger(pair.World, Addresses.Host(9));
        var record = new RecordingTap();
        pair.World.Network.AddTap(record);
        pair.Dial();
        pair.Run(1);
        var honest = record.Datagrams.First(datagram => datagram.Word == Header.InitHello).Bytes;
        var payloads = new Func<byte[], byte[]>[]
        {
            h2 => ReferenceWire.InitDone(stranger.Keys.KeyInfo, AdversaryKit.Sign(stranger.Keys, "p2pke/sig-channel-binding", h2)),
            _ => ReferenceWire.InitDone(ReferenceWire.Ed25519KeyInfo(pair.A.PublicKey.Ed25519), new byte[64]),
        };
        foreach (var payload in payloads)
        {
            var ephemeral = pair.World.Random.NextBytes(32);
            var stolen = AdversaryKit.InitHello(stranger.Keys, ephemeral, honest[36..]);
            stranger.Send(pair.B.Address, stolen);
            pair.Run(1);
            stranger.Send(pair.B.Address, AdversaryKit.InitDone(stranger.Keys, stolen, ephemeral, stranger.Received[^1], payload));
            pair.Run(1);
        }

        Assert.Equal(1, pair.B.Drops(DropReason.KeyMismatch));
        Assert.Equal(1, pair.B.Drops(DropReason.BadSignature));
        Assert.Single(pair.B.Peers);
        Assert.Single(pair.B.EventsOf<PeerEvent.SessionConfirmed>());
        pair.CheckAlive();
    }

    //= spec/p2pke.md#own-key
    [Fact]
    public void Bug_12_a_host_does_not_complete_a_handshake_with_its_own_reflection()
    {
        using var pair = new Pair(1);
        pair.B.Kill();
        pair.World.Network.AddTap((in datagram) =>
        {
            pair.World.Network.Inject(datagram.To, datagram.From, datagram.Bytes, TimeSpan.FromMilliseconds(1));
            return TapVerdict.Drop;
        });
        pair.Dial();
        pair.A.Connect(pair.A.PeerId, Addresses.Host(77));
        pair.Run(11);
        Assert.True(pair.A.Drops(DropReason.OwnKey) > 0);
        Assert.Empty(pair.A.EventsOf<PeerEvent.SessionConfirmed>());
        Assert.Empty(pair.A.Peers);
    }

    //= spec/p2pke.md#handshake-size
    //= spec/p2pke.md#reserved-counters
    [Fact]
    public void Bug_13_bare_headers_draw_nothing_at_any_time()
    {
        using var pair = new Pair(1);
        using var stranger = new Stranger(pair.World, Addresses.Host(9));
        void SendAll(NetworkAddress from)
        {
            for (uint counter = 0; counter < 17; counter++)
            {
                pair.World.Network.Inject(from, pair.B.Address, AdversaryKit.Word(counter));
                pair.World.Network.Inject(from, pair.B.Address, AdversaryKit.Word(Header.DirectionBit | counter));
            }
        }

        SendAll(stranger.Address);
        stranger.Send(pair.B.Address, stranger.NewInitHello());
        pair.Run(1);
        Assert.Single(stranger.Received);
        SendAll(stranger.Address);
        pair.Run(1);
        Assert.Single(stranger.Received);

        pair.Dial();
        pair.Run(1);
        var sent = pair.World.Network.Trace[TraceKind.Sent];
        SendAll(pair.A.Address);
        pair.Run(1);
        Assert.Equal(sent, pair.World.Network.Trace[TraceKind.Sent]);
        pair.CheckAlive();
    }

    [Fact]
    public void Bug_14_a_restarted_peer_does_not_leave_a_dead_session_in_use()
    {
        using var pair = Pair.Connected(1);
        pair.Traffic(seconds: 60, perSecondAToB: 20, perSecondBToA: 20);
        pair.Run(10);
        pair.B.Restart();
        pair.Run(5);
        var from = pair.AToB.Sent;
        pair.Run(46);
        for (var i = from; i < pair.AToB.Sent; i++)
        {
            pair.Check(pair.AToB.HasArrived(i), $"{i} of {pair.AToB}");
        }
    }

    //= spec/sessions.md#identity-address
    [Fact]
    public void Bug_15_another_key_at_the_address_of_a_live_session_does_not_drop_it()
    {
        using var pair = Pair.Connected(1);
        using var stranger = new Stranger(pair.World, Addresses.Host(9));
        for (var i = 0; i < 3; i++)
        {
            pair.World.Network.Inject(pair.A.Address, pair.B.Address, stranger.NewInitHello());
        }

        pair.Run(1);
        Assert.Equal(3, pair.B.Drops(DropReason.AddressHeldByAnother));
        pair.CheckAlive();
        pair.CheckNothingLost();
    }

    //= spec/p2pke.md#init-hello-claim
    //= spec/sessions.md#unvalidated-answer
    [Fact]
    public void Bug_16_our_key_is_shown_only_to_a_claim_that_verifies_and_by_one_answer_of_bounded_size()
    {
        using var pair = new Pair(1);
        using var stranger = new Stranger(pair.World, Addresses.Host(9));
        var unsigned = stranger.NewInitHello();
        unsigned[^1] ^= 1;
        stranger.Send(pair.B.Address, unsigned);
        pair.Run(1);
        Assert.Equal(1, pair.B.Drops(DropReason.BadSignature));
        Assert.Empty(stranger.Received);

        var hello = stranger.NewInitHello();
        stranger.Send(pair.B.Address, hello);
        pair.Run(30);
        var answer = Assert.Single(stranger.Received);
        Assert.InRange(answer.Length, 1, 3 * hello.Length);
    }

    //= spec/p2pke.md#weak-identity
    //= spec/p2pke.md#key-types
    //= spec/sessions.md#closing-channel
    [Fact]
    public void Bug_17_closing_is_said_reserved_counters_carry_nothing_and_weak_keys_are_refused()
    {
        using var pair = new Pair(1, b: new HostOptions { InboundChannels = 1 });
        using var stranger = new Stranger(pair.World, Addresses.Host(9));
        var payload = ReferenceWire.Read(stranger.NewInitHello().AsSpan(36))!;
        byte[][] keys =
        [
            ReferenceWire.Ed25519KeyInfo(AdversaryKit.Word(0x01000000, 32)),
            ReferenceWire.Ed25519KeyInfo(new byte[32]),
            Convert.FromHexString("305c300d06092a864886f70d0101010500034b003048024100" + new string('f', 128) + "0203010001"),
        ];
        foreach (var key in keys)
        {
            stranger.Send(pair.B.Address, AdversaryKit.InitHello(stranger.Keys, pair.World.Random.NextBytes(32), ReferenceWire.InitHello(payload[2], key, new byte[64])));
        }

        pair.Run(1);
        Assert.Equal(0, pair.B.Endpoint.HandshakesBegun);
        Assert.Equal(1, pair.B.Drops(DropReason.UnsupportedKey));
        Assert.Equal(2, pair.B.Drops(DropReason.LowOrderKey) + pair.B.Drops(DropReason.BadSignature));

        // A handshake under the test's control has the keys to seal reserved counters properly.
        var session = stranger.NewSession(isInitiator: true);
        stranger.Send(pair.B.Address, session.Handshake(pair.World.Now)!);
        pair.Run(1);
        stranger.Send(pair.B.Address, session.Deliver(pair.World.Now, stranger.Received[^1]).Reply!);
        pair.Run(1);
        Assert.Single(pair.B.Peers);
        for (uint counter = 3; counter < 16; counter++)
        {
            stranger.Send(pair.B.Address, AdversaryKit.Seal(stranger.Keys.Aead, session.TransportKeys.InitiatorToResponder, counter, [1, 2, 3]));
        }

        pair.Run(1);
        // Those of other schemes are theirs, in the wrong direction or too short.
        Assert.Equal(
            (7, 2, 4),
            (pair.B.Drops(DropReason.ReservedCounter), pair.B.Drops(DropReason.UnexpectedHandshake), pair.B.Drops(DropReason.TooShort)));
        stranger.Send(pair.B.Address, AdversaryKit.Seal(stranger.Keys.Aead, session.TransportKeys.InitiatorToResponder, Header.Closing, []));
        pair.Run(1);
        Assert.Equal(CloseReason.PeerClosed, Assert.Single(pair.B.EventsOf<PeerEvent.Closed>()).Reason);
        Assert.Empty(pair.B.Peers);
    }
}
