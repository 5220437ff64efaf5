using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using PacketSec.Interop.Faults;

namespace PacketSec.Tests.Interop;

[Collection(SocketsCollection.Name)]
public class FaultProxyTests
{
    private const int Count = 300;
    private const uint FirstData = 16;

    [Fact]
    public async Task A_clean_path_passes_everything_in_order()
    {
        var run = await PassAsync(FaultProfile.Clean, 1);

        Assert.Equal(Enumerable.Range(0, Count), run.Arrived);
        Assert.Equal(new FaultCounts { Received = Count }, run.Data);
        Assert.Equal(new FaultCounts(), run.Handshake);
    }

    [Fact]
    public async Task The_same_seed_loses_the_same_datagrams()
    {
        var profile = new FaultProfile { Data = new(Loss: 0.3) };
        var first = await PassAsync(profile, 1);

        Assert.Equal(first.Arrived, (await PassAsync(profile, 1)).Arrived);
        Assert.NotEqual(first.Arrived, (await PassAsync(profile, 2)).Arrived);
        Assert.Equal(Count, first.Arrived.Count + first.Data.Lost);
    }

    [Fact]
    public async Task Late_datagrams_arrive_after_their_successors_and_all_the_same()
    {
        var run = await PassAsync(new() { Data = new(Late: 0.2) }, 1);

        Assert.NotEqual(Enumerable.Range(0, Count), run.Arrived);
        Assert.Equal(Enumerable.Range(0, Count), run.Arrived.Order());
        Assert.NotEqual(0, run.Data.Late);
    }

    [Fact]
    public async Task Duplicates_are_true_copies()
    {
        var run = await PassAsync(new() { Data = new(Duplicate: 0.2, Corrupt: 1) }, 1);

        Assert.NotEqual(0, run.Data.Duplicated);
        Assert.Equal(Count, run.Data.Corrupted);
        Assert.Equal(run.Data.Duplicated, run.Arrived.Count);
        Assert.Equal(run.Arrived.Count, run.Arrived.Distinct().Count());
        Assert.Equal(Count, run.Corrupted);
    }

    [Fact]
    public async Task Nothing_passes_a_path_that_is_cut()
    {
        using var listener = Socket();
        await using var proxy = new FaultProxy((IPEndPoint)listener.LocalEndPoint!, FaultProfile.Clean, 1) { Cut = true };
        using var dialler = Socket();
        await dialler.SendToAsync(new byte[20], proxy.EndPoint);
        await UntilAsync(() => proxy.Counts(PacketClass.Handshake, PacketDirection.ToListener).Cut == 1);

        proxy.Cut = false;
        await dialler.SendToAsync(Datagram(0), proxy.EndPoint);
        Assert.Equal(0, Number((await ReceiveAsync(listener)).Datagram));
    }

    [Fact]
    public async Task Each_dialler_has_its_own_address_and_gets_its_own_answers()
    {
        using var listener = Socket();
        await using var proxy = new FaultProxy((IPEndPoint)listener.LocalEndPoint!, FaultProfile.Clean, 1);
        using Socket one = Socket(), two = Socket();
        await one.SendToAsync(Datagram(1), proxy.EndPoint);
        var first = await ReceiveAsync(listener);
        await two.SendToAsync(Datagram(2), proxy.EndPoint);
        var second = await ReceiveAsync(listener);
        await listener.SendToAsync(second.Datagram, second.From);
        await listener.SendToAsync(first.Datagram, first.From);

        Assert.NotEqual(first.From, second.From);
        Assert.Equal(1, Number((await ReceiveAsync(one)).Datagram));
        Assert.Equal(2, Number((await ReceiveAsync(two)).Datagram));
    }

    /// <summary>Sends numbered datagrams through a path and collects what arrives.</summary>
    private static async Task<Run> PassAsync(FaultProfile profile, ulong seed)
    {
        using var listener = Socket();
        await using var proxy = new FaultProxy((IPEndPoint)listener.LocalEndPoint!, profile, seed);
        using var dialler = Socket();
        for (var number = 0; number < Count; number++)
        {
            await dialler.SendToAsync(Datagram(number), proxy.EndPoint);
        }

        FaultCounts Data() => proxy.Counts(PacketClass.Data, PacketDirection.ToListener);
        await UntilAsync(() => Data().Received == Count);
        var counts = Data();
        var arrived = new List<int>();
        var corrupted = 0;
        for (var left = counts.Received - counts.Lost + counts.Duplicated; left > 0; left--)
        {
            var (datagram, _) = await ReceiveAsync(listener);
            var number = Number(datagram);
            if (number is >= 0 and < Count && datagram.SequenceEqual(Datagram(number)))
            {
                arrived.Add(number);
            }
            else
            {
                corrupted++;
            }
        }

        return new(arrived, corrupted, counts, proxy.Counts(PacketClass.Handshake));
    }

    private static Socket Socket()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 1 << 20 };
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    /// <summary>Makes a datagram with a data header and its number twice, so that no bit flip makes another true one of it.</summary>
    private static byte[] Datagram(int number)
    {
        var datagram = new byte[24];
        BinaryPrimitives.WriteUInt32BigEndian(datagram, FirstData);
        BinaryPrimitives.WriteInt32BigEndian(datagram.AsSpan(4), number);
        BinaryPrimitives.WriteInt32BigEndian(datagram.AsSpan(8), number);
        return datagram;
    }

    private static int Number(byte[] datagram) => BinaryPrimitives.ReadInt32BigEndian(datagram.AsSpan(4));

    private static async Task<(byte[] Datagram, IPEndPoint From)> ReceiveAsync(Socket socket)
    {
        using var ceiling = new CancellationTokenSource(SocketsCollection.CeilingMilliseconds);
        var buffer = new byte[2048];
        var received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(IPAddress.Any, 0), ceiling.Token);
        return (buffer[..received.ReceivedBytes], (IPEndPoint)received.RemoteEndPoint);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var ceiling = new CancellationTokenSource(SocketsCollection.CeilingMilliseconds);
        while (!condition())
        {
            await Task.Delay(5, ceiling.Token);
        }
    }

    private sealed record Run(IReadOnlyList<int> Arrived, int Corrupted, FaultCounts Data, FaultCounts Handshake);
}
