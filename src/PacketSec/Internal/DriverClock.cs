using PacketSec.Protocol;
using PacketSec.Udp;

namespace PacketSec.Internal;

/// <summary>The time that machines are told: the machine's boot clock, or an application's own provider. Safe from any thread.</summary>
internal sealed class DriverClock
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly TimeProvider _provider;

    public DriverClock(TimeProvider provider)
    {
        _provider = provider;
        IsCustom = provider != TimeProvider.System;
    }

    /// <summary>Gets a value indicating whether only the provider knows when a time has come, and not the operating system.</summary>
    public bool IsCustom { get; }

    // The system provider's timestamps stand still while the machine is suspended; old sessions are to die in that time.
    public Instant Now => new(IsCustom
        ? (long)(_provider.GetTimestamp() * (Int128)NanosecondsPerSecond / _provider.TimestampFrequency)
        : BootClock.GetNanoseconds());

    public WallClock ReadCalendar() => new(Now, _provider.GetUtcNow() - DateTimeOffset.UnixEpoch);

    public ITimer CreateTimer(Action action)
        => _provider.CreateTimer(static state => ((Action)state!)(), action, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
}
