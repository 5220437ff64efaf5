using System.Net;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Routing;
using PacketSec.Protocol.Tests.Machines;

namespace PacketSec.Protocol.Tests.Routing;

public class RouteTableTests
{
    private static readonly PeerId Identity = PeerFixture.NewIdentity(1).PeerId;

    private readonly RouteTable _table = new();

    [Theory]
    [InlineData(1)]
    [InlineData(5000)]
    public void Each_address_has_its_own_route_while_the_table_grows_and_shrinks(int count)
    {
        for (var i = 0; i < count; i++)
        {
            _table.Set(Address(i), Entry(i));
        }

        for (var i = 0; i < count; i += 2)
        {
            _table.Set(Address(i), null);
        }

        for (var i = 0; i < count; i++)
        {
            Assert.Equal(i % 2 == 1, _table.TryFind(Address(i), out var route));
            Assert.Equal(i % 2, route.Count);
            if (i % 2 == 1)
            {
                Assert.Equal(new PeerHandle(i), route[0]);
            }
        }

        Assert.False(_table.TryFind(Address(count), out _));
    }

    [Fact]
    public void Addresses_that_differ_in_one_part_only_are_told_apart()
    {
        var address = new NetworkAddress(new UInt128(1, 2), 3, 4);
        NetworkAddress[] others = [address with { Address = new UInt128(1, 3) }, address with { Address = new UInt128(2, 2) }, address with { Port = 4 }, address with { ScopeId = 5 }];
        _table.Set(address, Entry(1));

        Assert.All(others, other => Assert.Null(_table.Find(other)));
        foreach (var other in others)
        {
            _table.Set(other, Entry(2));
        }

        Assert.Equal(new PeerHandle(1), _table.Find(address)!.Peers[0].Handle);
    }

    [Fact]
    public void A_route_names_all_its_peers_and_the_last_entry_counts()
    {
        _table.Set(Address(1), new RouteEntry([], HalfOpen: true));
        Assert.True(_table.TryFind(Address(1), out var route));
        Assert.Equal((0, true), (route.Count, route.HasHalfOpen));

        _table.Set(Address(1), new RouteEntry([Peer(7), Peer(8)], HalfOpen: false));
        Assert.True(_table.TryFind(Address(1), out route));
        Assert.Equal((2, false), (route.Count, route.HasHalfOpen));
        Assert.Equal([new PeerHandle(7), new PeerHandle(8)], [route[0], route[1]]);
        Assert.Equal([7, 8], [route.OwnerOf(0), route.OwnerOf(1)]);
    }

    [Fact]
    public void A_reader_beside_a_writer_finds_what_stays()
    {
        for (var i = 0; i < 100; i++)
        {
            _table.Set(Address(i), Entry(i));
        }

        using var started = new ManualResetEventSlim();
        using var stop = new CancellationTokenSource();
        var reader = Task.Run(() =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i = (i + 1) % 100)
            {
                Assert.Equal(new PeerHandle(i), _table.Find(Address(i))!.Peers[0].Handle);
                started.Set();
            }
        });
        Assert.True(started.Wait(TimeSpan.FromSeconds(30)));
        for (var i = 100; i < 3000; i++)
        {
            _table.Set(Address(i), Entry(i));
        }

        stop.Cancel();
        Assert.Null(Record.Exception(() => reader.Wait(TimeSpan.FromSeconds(30))));
    }

    [Fact]
    public void Asking_for_a_place_ahead_changes_nothing()
    {
        _table.Fetch(Address(1));
        _table.Set(Address(1), Entry(1));
        _table.Fetch(Address(1));

        Assert.NotNull(_table.Find(Address(1)));
        Assert.Null(_table.Find(Address(2)));
    }

    private static NetworkAddress Address(int i) => NetworkAddress.FromEndPoint(new(new IPAddress([10, 0, (byte)((i >> 8) & 255), (byte)(i & 255)]), 4000));

    private static RouteEntry Entry(int handle) => new([Peer(handle)], HalfOpen: false);

    private static RoutePeer Peer(int handle) => new(new PeerHandle(handle), Identity, HasSession: true, Holds: true, Owner: handle);
}
