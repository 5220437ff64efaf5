using System.Net;
using PacketSec.Udp;

namespace PacketSec.Tests.Udp;

[Collection(SocketsCollection.Name)]
public sealed class UdpGroupTests
{
    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1", 2, (int)UdpPath.Automatic)]
    [InlineData("::", "127.0.0.1", 4, (int)UdpPath.Batched)]
    [InlineData("::1", "::1", 3, (int)UdpPath.Linux)]
    public void Every_socket_of_a_group_gets_a_share_of_the_senders_and_each_datagram_arrives_once(
        string listenOn, string dialOn, int sockets, int path)
    {
        const int Senders = 100;
        const int PerSender = 3;
        using Group group = Bind(listenOn, 0, sockets, (UdpPath)path);
        UdpAddress target = DatagramIoConformance.Address(dialOn, group.Port);
        var senders = new List<IDatagramIo>();
        for (int i = 0; i < Senders; i++)
        {
            senders.Add(UdpTransport.Bind(new() { LocalEndPoint = new(IPAddress.Parse(dialOn), 0) }));
        }

        for (int round = 0; round < PerSender; round++)
        {
            senders.ForEach(s => Assert.Equal(SendStatus.Sent, s.Send(default, target, BitConverter.GetBytes(s.LocalAddress.Port))));
        }

        Assert.Equal(sockets, group.Sockets.Count);
        var shares = Inbox.ReceiveAll(group.Sockets, Senders * PerSender);
        Assert.All(shares, Assert.NotEmpty);
        Assert.Equal(Senders * PerSender, shares.Sum(s => s.Count));
        foreach (IDatagramIo sender in senders)
        {
            var at = Assert.Single(shares, share => share.Any(a => a.Remote == sender.LocalAddress));
            Assert.Equal(PerSender, at.Count(a => BitConverter.ToUInt16(a.Bytes) == sender.LocalAddress.Port));
            sender.Dispose();
        }
    }

    [Fact]
    public void Every_socket_of_a_group_sends_from_the_port_and_is_woken_by_itself()
    {
        using Group group = Bind("127.0.0.1", 0, 2, UdpPath.Automatic);
        using IDatagramIo peer = UdpTransport.Bind(new() { LocalEndPoint = new(IPAddress.Loopback, 0) });
        var inbox = new Inbox(peer);

        foreach (IDatagramIo socket in group.Sockets)
        {
            Assert.Equal(SendStatus.Sent, socket.Send(default, peer.LocalAddress, "x"u8));
            Assert.Equal(group.Port, inbox.Receive().Remote.Port);
            socket.Wake();
            Assert.Equal(ReceiveStatus.Woken, new Inbox(socket).Wait(SocketsCollection.CeilingMilliseconds));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_port_that_a_group_has_is_in_use_for_all_others(int sockets)
    {
        using Group group = Bind("127.0.0.1", 0, sockets, UdpPath.Automatic);

        Assert.Equal(
            UdpBindError.PortInUse, Assert.Throws<UdpBindException>(() => Bind("127.0.0.1", group.Port, 1, UdpPath.Automatic)).Error);
        Assert.Equal(
            UdpBindError.PortInUse, Assert.Throws<UdpBindException>(() => Bind("127.0.0.1", group.Port, 2, UdpPath.Automatic)).Error);
        using Group another = Bind("127.0.0.1", 0, 2, UdpPath.Automatic);
        Assert.NotEqual(group.Port, another.Port);
    }

    [Fact]
    public void A_group_does_not_take_a_port_that_a_socket_has_and_takes_it_when_it_is_free()
    {
        IDatagramIo holder = UdpTransport.Bind(new() { LocalEndPoint = new(IPAddress.Loopback, 0) });
        ushort port = holder.LocalAddress.Port;
        Assert.Throws<UdpBindException>(() => Bind("127.0.0.1", port, 2, UdpPath.Automatic));

        holder.Dispose();
        for (int i = 0; i < 2; i++)
        {
            using Group group = Bind("127.0.0.1", port, 2, UdpPath.Automatic);
            Assert.Equal(2, group.Sockets.Count);
        }
    }

    [Fact]
    public void Those_that_are_left_serve_when_one_of_a_group_is_disposed()
    {
        using Group group = Bind("127.0.0.1", 0, 2, UdpPath.Automatic);
        group.Sockets[0].Dispose();
        for (int i = 0; i < 20; i++)
        {
            using IDatagramIo sender = UdpTransport.Bind(new() { LocalEndPoint = new(IPAddress.Loopback, 0) });
            sender.Send(default, group.Sockets[1].LocalAddress, "x"u8);
        }

        Assert.Equal(20, Inbox.ReceiveAll([group.Sockets[1]], 20).Single().Count);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    public void Only_a_group_of_several_shares_its_port(int sockets, int expected)
    {
        using Group group = Bind("127.0.0.1", 0, sockets, UdpPath.Automatic);

        Assert.Equal(sockets, group.Sockets.Count);
        foreach (IDatagramIo socket in group.Sockets)
        {
            var value = new byte[sizeof(int)];
            ((SocketDatagramIo)socket).Socket.GetRawSocketOption(1, 15, value);
            Assert.Equal(expected, BitConverter.ToInt32(value));
            Assert.DoesNotContain(socket.Warnings, w => w.Kind == UdpWarningKind.OneSocket);
        }
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    public void The_portable_path_has_one_socket_and_says_so(int sockets, int warnings)
    {
        using Group group = Bind("127.0.0.1", 0, sockets, UdpPath.Portable);

        IDatagramIo only = Assert.Single(group.Sockets);
        Assert.Equal(warnings, only.Warnings.Count(w => w.Kind == UdpWarningKind.OneSocket));
    }

    [Fact]
    public void Only_the_first_socket_of_a_group_warns()
    {
        var options = new UdpBindOptions { LocalEndPoint = new(IPAddress.Loopback, 0), ReceiveBufferBytes = 1 << 30 };
        using var group = new Group(UdpTransport.BindGroup(options, 2));

        Assert.Contains(group.Sockets[0].Warnings, w => w.Kind == UdpWarningKind.ReceiveBufferCapped);
        Assert.Empty(group.Sockets[1].Warnings);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_group_has_sockets(int sockets) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Bind("127.0.0.1", 0, sockets, UdpPath.Automatic));

    [Fact]
    public void An_address_of_another_machine_binds_no_group() => Assert.Equal(
        UdpBindError.AddressNotAvailable,
        Assert.Throws<UdpBindException>(() => Bind("192.0.2.250", 0, 2, UdpPath.Automatic)).Error);

    private static Group Bind(string address, int port, int sockets, UdpPath path) =>
        new(UdpTransport.BindGroup(new() { LocalEndPoint = new(IPAddress.Parse(address), port), Path = path }, sockets));

    private sealed class Group(IReadOnlyList<IDatagramIo> sockets) : IDisposable
    {
        public IReadOnlyList<IDatagramIo> Sockets => sockets;

        public ushort Port => sockets[0].LocalAddress.Port;

        public void Dispose()
        {
            foreach (IDatagramIo socket in sockets)
            {
                socket.Dispose();
            }
        }
    }
}
