using Microsoft.Extensions.Logging;

namespace PacketSec.Cli.Net;

/// <summary>Brings the library's log to standard error: all of it on request, otherwise its errors only.</summary>
internal sealed class ErrorLog(TextWriter error, bool verbose) : ILoggerFactory, ILogger
{
    private readonly Lock _gate = new();

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("The log of a command goes to standard error alone.");

    public bool IsEnabled(LogLevel logLevel) => logLevel >= (verbose ? LogLevel.Debug : LogLevel.Error);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }

        var cause = exception is null ? string.Empty : $" ({exception.GetType().Name}: {exception.Message})";
        lock (_gate)
        {
            error.WriteLine($"psec: {logLevel.ToString().ToLowerInvariant()}: {formatter(state, exception)}{cause}");
        }
    }

    public void Dispose()
    {
    }
}
