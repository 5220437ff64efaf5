using PacketSec.Protocol;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;
using PacketSec.Simulation.Reference;

namespace PacketSec.Simulation.Tests.Scenarios;

/// <summary>The bounds on strangers, at the bound and one past it, while a channel lives beside the flood and loses nothing.</summary>
//= spec/sessions.md#admission
public sealed class AdmissionScenarios : IDisposable
{
    private readonly Pair _pair;
    private readonly Stranger _stranger;

    public AdmissionScenarios()
    {
        _pair = Pair.Connected(1, LinkConditions.Perfect, b: new() { WorkLatency = TimeSpan.FromMilliseconds(10) });
        _stranger = new(_pair.World, Addresses.Host(0x090000));
    }

    public void Dispose()
    {
        _stranger.Dispose();
        _pair.Dispose();
    }

    //= spec/sessions.md#limit-pending-address
    [Fact]
    public void A_fifth_handshake_at_an_address_is_refused_while_four_are_in_work_and_replaces_the_oldest_afterwards()
    {
        for (var i = 0; i < ImplementationLimits.HandshakesPerAddress; i++)
        {
            _stranger.Send(_pair.B.Address, _stranger.NewInitHello());
        }

        _stranger.Send(_pair.B.Address, _stranger.NewInitHello());
        CheckAfterFlood(DropReason.AddressHandshakesFull, 1);
        _stranger.Send(_pair.B.Address, _stranger.NewInitHello());
        _pair.Run(1);
        Assert.Equal(5, _stranger.Received.Count);
        Assert.Equal(ImplementationLimits.HandshakesPerAddress, _pair.B.Endpoint.HalfOpen);
    }

    [Fact]
    public void The_257th_handshake_of_a_network_is_refused_until_the_first_ones_are_forgotten()
    {
        Flood(ImplementationLimits.HandshakesPerPrefix, i => Addresses.Host(0x0A0000 + (i % 250), (ushort)(1000 + i)), _stranger.NewInitHello());
        _pair.World.Network.Inject(Addresses.Host(0x0A0000, 9), _pair.B.Address, _stranger.NewInitHello());
        _pair.World.Network.Inject(Addresses.Host(0x0B0000, 9), _pair.B.Address, _stranger.NewInitHello());
        CheckAfterFlood(DropReason.PrefixHandshakesFull, 1);
        Assert.Equal(ImplementationLimits.HandshakesPerPrefix + 1, _pair.B.Endpoint.HalfOpen);
        _pair.Run(10);
        Assert.Equal(0, _pair.B.Endpoint.HalfOpen);
    }

    [Fact]
    public void The_2049th_handshake_in_all_is_refused_and_known_peers_still_rekey()
    {
        Flood(ImplementationLimits.Handshakes, i => Addresses.Host(0x100000 + (i << 8)), _stranger.NewInitHello());
        Assert.Equal(ImplementationLimits.Handshakes, _pair.B.Endpoint.HalfOpen);
        _pair.World.Network.Inject(Addresses.Host(0x0B0000, 9), _pair.B.Address, _stranger.NewInitHello());
        CheckAfterFlood(DropReason.HandshakesFull, 1);
        _pair.A.Connect(_pair.B.PeerId, _pair.B.Address);
        _pair.Run(0.5);
        Assert.Equal(2, _pair.A.EventsOf<PeerEvent.SessionConfirmed>().Count());
    }

    [Fact]
    public void A_network_gets_a_thousand_first_messages_looked_at_in_a_second()
    {
        // Begin with a second, as the count does.
        _pair.World.Clock.AdvanceTo(new((_pair.World.Now.Nanoseconds / 1_000_000_000 + 1) * 1_000_000_000));
        for (var i = 0; i < ImplementationLimits.WorkPerPrefixPerSecond + 1; i++)
        {
            _pair.World.Network.Inject(Addresses.Host(0x0A0000 + (i % 250), (ushort)(1000 + i)), _pair.B.Address, AdversaryKit.Word(Header.InitHello, 190));
            if (i % 100 == 99)
            {
                _pair.World.RunFor(TimeSpan.FromMilliseconds(20));
            }
        }

        CheckAfterFlood(DropReason.PrefixRate, 1);
        Assert.Equal(ImplementationLimits.WorkPerPrefixPerSecond, _pair.B.Drops(DropReason.Malformed));
        _pair.Run(1);
        _pair.World.Network.Inject(Addresses.Host(0x0A0001, 9), _pair.B.Address, AdversaryKit.Word(Header.InitHello, 190));
        _pair.Run(1);
        Assert.Equal(ImplementationLimits.WorkPerPrefixPerSecond + 1, _pair.B.Drops(DropReason.Malformed));
    }

    //= spec/sessions.md#rekey-admission
    [Fact]
    public void The_address_of_a_live_channel_gets_eight_first_messages_looked_at_in_a_second()
    {
        _pair.World.Clock.AdvanceTo(new((_pair.World.Now.Nanoseconds / 1_000_000_000 + 1) * 1_000_000_000));
        for (var i = 0; i < ImplementationLimits.WorkPerChannelPerSecond + 1; i++)
        {
            // What does not claim the channel's identity is no claim on its rate.
            _pair.World.Network.Inject(_pair.A.Address, _pair.B.Address, AdversaryKit.Word(Header.InitHello, 190));
            _pair.World.Network.Inject(_pair.A.Address, _pair.B.Address, _stranger.NewInitHello());
            _pair.World.Network.Inject(_pair.A.Address, _pair.B.Address, Forged());
            _pair.World.RunFor(TimeSpan.FromMilliseconds(20));
        }

        CheckAfterFlood(DropReason.PrefixRate, 1);
        Assert.Equal(ImplementationLimits.WorkPerChannelPerSecond, _pair.B.Drops(DropReason.BadSignature));
        Assert.Equal(ImplementationLimits.WorkPerChannelPerSecond + 1, _pair.B.Drops(DropReason.Malformed));
        Assert.Equal(ImplementationLimits.WorkPerChannelPerSecond + 1, _pair.B.Drops(DropReason.AddressHeldByAnother));

        byte[] Forged() => AdversaryKit.InitHello(
            _stranger.Keys,
            _pair.World.Random.NextBytes(32),
            ReferenceWire.InitHello([0x40, .. new byte[11]], _pair.A.PublicKey.PublicKeyInfo, new byte[64]));
    }

    [Fact]
    public void The_257th_piece_of_waiting_work_is_refused()
    {
        for (var i = 0; i < ImplementationLimits.EndpointWork + 1; i++)
        {
            _pair.World.Network.Inject(Addresses.Host(0x100000 + (i << 8)), _pair.B.Address, AdversaryKit.Word(Header.InitHello, 190));
        }

        CheckAfterFlood(DropReason.WorkFull, 1);
        Assert.Equal(ImplementationLimits.EndpointWork, _pair.B.Drops(DropReason.Malformed));
    }

    [Fact]
    public void A_fifth_answer_to_one_first_message_at_once_is_refused_and_the_true_one_still_counts()
    {
        using var pair = new Pair(2, Pair.Wan, new() { WorkLatency = TimeSpan.FromMilliseconds(10) });
        var forged = false;
        pair.World.Network.AddTap((in datagram) =>
        {
            for (var i = 0; !forged && Header.IsRespHello(datagram.Bytes) && i < ImplementationLimits.PeerWork + 1; i++)
            {
                var bytes = datagram.Bytes.ToArray();
                bytes[100 + i] ^= 1;
                pair.World.Network.Inject(datagram.From, datagram.To, bytes);
            }

            forged |= Header.IsRespHello(datagram.Bytes);
            return TapVerdict.Pass;
        });
        pair.Dial();
        pair.Run(1);
        Assert.Equal(1, pair.A.Drops(DropReason.WorkFull));
        Assert.Equal(ImplementationLimits.PeerWork, pair.A.Drops(DropReason.NotAuthentic));
        pair.CheckAlive();
    }

    [Fact]
    public void A_network_past_the_8192nd_shares_one_allowance_with_the_others_past_it()
    {
        _pair.World.Clock.AdvanceTo(new((_pair.World.Now.Nanoseconds / 1_000_000_000 + 1) * 1_000_000_000));
        var junk = AdversaryKit.Word(Header.InitHello, 190);
        for (var i = 0; i < ImplementationLimits.TrackedPrefixes + ImplementationLimits.WorkPerPrefixPerSecond + 10; i++)
        {
            _pair.World.Network.Inject(Addresses.Host(i << 8, 7), _pair.B.Address, junk);
            if (i % 200 == 199)
            {
                _pair.World.RunFor(TimeSpan.FromMilliseconds(11));
            }
        }

        _pair.World.RunFor(TimeSpan.FromMilliseconds(11));
        Assert.InRange(_pair.B.Drops(DropReason.PrefixRate), 1, 11);
        _pair.CheckAlive();
    }

    [Fact]
    public void A_third_inbound_channel_of_two_is_refused_and_a_place_that_becomes_free_is_given_away()
    {
        using var world = new Pair(1, LinkConditions.Perfect, b: new() { InboundChannels = 2 });
        using var c = new SimulatedHost(world.World, Addresses.Host(0x0501), "C");
        using var d = new SimulatedHost(world.World, Addresses.Host(0x0601), "D");
        foreach (var host in new[] { world.A, c, d })
        {
            host.Connect(world.B.PeerId, world.B.Address);
            world.Run(1);
        }

        Assert.Equal(CloseReason.Refused, Assert.Single(d.EventsOf<PeerEvent.Closed>()).Reason);
        Assert.Equal(1, world.B.Drops(DropReason.Refused));
        world.CheckAlive();
        world.A.Close(world.B.PeerId);
        world.Run(2);
        d.Connect(world.B.PeerId, world.B.Address);
        world.Run(1);
        Assert.True(Pair.IsOpen(d, world.B));
    }

    [Fact]
    public void A_fifth_identity_at_an_address_where_four_are_dialled_is_refused_until_one_is_given_up()
    {
        for (var i = 0; i < ImplementationLimits.PeersPerAddress; i++)
        {
            using var other = new SimulatedHost(_pair.World, Addresses.Host(0x0700 + i), "other");
            Assert.True(_pair.B.Connect(other.PeerId, _stranger.Address));
        }

        _pair.Run(0.1);
        Open(_stranger, _stranger.Keys);
        Assert.Equal(1, _pair.B.Drops(DropReason.Refused));
        _pair.Run(11);
        Open(_stranger, _stranger.Keys);
        Assert.Equal(2, _pair.B.Peers.Count());
        _pair.CheckAlive();
    }

    [Fact]
    public void A_fifth_dial_to_one_address_fails_at_once()
    {
        for (var i = 0; i < ImplementationLimits.PeersPerAddress + 1; i++)
        {
            using var other = new SimulatedHost(_pair.World, Addresses.Host(0x0700 + i), "other");
            Assert.Equal(i < ImplementationLimits.PeersPerAddress, _pair.A.Connect(other.PeerId, Addresses.Host(0x0800)));
        }

        _pair.CheckAlive();
    }

    [Theory]
    [InlineData(ImplementationLimits.HandshakeMessageSize, true)]
    [InlineData(ImplementationLimits.HandshakeMessageSize + 1, false)]
    public void The_longest_first_message_is_answered_and_one_byte_more_is_not(int length, bool answered)
    {
        var hello = _stranger.NewInitHello();
        var padding = length - hello.Length - 3;

        // Field 14, of which nothing is known: tag, length in two bytes, padding.
        byte[] padded = [.. hello, 0x72, (byte)(padding & 0x7F | 0x80), (byte)(padding >> 7), .. new byte[padding]];
        _stranger.Send(_pair.B.Address, padded);
        CheckAfterFlood(DropReason.TooLong, answered ? 0 : 1);
        Assert.Equal(answered ? 1 : 0, _stranger.Received.Count);
    }

    [Fact]
    public void Early_data_of_all_strangers_together_are_held_up_to_four_mebibytes()
    {
        const int Chunk = 16 * 1024;
        var addresses = ImplementationLimits.EarlyBytesTotal / (3 * Chunk) + 1;
        var hello = _stranger.NewInitHello();
        Flood(addresses, i => Addresses.Host(0x100000 + (i << 8)), hello);
        for (var i = 0; i < ImplementationLimits.EarlyBytesTotal / Chunk + 1; i++)
        {
            _pair.World.Network.Inject(Addresses.Host(0x100000 + (i / 3 << 8)), _pair.B.Address, AdversaryKit.Word(Header.FirstData, Chunk));
        }

        CheckAfterFlood(DropReason.EarlyDataFull, 1);
        _pair.Run(11);
        Assert.Equal(ImplementationLimits.EarlyBytesTotal / Chunk, _pair.B.Drops(DropReason.NotAuthentic));
    }

    private void Flood(int count, Func<int, NetworkAddress> from, byte[] hello)
    {
        for (var i = 0; i < count; i++)
        {
            _pair.World.Network.Inject(from(i), _pair.B.Address, hello);
            if (i % 200 == 199)
            {
                _pair.World.RunFor(TimeSpan.FromMilliseconds(20));
            }
        }

        _pair.World.RunFor(TimeSpan.FromMilliseconds(20));
    }

    private void CheckAfterFlood(DropReason reason, int count)
    {
        _pair.World.RunFor(TimeSpan.FromMilliseconds(20));
        Assert.Equal(count, _pair.B.Drops(reason));
        _pair.CheckAlive(0.1);
        _pair.CheckNothingLost();
    }

    private void Open(Stranger stranger, ReferenceKeys keys)
    {
        var session = stranger.NewSession(keys, isInitiator: true);
        stranger.Send(_pair.B.Address, session.Handshake(_pair.World.Now)!);
        _pair.Run(0.1);
        var answer = stranger.Received.FindLast(datagram => Header.IsRespHello(datagram));
        stranger.Send(_pair.B.Address, session.Deliver(_pair.World.Now, answer).Reply!);
        _pair.Run(0.1);
    }
}
