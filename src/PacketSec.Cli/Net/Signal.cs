using System.Threading.Channels;

namespace PacketSec.Cli.Net;

/// <summary>Wakes one waiting task from any thread, and every few milliseconds, so that the waiter can look at the clock.</summary>
internal sealed class Signal : IDisposable
{
    private readonly Channel<bool> _channel = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly Timer _pulse;

    /// <summary>Creates the signal.</summary>
    /// <param name="pulse">How often the waiter is woken at least.</param>
    public Signal(TimeSpan pulse) => _pulse = new Timer(_ => Set(), null, pulse, pulse);

    public void Set() => _channel.Writer.TryWrite(true);

    /// <summary>Waits for the next wake-up; one that came since the last wait counts.</summary>
    public async ValueTask WaitAsync(CancellationToken cancellationToken) => await _channel.Reader.ReadAsync(cancellationToken);

    public void Dispose() => _pulse.Dispose();
}
