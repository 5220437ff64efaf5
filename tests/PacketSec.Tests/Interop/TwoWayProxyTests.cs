using System.Net;
using System.Net.Sockets;
using PacketSec.Interop.Faults;

namespace PacketSec.Tests.Interop;

[Collection(SocketsCollection.Name)]
public class TwoWayProxyTests
{
    private static readonly TimeSpan Ceiling = TimeSpan.FromMilliseconds(SocketsCollection.CeilingMilliseconds);

    [Fact]
    public async Task Each_side_hears_the_other_from_the_address_that_it_dials()
    {
        using Socket left = Socket(), right = Socket();
        await using var path = new TwoWayProxy(FaultProfile.Clean, 1, holds: false, Address(left), Address(right));
        await left.SendToAsync(Datagram(1), path.ForLeft);
        var atRight = await ReceiveAsync(right);
        await right.SendToAsync(Datagram(2), path.ForRight);
        var atLeft = await ReceiveAsync(left);

        Assert.Equal((path.ForRight, 1), (atRight.From, atRight.Number));
        Assert.Equal((path.ForLeft, 2), (atLeft.From, atLeft.Number));
        Assert.NotEqual(path.ForLeft, path.ForRight);
        Assert.Equal(2, path.Counts(PacketClass.Handshake).Received);
        Assert.Equal(0, path.Counts(PacketClass.Data).Received);
    }

    [Fact]
    public async Task A_path_that_holds_lets_first_datagrams_cross_in_order()
    {
        using Socket left = Socket(), right = Socket();
        await using var path = new TwoWayProxy(FaultProfile.Clean, 1, holds: true);
        for (var number = 1; number <= 3; number++)
        {
            await left.SendToAsync(Datagram(number), path.ForLeft);
        }

        await path.LeftSent.WaitAsync(Ceiling);
        Assert.False(path.RightSent.IsCompleted);
        Assert.False(path.Crossed);
        await right.SendToAsync(Datagram(4), path.ForRight);

        Assert.Equal(4, (await ReceiveAsync(left)).Number);
        for (var number = 1; number <= 3; number++)
        {
            Assert.Equal(number, (await ReceiveAsync(right)).Number);
        }

        Assert.True(path.Crossed);
    }

    [Fact]
    public async Task What_arrives_before_the_other_side_sends_has_not_crossed()
    {
        using Socket left = Socket(), right = Socket();
        await using var path = new TwoWayProxy(FaultProfile.Clean, 1, holds: false, Address(left), Address(right));
        await left.SendToAsync(Datagram(1), path.ForLeft);
        await ReceiveAsync(right);
        await right.SendToAsync(Datagram(2), path.ForRight);
        await ReceiveAsync(left);

        Assert.False(path.Crossed);
    }

    [Fact]
    public async Task What_is_held_past_the_bound_is_lost()
    {
        using Socket left = Socket(), right = Socket();
        await using var path = new TwoWayProxy(FaultProfile.Clean, 1, holds: true);
        for (var number = 1; number <= TwoWayProxy.MaxHeld + 1; number++)
        {
            await left.SendToAsync(Datagram(number), path.ForLeft);
        }

        using var ceiling = new CancellationTokenSource(Ceiling);
        while (path.Counts(PacketClass.Handshake).Cut == 0)
        {
            await Task.Delay(5, ceiling.Token);
        }

        await right.SendToAsync(Datagram(100), path.ForRight);
        await ReceiveAsync(left);
        await left.SendToAsync(Datagram(101), path.ForLeft);
        var numbers = new List<int>();
        while (numbers.LastOrDefault() != 101)
        {
            numbers.Add((await ReceiveAsync(right)).Number);
        }

        Assert.Equal([.. Enumerable.Range(1, TwoWayProxy.MaxHeld), 101], numbers);
        Assert.Equal(1, path.Counts(PacketClass.Handshake).Cut);
    }

    [Fact]
    public async Task A_stranger_reaches_neither_side()
    {
        using Socket left = Socket(), right = Socket(), stranger = Socket();
        await using var path = new TwoWayProxy(FaultProfile.Clean, 1, holds: false, Address(left), Address(right));
        await stranger.SendToAsync(Datagram(1), path.ForLeft);
        await left.SendToAsync(Datagram(2), path.ForLeft);

        Assert.Equal(2, (await ReceiveAsync(right)).Number);
        Assert.Equal(1, path.Counts(PacketClass.Handshake).Received);
    }

    [Fact]
    public async Task Faults_are_those_of_the_seed()
    {
        const int Count = 100;
        var profile = new FaultProfile { Handshake = new(Loss: 0.3) };
        var plan = new FaultPlan(profile, 7);
        using Socket left = Socket(), right = Socket();
        await using var path = new TwoWayProxy(profile, 7, holds: false, Address(left), Address(right));
        for (var number = 0; number < Count; number++)
        {
            await right.SendToAsync(Datagram(number), path.ForRight);
        }

        var expected = Enumerable.Range(0, Count).Where(number => !plan.Decide(new(0, PacketDirection.ToDialler, PacketClass.Handshake, number)).Lost);
        foreach (var number in expected)
        {
            Assert.Equal(number, (await ReceiveAsync(left)).Number);
        }
    }

    private static IPEndPoint Address(Socket socket) => (IPEndPoint)socket.LocalEndPoint!;

    private static Socket Socket()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 1 << 20 };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    /// <summary>Makes a datagram with a handshake's header and its number.</summary>
    private static byte[] Datagram(int number) => [0, 0, 0, 0, (byte)number];

    private static async Task<(int Number, IPEndPoint From)> ReceiveAsync(Socket socket)
    {
        using var ceiling = new CancellationTokenSource(SocketsCollection.CeilingMilliseconds);
        var buffer = new byte[64];
        var received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), ceiling.Token);
        return (buffer[4], (IPEndPoint)received.RemoteEndPoint);
    }
}
