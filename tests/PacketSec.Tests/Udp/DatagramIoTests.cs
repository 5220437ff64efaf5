using System.Net;
using PacketSec.Udp;

namespace PacketSec.Tests.Udp;

[Collection(SocketsCollection.Name)]
public sealed class PortableDatagramIoTests : DatagramIoConformance
{
    internal override UdpPath Path => UdpPath.Portable;

    [Fact]
    public void A_wildcard_bind_warns_that_the_source_is_not_chosen()
    {
        using IDatagramIo wildcard = Bind("0.0.0.0");
        using IDatagramIo specific = Bind("127.0.0.1");

        Assert.Equal("portable", wildcard.PathName);
        Assert.Single(wildcard.Warnings, w => w.Kind == UdpWarningKind.NoSourceChoice);
        Assert.DoesNotContain(specific.Warnings, w => w.Kind == UdpWarningKind.NoSourceChoice);
    }
}

/// <summary>What every path of Linux does beyond the portable one.</summary>
public abstract class LinuxDatagramIoConformance : DatagramIoConformance
{
    //= spec/sessions.md#reply-address
    [Theory]
    [InlineData("0.0.0.0", "127.0.0.1", "127.0.0.2")]
    [InlineData("::", "127.0.0.1", "127.0.0.2")]
    [InlineData("0.0.0.0", "127.0.0.3", "127.0.0.2")]
    [InlineData("::", "::1", "::1")]
    public void An_answer_leaves_from_the_address_the_question_came_to(string listenOn, string dialOn, string dialled)
    {
        using IDatagramIo listener = Bind(listenOn);
        using IDatagramIo dialler = Bind(dialOn);
        UdpAddress target = Address(dialled, listener.LocalAddress.Port);

        dialler.Send(default, target, "question"u8);
        Arrived question = Receive(listener);
        Assert.Equal(target, question.Local);

        Assert.Equal(SendStatus.Sent, listener.Send(question.Local, question.Remote, "answer"u8));
        Assert.Equal(target, Receive(dialler).Remote);
    }

    [Theory]
    [InlineData("0.0.0.0", "192.0.2.250", "127.0.0.1")]
    [InlineData("::", "192.0.2.250", "127.0.0.1")]
    [InlineData("::", "2001:db8::250", "::1")]
    public void A_source_that_the_machine_has_lost_does_not_stop_a_datagram(string listenOn, string lost, string remote)
    {
        using IDatagramIo listener = Bind(listenOn);
        using IDatagramIo peer = Bind(remote);

        Assert.Equal(SendStatus.Sent, listener.Send(Address(lost, 0), peer.LocalAddress, "x"u8));
        Assert.Equal(Address(remote, listener.LocalAddress.Port), Receive(peer).Remote);
    }

    [Fact]
    public void A_source_of_the_other_family_is_left_out()
    {
        using IDatagramIo listener = Bind("::");
        using IDatagramIo peer = Bind("127.0.0.1");

        Assert.Equal(SendStatus.Sent, listener.Send(Address("::1", 0), peer.LocalAddress, "x"u8));
        Receive(peer);
    }

    [Fact]
    public void The_descriptor_stays_in_blocking_mode()
    {
        using IDatagramIo io = Bind("127.0.0.1");

        io.Send(default, io.LocalAddress, "x"u8);
        Receive(io);
        Assert.True(((SocketDatagramIo)io).Socket.Blocking);
    }

    //= spec/sessions.md#reply-address
    [Theory]
    [InlineData("0.0.0.0", "127.0.0.1", "127.0.0.2")]
    [InlineData("::", "127.0.0.1", "127.0.0.2")]
    [InlineData("::", "::1", "::1")]
    public void A_batch_leaves_from_the_address_it_names(string listenOn, string dialOn, string source)
    {
        using IDatagramIo listener = Bind(listenOn);
        using IDatagramIo dialler = Bind(dialOn);
        UdpAddress local = Address(source, listener.LocalAddress.Port);
        var batch = new SendBatch();
        int[] lengths = [1200, 1200, 1200, 700, 1300];
        Fill(batch, local, dialler.LocalAddress, lengths);

        listener.Send(batch);
        AssertGroups(batch, (4, SendStatus.Sent), (1, SendStatus.Sent));
        for (int i = 0; i < lengths.Length; i++)
        {
            Arrived arrived = Receive(dialler);
            Assert.Equal(Content(i, lengths[i]), arrived.Bytes);
            Assert.Equal(local, arrived.Remote);
        }
    }

    [Theory]
    [InlineData("0.0.0.0", "192.0.2.250", "127.0.0.1")]
    [InlineData("::", "192.0.2.250", "127.0.0.1")]
    [InlineData("::", "2001:db8::250", "::1")]
    public void A_source_that_the_machine_has_lost_does_not_stop_a_batch(string listenOn, string lost, string remote)
    {
        using IDatagramIo listener = Bind(listenOn);
        using IDatagramIo peer = Bind(remote);
        string path = listener.PathName;
        var batch = new SendBatch();
        int[] lengths = [1200, 1200, 700, 1300];
        Fill(batch, Address(lost, 0), peer.LocalAddress, lengths);

        listener.Send(batch);
        AssertGroups(batch, (3, SendStatus.Sent), (1, SendStatus.Sent));
        for (int i = 0; i < lengths.Length; i++)
        {
            Arrived arrived = Receive(peer);
            Assert.Equal(Content(i, lengths[i]), arrived.Bytes);
            Assert.Equal(Address(remote, listener.LocalAddress.Port), arrived.Remote);
        }

        Assert.Equal(path, listener.PathName);
    }

    [Fact]
    public void What_the_system_drops_is_counted_also_after_disposal()
    {
        const int Flood = 1000;
        using IDatagramIo sender = Bind("127.0.0.1");
        IDatagramIo receiver = UdpTransport.Bind(new()
        {
            LocalEndPoint = new(IPAddress.Loopback, 0),
            Path = Path,
            ReceiveBufferBytes = 64 * 1024,
        });
        Assert.Equal(0, receiver.Counters.KernelDrops);
        for (int i = 0; i < Flood; i++)
        {
            sender.Send(default, receiver.LocalAddress, new byte[1200]);
        }

        int arrived = 0;
        ReceiveBatch batch = receiver.CreateReceiveBatch();
        bool complete = SpinWait.SpinUntil(
            () =>
            {
                arrived += receiver.Receive(batch, 0) == ReceiveStatus.Received ? batch.Count : 0;
                return arrived + receiver.Counters.KernelDrops >= Flood;
            },
            SocketsCollection.CeilingMilliseconds);

        Assert.True(complete);
        Assert.InRange(arrived, 1, Flood - 1);
        Assert.Equal(Flood - arrived, receiver.Counters.KernelDrops);
        receiver.Dispose();
        Assert.Equal(Flood - arrived, receiver.Counters.KernelDrops);
    }

    [Fact]
    public void Nothing_is_allocated_for_many_peers()
    {
        const int Peers = 10_000;
        using IDatagramIo listener = Bind("0.0.0.0");
        using IDatagramIo dialler = Bind("0.0.0.0");
        var batch = new SendBatch();
        ReceiveBatch received = listener.CreateReceiveBatch();
        AssertNothingAllocated(
            () =>
            {
                int arrived = 0;
                for (int next = 0; next < Peers;)
                {
                    batch.Clear();
                    for (; next < Peers && !batch.IsFull; next++)
                    {
                        UdpAddress peer = UdpAddress.FromIPv4(0x7F00_0001 + (uint)next, listener.LocalAddress.Port);
                        batch.Append(peer, peer, 100);
                    }

                    dialler.Send(batch);
                    while (arrived < next && listener.Receive(received, SocketsCollection.CeilingMilliseconds) == ReceiveStatus.Received)
                    {
                        arrived += received.Count;
                    }
                }

                return arrived;
            },
            Peers);
    }
}
