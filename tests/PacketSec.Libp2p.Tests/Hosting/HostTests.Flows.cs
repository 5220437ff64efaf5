using System.Text;
using PacketSec.Libp2p.Datagrams;
using PacketSec.Libp2p.Negotiation;
using PacketSec.Libp2p.Transports;

namespace PacketSec.Libp2p.Tests.Hosting;

/// <content>Flows of unreliable datagrams.</content>
public sealed partial class HostTests
{
    //= spec/libp2p.md#flow-control-stream
    //= spec/libp2p.md#flow-end
    [Fact]
    public async Task Datagrams_of_a_flow_go_both_ways_until_its_control_stream_ends()
    {
        var (first, second) = (Create(), Create());
        second.HandleFlow("/echo/1", async (_, flow, token) =>
        {
            while (true)
            {
                flow.TrySend((await flow.ReceiveAsync(token)).Span);
            }
        });
        var connection = await ConnectAsync(first, second);
        await using (var flow = await connection.OpenFlowAsync("/echo/1", Ceiling))
        {
            Assert.Equal("/echo/1", flow.Protocol);
            Assert.True(flow.TrySend("datagram"u8));
            Assert.Equal("datagram"u8.ToArray(), (await flow.ReceiveAsync(Ceiling)).ToArray());
            Assert.True(flow.TrySend([]));
            Assert.Equal(0, (await flow.ReceiveAsync(Ceiling)).Length);
            Assert.True(flow.TrySend(new byte[flow.MaxPayload]));
            Assert.Equal(Libp2pError.TooLarge, Assert.Throws<Libp2pException>(() => flow.TrySend(new byte[ushort.MaxValue])).Error);
            await flow.DisposeAsync();
            Assert.Equal(Libp2pError.Closed, Assert.Throws<Libp2pException>(() => flow.TrySend("late"u8)).Error);
        }

        var unknown = await connection.OpenFlowAsync("/unknown/1", Ceiling);
        await unknown.Closed.WaitAsync(Ceiling);
        Assert.Equal(Libp2pError.Closed, (await Assert.ThrowsAsync<Libp2pException>(() => unknown.ReceiveAsync(Ceiling).AsTask())).Error);
        Assert.Contains("/dg/1", (await connection.IdentifyAsync(Ceiling)).Protocols);
    }

    //= spec/libp2p.md#flow-early
    //= spec/libp2p.md#flow-bound
    [Fact]
    public async Task Datagrams_before_the_end_of_a_negotiation_are_kept_and_those_of_no_flow_counted()
    {
        var received = new TaskCompletionSource<DatagramFlow>();
        var host = Create();
        host.HandleFlow("/slow/1", async (_, flow, token) =>
        {
            received.SetResult(flow);
            await flow.Closed.WaitAsync(token);
        });
        var (_, bare) = await DialBareAsync(host);
        var control = await bare.OpenStreamAsync(Ceiling);
        Send(bare, control.Id, "early");
        Assert.True(bare.TrySendDatagram("\u0040"u8));
        await UntilAsync(() => host.Connections is [{ DatagramsDropped: 1 }]);

        await MultistreamSelect.DialAsync(control, ["/dg/1"], Ceiling);
        DelimitedMessage.Write(control.Output, "/slow/1"u8);
        await control.Output.FlushAsync(Ceiling);
        var flow = await received.Task.WaitAsync(Ceiling);
        Assert.Equal("early", Encoding.UTF8.GetString((await flow.ReceiveAsync(Ceiling)).Span));

        // Nobody takes them: 256 wait, and the others are counted.
        for (var i = 0; i < DatagramFlow.MaxWaiting + 10; i++)
        {
            Send(bare, control.Id, "late");
            await Task.Yield();
        }

        await UntilAsync(() => flow.Dropped > 0);
        for (var i = 0; i < DatagramFlow.MaxWaiting; i++)
        {
            await flow.ReceiveAsync(Ceiling);
        }

        control.CompleteWrites();
        await flow.Closed.WaitAsync(Ceiling);
    }

    //= spec/libp2p.md#flow-bound
    [Fact]
    public async Task Datagrams_that_wait_have_262144_bytes_together()
    {
        const int Size = 1050;
        var received = new TaskCompletionSource<DatagramFlow>();
        var (first, second) = (Create(), Create());
        second.HandleFlow("/slow/1", async (_, flow, token) =>
        {
            received.SetResult(flow);
            await flow.Closed.WaitAsync(token);
        });
        await using var flow = await (await ConnectAsync(first, second)).OpenFlowAsync("/slow/1", Ceiling);
        for (var sent = 0; sent < DatagramFlow.MaxWaiting;)
        {
            sent += flow.TrySend(new byte[Size]) ? 1 : 0;
            await Task.Delay(sent % 16 == 0 ? 1 : 0, Ceiling);
        }

        var other = await received.Task.WaitAsync(Ceiling);
        await UntilAsync(() => other.Dropped + other.Waiting == DatagramFlow.MaxWaiting);
        Assert.Equal(DatagramFlow.MaxWaitingBytes / Size, other.Waiting);
        Assert.Equal(Size, (await other.ReceiveAsync(Ceiling)).Length);
        await UntilAsync(() => flow.TrySend(new byte[Size]));

        // What was taken made room.
        for (var left = DatagramFlow.MaxWaitingBytes / Size; left > 0; left--)
        {
            await other.ReceiveAsync(Ceiling);
        }
    }

    //= spec/libp2p.md#flow-count
    [Fact]
    public async Task A_257th_flow_is_refused_until_one_has_ended()
    {
        var (first, second) = (Create(), Create(new() { MaxInboundStreams = 1000 }));
        second.HandleFlow("/flow/1", (_, flow, token) => flow.Closed.WaitAsync(token));
        var connection = await ConnectAsync(first, second);
        var flows = await Task.WhenAll(Enumerable.Range(0, FlowTable.MaxFlows).Select(_ => connection.OpenFlowAsync("/flow/1", Ceiling)));

        Assert.Equal(Libp2pError.Refused, (await Assert.ThrowsAsync<Libp2pException>(() => connection.OpenFlowAsync("/flow/1", Ceiling))).Error);
        await flows[0].DisposeAsync();
        await connection.OpenFlowAsync("/flow/1", Ceiling);
    }

    private static void Send(IConnection connection, long flow, string payload)
    {
        var datagram = new byte[FlowDatagram.Overhead(flow) + payload.Length];
        FlowDatagram.Write(datagram, flow, Encoding.UTF8.GetBytes(payload));
        Assert.True(connection.TrySendDatagram(datagram));
    }
}
