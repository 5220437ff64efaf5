using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace PacketSec.Tests.Api;

/// <summary>Keeps all that is logged, of every level.</summary>
internal sealed class LogRecorder : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<(int Id, string Text)> _entries = [];

    private readonly ManualResetEventSlim _open = new(true);
    private int _held;
    private int _holding;

    public IReadOnlyCollection<(int Id, string Text)> Entries => [.. _entries];

    /// <summary>Gets a value indicating whether a thread that logs is held up.</summary>
    public bool IsHolding => Volatile.Read(ref _holding) > 0;

    /// <summary>Holds up whoever logs a message of a number from here on, until the release.</summary>
    public void Hold(int id)
    {
        _open.Reset();
        Volatile.Write(ref _held, id);
    }

    public void Release() => _open.Set();

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
        => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        _entries.Enqueue((eventId.Id, $"{formatter(state, exception)} {exception}"));
        if (eventId.Id == Volatile.Read(ref _held))
        {
            Interlocked.Increment(ref _holding);
            _open.Wait(SocketsCollection.CeilingMilliseconds);
            Interlocked.Decrement(ref _holding);
        }
    }

    public void Dispose() => _open.Dispose();
}
