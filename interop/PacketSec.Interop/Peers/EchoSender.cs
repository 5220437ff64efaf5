using System.Diagnostics;

namespace PacketSec.Interop.Peers;

/// <summary>Sends the datagrams of a ledger on a channel of PacketSec, within a window.</summary>
/// <param name="ledger">Makes the datagrams and knows their echoes.</param>
/// <param name="stop">Ends every wait.</param>
internal sealed class EchoSender(EchoLedger ledger, CancellationToken stop) : IDisposable
{
    // How often a wait looks for what only the time changes: an echo given up, the next datagram due.
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(5);

    private readonly SemaphoreSlim _changed = new(0);

    /// <summary>Has the waits look again. Not to be called after the disposal.</summary>
    public void Wake() => _changed.Release();

    /// <summary>Sends, and waits until the ledger is settled.</summary>
    /// <param name="channel">Where to.</param>
    /// <param name="size">The bytes of each datagram.</param>
    /// <param name="count">How many; 0 is without end.</param>
    /// <param name="window">How many may be without echo at once.</param>
    /// <param name="duration">The time over which they are spread.</param>
    public async Task SendAsync(PacketSecChannel channel, int size, int count, int window, TimeSpan duration)
    {
        var datagram = new byte[size];
        var start = Stopwatch.GetTimestamp();
        for (var number = 0; count == 0 || number < count; number++)
        {
            var due = count == 0 ? TimeSpan.Zero : duration * ((double)number / count);
            if (!await UntilAsync(channel, () => ledger.Waiting < window && Stopwatch.GetElapsedTime(start) >= due))
            {
                return;
            }

            ledger.MakeNext(datagram);
            await UntilAsync(channel, () => channel.TrySend(datagram) != SendResult.QueueFull);
        }

        await UntilAsync(channel, () => ledger.IsSettled);
    }

    /// <summary>Waits for a condition; false when the channel is over or the sender was stopped.</summary>
    public async Task<bool> UntilAsync(PacketSecChannel channel, Func<bool> condition)
    {
        while (!channel.Closed.IsCompleted && !stop.IsCancellationRequested)
        {
            if (condition())
            {
                return true;
            }

            await _changed.WaitAsync(Glance);
        }

        return false;
    }

    public void Dispose() => _changed.Dispose();
}
