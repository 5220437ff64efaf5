using System.Runtime.InteropServices;
using PacketSec.Cli.Net;

namespace PacketSec.Cli.Bench;

/// <summary>One sender of <c>bench datagram</c>, with an endpoint and a thread of its own, and its channel's other end.</summary>
internal sealed class DatagramFlow : IAsyncDisposable
{
    private readonly LocalEndpoint _local;
    private readonly PacketSecChannel _channel;
    private readonly int _size;
    private readonly bool _single;
    private readonly ReadOnlyMemory<byte>[] _batch;
    private readonly LoneCounter _sent = new();
    private readonly LoneCounter _refused = new();
    private readonly LoneCounter _opened = new();
    private Thread? _thread;
    private volatile bool _isStopping;

    private DatagramFlow(DatagramPlan plan, LocalEndpoint local, PacketSecChannel channel)
    {
        _local = local;
        _channel = channel;
        _size = plan.Size;
        _single = plan.Batch is null;
        var count = plan.Batch ?? 1;
        var content = new byte[count * plan.Size];
        _batch = [.. Enumerable.Range(0, count).Select(i => new ReadOnlyMemory<byte>(content, i * plan.Size, plan.Size))];
    }

    /// <summary>Gets the datagrams that the system took. Any thread.</summary>
    public long Sent => _sent.Value;

    /// <summary>Gets the datagrams that were refused. Any thread.</summary>
    public long Refused => _refused.Value;

    /// <summary>Gets the datagrams that reached the handler. Any thread.</summary>
    public long Opened => _opened.Value;

    public static async Task<DatagramFlow> OpenAsync(DatagramPlan plan, LocalEndpoint receiver, CancellationToken cancellationToken)
    {
        var local = BenchEndpoint.Open(plan.Path, plan.Size);
        try
        {
            var (channel, accepted) = await BenchEndpoint.ConnectAsync(local, receiver, cancellationToken);
            var flow = new DatagramFlow(plan, local, channel);
            accepted.OnDatagram(flow.OnDatagram);
            return flow;
        }
        catch
        {
            await local.DisposeAsync();
            throw;
        }
    }

    public void Start()
    {
        _isStopping = false;
        _thread = new(Send) { IsBackground = true, Name = "psec bench sender" };
        _thread.Start();
    }

    public void Stop()
    {
        _isStopping = true;
        _thread?.Join();
    }

    /// <summary>Fails where the channel did not live, or takes nothing.</summary>
    /// <exception cref="CliException">It did not.</exception>
    public void Check()
    {
        if (_channel.Closed.IsCompletedSuccessfully)
        {
            throw Failures.Ended(_channel.Closed.Result ?? PacketSecError.EndpointClosed, _channel.RemotePeerId);
        }

        if (Sent == 0)
        {
            var result = _channel.TrySend(_batch[0].Span);
            throw new CliException(ExitCodes.Failed, $"The channel takes no datagram of {_size} bytes ({result}): try a smaller --size.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        Stop();
        await _local.DisposeAsync();
    }

    private void Send()
    {
        while (!_isStopping)
        {
            var taken = _single ? SendOne() : _channel.TrySend(_batch);
            _sent.Add(taken);
            if (taken < _batch.Length)
            {
                // The system's buffers are full, and the receiver may need this processor.
                _refused.Add(_batch.Length - taken);
                Thread.Yield();
            }
        }
    }

    private int SendOne() => _channel.TrySend(_batch[0].Span) is SendResult.Sent or SendResult.Queued ? 1 : 0;

    private void OnDatagram(ReadOnlySpan<byte> payload)
    {
        if (payload.Length == _size)
        {
            _opened.Add(1);
        }
    }

    /// <summary>A counter of one thread, which others read, on a cache line of its own: sender and receiver do not slow each other down by counting.</summary>
    private sealed class LoneCounter
    {
        private Padded _padded;

        public long Value => Volatile.Read(ref _padded.Value);

        public void Add(long count) => Volatile.Write(ref _padded.Value, _padded.Value + count);

        [StructLayout(LayoutKind.Explicit, Size = 256)]
        private struct Padded
        {
            [FieldOffset(128)]
            public long Value;
        }
    }
}
