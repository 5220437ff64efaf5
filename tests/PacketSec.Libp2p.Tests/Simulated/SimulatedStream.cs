using System.IO.Pipelines;
using PacketSec.Libp2p.Transports;
using PacketSec.Protocol.Streams;

namespace PacketSec.Libp2p.Tests.Simulated;

/// <summary>A stream of a machine between two pipes, each with a loop that moves bytes.</summary>
internal sealed class SimulatedStream : IStream
{
    private readonly SimulatedConnection _connection;
    private readonly StreamState _state;
    private readonly Pipe _incoming = new();
    private readonly Pipe _outgoing = new();

    public SimulatedStream(SimulatedConnection connection, StreamState state)
    {
        _connection = connection;
        _state = state;
        _ = ReceiveAsync();
        _ = SendAsync();
    }

    public long Id => _state.Id;

    public PipeReader Input => _incoming.Reader;

    public PipeWriter Output => _outgoing.Writer;

    public Wake Readable { get; } = new();

    public Wake Writable { get; } = new();

    public void CompleteWrites() => _outgoing.Writer.Complete();

    public void Reset(long code)
    {
        _connection.Use((machine, _) =>
        {
            machine.Reset(_state, code);
            return 0;
        });
        Writable.Set();
        _outgoing.Writer.Complete();
    }

    public void StopSending(long code)
    {
        _connection.Use((machine, now) =>
        {
            machine.StopSending(now, _state, code);
            return 0;
        });
        _incoming.Reader.CancelPendingRead();
    }

    public ValueTask DisposeAsync()
    {
        CompleteWrites();
        _connection.Use((machine, now) =>
        {
            machine.StopSending(now, _state, 0);
            return 0;
        });
        _incoming.Reader.Complete();
        return ValueTask.CompletedTask;
    }

    private async Task ReceiveAsync()
    {
        await Task.Yield();
        while (true)
        {
            var wait = Readable.Task;
            var memory = _incoming.Writer.GetMemory(4096);
            var (count, ended, isOver) = _connection.Use((machine, now)
                => (machine.Read(now, _state, memory.Span, out var ended), ended, machine.State is not (ConnectionState.Opening or ConnectionState.Open)));
            _incoming.Writer.Advance(count);
            if (count > 0 && (await _incoming.Writer.FlushAsync()).IsCompleted)
            {
                return;
            }

            if (ended || (count == 0 && isOver))
            {
                await _incoming.Writer.CompleteAsync(ErrorOf(ended));
                return;
            }

            if (count == 0)
            {
                await wait;
            }
        }
    }

    private Libp2pException? ErrorOf(bool ended)
        => !ended ? new Libp2pException(Libp2pError.Closed, "The connection is over.")
            : _state.Receive!.ResetCode is { } code ? new Libp2pException(Libp2pError.StreamReset, $"The peer gave up with {code}.") { Code = code }
            : null;

    private async Task SendAsync()
    {
        await Task.Yield();
        while (true)
        {
            var result = await _outgoing.Reader.ReadAsync();
            foreach (var segment in result.Buffer)
            {
                for (var rest = segment; !rest.IsEmpty;)
                {
                    var wait = Writable.Task;
                    var piece = rest;
                    var (taken, isUseless) = _connection.Use((machine, _) => (
                        _state.Send!.IsFinished ? 0 : machine.Write(_state, piece.Span),
                        _state.Send!.ResetCode is not null || machine.State is not (ConnectionState.Opening or ConnectionState.Open)));
                    if (isUseless)
                    {
                        await _outgoing.Reader.CompleteAsync();
                        return;
                    }

                    rest = rest[taken..];
                    if (taken == 0)
                    {
                        await wait;
                    }
                }
            }

            _outgoing.Reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                _connection.Use((machine, _) =>
                {
                    machine.Finish(_state);
                    return 0;
                });
                await _outgoing.Reader.CompleteAsync();
                return;
            }
        }
    }

    /// <summary>Wakes whoever waits, once for each time.</summary>
    internal sealed class Wake
    {
        private TaskCompletionSource _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Task => Volatile.Read(ref _source).Task;

        public void Set()
            => Interlocked.Exchange(ref _source, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }
}
