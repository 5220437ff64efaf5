namespace PacketSec.Protocol.Sessions;

/// <summary>The ages at which a session changes. Options may shorten the specification's figures; nothing lengthens them.</summary>
public sealed record SessionLifetimes
{
    /// <summary>Gets the specification's figures.</summary>
    public static SessionLifetimes Default { get; } = new();

    /// <summary>Gets the age at which the initiator renews a session that carried data; 45 s at most.</summary>
    public TimeSpan Rekey { get; init; } = SpecLimits.RekeyAfter;

    /// <summary>Gets the age at which the responder renews it in the initiator's stead; 52 s at most.</summary>
    public TimeSpan RekeyStepIn { get; init; } = SpecLimits.RekeyStepInAfter;

    /// <summary>Gets the age at which sending on it stops; 55 s at most.</summary>
    public TimeSpan Send { get; init; } = SpecLimits.SessionSendLifetime;

    /// <summary>Gets the age at which receiving on it stops; 60 s at most.</summary>
    public TimeSpan Receive { get; init; } = SpecLimits.SessionLifetime;

    /// <summary>Returns the figures scaled down to a lifetime, in proportion.</summary>
    /// <param name="lifetime">How long a session receives: 1 s to 60 s.</param>
    /// <exception cref="ArgumentOutOfRangeException">The lifetime is outside of these bounds.</exception>
    public static SessionLifetimes Shortened(TimeSpan lifetime)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lifetime, TimeSpan.FromSeconds(1));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lifetime, SpecLimits.SessionLifetime);
        var scale = lifetime / SpecLimits.SessionLifetime;
        return new()
        {
            Rekey = SpecLimits.RekeyAfter * scale,
            RekeyStepIn = SpecLimits.RekeyStepInAfter * scale,
            Send = SpecLimits.SessionSendLifetime * scale,
            Receive = lifetime,
        };
    }

    internal void Validate()
    {
        if (!(TimeSpan.Zero < Rekey && Rekey <= RekeyStepIn && RekeyStepIn <= Send && Send <= Receive && Receive <= SpecLimits.SessionLifetime
            && Send <= SpecLimits.SessionSendLifetime && RekeyStepIn <= SpecLimits.RekeyStepInAfter && Rekey <= SpecLimits.RekeyAfter))
        {
            throw new ArgumentException(
                "Session lifetimes must rise from rekey (45 s at most) over step-in (52 s), send (55 s) to receive (60 s).");
        }
    }
}
