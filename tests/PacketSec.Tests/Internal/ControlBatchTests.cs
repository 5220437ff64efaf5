using PacketSec.Internal;
using PacketSec.Protocol;
using PacketSec.Udp;

namespace PacketSec.Tests.Internal;

/// <summary>Datagrams of the protocol that leave together: none is lost, kept, or sent from another socket, and those that are refused are counted.</summary>
public sealed class ControlBatchTests : IDisposable
{
    private readonly RecordingIo _io = new();
    private readonly ControlBatch _batch;
    private int _failed;

    public ControlBatchTests() => _batch = new ControlBatch(count => _failed += count);

    [Fact]
    public void Datagrams_leave_in_order_with_one_call()
    {
        Add(_io, 1, [1]);
        Add(_io, 2, [2, 2]);
        Add(_io, 1, [3]);
        Assert.Equal(3, _batch.Count);
        Assert.Empty(_io.Calls);

        _batch.Flush();

        Assert.Equal([(1, "01"), (2, "0202"), (1, "03")], Assert.Single(_io.Calls));
        Assert.Equal(0, _batch.Count);
        _batch.Flush();
        Assert.Single(_io.Calls);
        Assert.Equal(0, _failed);
    }

    [Fact]
    public void Datagrams_of_another_socket_wait_for_no_one_elses()
    {
        using var other = new RecordingIo();
        Add(_io, 1, [1]);
        Add(other, 1, [2]);
        Assert.Equal([(1, "01")], Assert.Single(_io.Calls));
        Assert.Empty(other.Calls);

        _batch.Flush();

        Assert.Single(_io.Calls);
        Assert.Equal([(1, "02")], Assert.Single(other.Calls));
    }

    [Theory]
    [InlineData(ControlBatch.Capacity, 1, 1)]
    [InlineData(ControlBatch.Capacity + 1, 1, 2)]
    [InlineData(SendBatch.MaxGroups, 2, 1)]
    [InlineData(SendBatch.MaxGroups + 1, 2, 2)]
    public void What_does_not_fit_leaves_with_the_next_call(int datagrams, ushort ports, int calls)
    {
        for (var i = 0; i < datagrams; i++)
        {
            Add(_io, (ushort)(1 + (i % ports)), [(byte)i]);
        }

        _batch.Flush();

        Assert.Equal(calls, _io.Calls.Count);
        Assert.Equal(Enumerable.Range(0, datagrams).Select(i => $"{(byte)i:X2}"), _io.Calls.SelectMany(call => call).Select(sent => sent.Bytes));
    }

    [Fact]
    public void Long_datagrams_leave_before_the_room_is_too_small()
    {
        Add(_io, 1, new byte[65_000]);
        Add(_io, 2, new byte[536]);
        Assert.Empty(_io.Calls);
        Add(_io, 3, [1]);

        Assert.Equal(2, Assert.Single(_io.Calls).Count);
    }

    [Fact]
    public void What_the_system_does_not_take_is_counted()
    {
        _io.Outcome = (port, index) => port == 2 && index == 1 ? SendStatus.Failed : SendStatus.Sent;
        Add(_io, 1, [1]);
        Add(_io, 2, [2]);
        Add(_io, 2, [3]);
        Add(_io, 2, [4]);
        _batch.Flush();
        Assert.Equal(2, _failed);

        _io.Outcome = (_, _) => SendStatus.WouldBlock;
        Add(_io, 1, [1]);
        Add(_io, 3, [2]);
        _batch.Flush();
        Assert.Equal(4, _failed);
    }

    public void Dispose() => _io.Dispose();

    private void Add(IDatagramIo io, ushort port, byte[] datagram)
    {
        datagram.CopyTo(_batch.RoomFor(io, datagram.Length));
        _batch.Append(new PathAddress(default, new NetworkAddress(1, port)), datagram.Length, null);
    }

    /// <summary>A socket that shows what it is given.</summary>
    private sealed class RecordingIo : IDatagramIo
    {
        public List<List<(int Port, string Bytes)>> Calls { get; } = [];

        public Func<int, int, SendStatus> Outcome { get; set; } = (_, _) => SendStatus.Sent;

        public UdpAddress LocalAddress => default;

        public string PathName => "recording";

        public bool ChoosesSource => false;

        public IReadOnlyList<UdpWarning> Warnings => [];

        public DatagramIoCounters Counters => default;

        public void Send(SendBatch batch)
        {
            var call = new List<(int, string)>();
            foreach (ref var group in batch.Groups)
            {
                (group.Sent, group.Status) = (0, SendStatus.Sent);
                for (var i = 0; i < group.Segments && group.Status == SendStatus.Sent; i++)
                {
                    group.Status = Outcome(group.Remote.Port, i);
                    group.Sent += group.Status == SendStatus.Sent ? 1 : 0;
                    var rest = batch.BytesOf(group)[(i * group.SegmentSize)..];
                    call.Add((group.Remote.Port, Convert.ToHexString(rest[..Math.Min(rest.Length, group.SegmentSize)])));
                }
            }

            Calls.Add(call);
        }

        public SendStatus Send(in UdpAddress local, in UdpAddress remote, ReadOnlySpan<byte> datagram) => throw new NotSupportedException();

        public ReceiveBatch CreateReceiveBatch() => throw new NotSupportedException();

        public ReceiveStatus Receive(ReceiveBatch batch, int timeoutMilliseconds) => throw new NotSupportedException();

        public void Wake() => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
