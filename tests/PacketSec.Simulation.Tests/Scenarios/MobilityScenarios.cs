using PacketSec.Protocol;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Tests.Scenarios;

//= spec/sessions.md#address-move
public sealed class MobilityScenarios
{
    private static readonly NetworkAddress FirstMapping = Addresses.Host(0x0301, 50001);
    private static readonly NetworkAddress SecondMapping = Addresses.Host(0x0301, 50002);
    private static readonly NetworkAddress OtherNetwork = Addresses.Host(0x0401, 50003);

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    public void A_rebinding_of_the_translator_before_the_dialler_moves_the_channel_within_five_seconds(ulong seed, bool samePublicHost)
    {
        using var pair = new Pair(seed);
        pair.World.Network.Rebind(pair.A.Address, FirstMapping);
        pair.Dial();
        pair.Run(1);
        pair.Traffic(seconds: 60, perSecondAToB: 20, perSecondBToA: 20);
        pair.Run(10);
        var moved = samePublicHost ? SecondMapping : OtherNetwork;
        pair.World.Network.Rebind(pair.A.Address, moved);
        CheckRecovers(pair);
        Assert.Equal(moved, pair.B.Peers.Single().Machine.Path?.Remote);
        Assert.Equal(moved, Assert.Single(pair.B.EventsOf<PeerEvent.AddressChanged>()).Path.Remote);
        CheckNothingMoreIsLost(pair);
    }

    [Fact]
    public void A_rebinding_of_the_translator_before_the_listener_moves_the_channel_too()
    {
        using var pair = new Pair(1);
        pair.World.Network.Rebind(pair.B.Address, FirstMapping);
        pair.Dial();
        pair.Run(1);
        pair.Traffic(seconds: 60, perSecondAToB: 20, perSecondBToA: 20);
        pair.Run(10);
        pair.World.Network.Rebind(pair.B.Address, SecondMapping);
        CheckRecovers(pair);
        Assert.Equal(SecondMapping, pair.A.Peers.Single().Machine.Path?.Remote);
        CheckNothingMoreIsLost(pair);
    }

    [Fact]
    public void A_host_that_changes_its_own_address_takes_its_channel_along()
    {
        using var pair = Pair.Connected(1);
        pair.Traffic(seconds: 60, perSecondAToB: 20, perSecondBToA: 20);
        pair.Run(10);
        pair.A.ChangeAddress(OtherNetwork);
        CheckRecovers(pair);
        Assert.Equal(OtherNetwork, pair.B.Peers.Single().Machine.Path?.Remote);
        CheckNothingMoreIsLost(pair);
    }

    [Fact]
    public void Ten_rebindings_in_ten_minutes_leave_one_channel()
    {
        using var pair = new Pair(3);
        pair.World.Network.Rebind(pair.A.Address, FirstMapping);
        pair.Dial();
        pair.Run(1);
        pair.Traffic(seconds: 600, perSecondAToB: 10, perSecondBToA: 10);
        for (ushort i = 0; i < 10; i++)
        {
            pair.Run(57);
            pair.World.Network.Rebind(pair.A.Address, Addresses.Host(0x0301, (ushort)(51000 + i)));
            CheckRecovers(pair);
        }

        Assert.Single(pair.A.Peers);
        Assert.Single(pair.B.Peers);
        Assert.Equal(10, pair.B.EventsOf<PeerEvent.AddressChanged>().Count());
    }

    //= spec/sessions.md#send-fallback
    [Fact]
    public void When_nothing_comes_back_from_a_new_address_sending_falls_back_to_the_old_one()
    {
        using var pair = new Pair(1);
        pair.World.Network.Rebind(pair.A.Address, FirstMapping);
        pair.Dial();
        pair.Run(1);
        pair.Traffic(seconds: 40, perSecondAToB: 20, perSecondBToA: 20);
        pair.Run(5);

        // The path flips to a new mapping for one handshake, and back: what B sends to the new one is lost.
        pair.World.Network.Rebind(pair.A.Address, SecondMapping);
        pair.Check(pair.World.RunUntil(() => pair.B.EventsOf<PeerEvent.AddressChanged>().Any(), TimeSpan.FromSeconds(5)), "did not move");
        pair.World.Network.Rebind(pair.A.Address, FirstMapping);
        CheckRecovers(pair);
        CheckNothingMoreIsLost(pair);
    }

    private static void CheckRecovers(Pair pair)
    {
        var (there, back) = (pair.AToB.Sent, pair.BToA.Sent);
        pair.Check(
            pair.World.RunUntil(() => pair.AToB.LastDelivered >= there && pair.BToA.LastDelivered >= back, TimeSpan.FromSeconds(5)),
            $"not alive 5 s after the move: {pair.AToB}; {pair.BToA}");
    }

    private static void CheckNothingMoreIsLost(Pair pair)
    {
        var (there, back) = (pair.AToB.Sent, pair.BToA.Sent);
        pair.Run(15);
        pair.SendAToB();
        pair.SendBToA();
        var (thereEnd, backEnd) = (pair.AToB.Sent, pair.BToA.Sent);
        pair.Run(1);
        for (var i = there; i < thereEnd; i++)
        {
            pair.Check(pair.AToB.HasArrived(i), $"{i} of {pair.AToB}");
        }

        for (var i = back; i < backEnd; i++)
        {
            pair.Check(pair.BToA.HasArrived(i), $"{i} of {pair.BToA}");
        }
    }
}
