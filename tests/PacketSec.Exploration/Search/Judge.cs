using PacketSec.Exploration.Model;

namespace PacketSec.Exploration.Search;

/// <summary>Tells what is wrong with a state: by itself, or with what it leads to when packets get through.</summary>
internal sealed class Judge(Configuration configuration)
{
    private readonly FairRuns _runs = new();

    /// <summary>
    /// Gets how many states had an attempt that failed because too little of it was left for a repetition, and succeeded when its application
    /// began it again.
    /// </summary>
    public int Late { get; private set; }

    /// <summary>
    /// Gets how many states led to a session that the other side had not, or no longer, because it gave up, restarted, or its attempt had ended;
    /// the channel started over, and succeeded.
    /// </summary>
    public int StartedOver { get; private set; }

    /// <summary>Gets how many states led to a session that the next packet of its responder confirms, because a stranger made two of one.</summary>
    public int Unconfirmed { get; private set; }

    /// <summary>
    /// Gets how many states had an attempt that failed because a fifth answer is not taken, and the peer had forgotten the four before; it
    /// succeeded when its application began it again.
    /// </summary>
    public int Full { get; private set; }

    /// <summary>Returns what is wrong, or null.</summary>
    public string? FindFault(World world, UInt128 key)
        => world.Sides[0].FindFault() ?? world.Sides[1].FindFault() ?? FindMismatch(world) ?? FindSurplus(world) ?? FindDeadEnd(world, key);

    private static string? FindMismatch(World world)
    {
        foreach (var a in world.Sides[0].Sessions)
        {
            foreach (var b in world.Sides[1].Sessions)
            {
                var isSame = a.IsInitiator != b.IsInitiator && Equals(a.Agreement, b.Agreement) && a.Agreement?.Scheme == b.Agreement?.Scheme;
                if (a.Keys == b.Keys && !isSame)
                {
                    return $"a session with different ends: {a.Agreement} and {b.Agreement}";
                }
            }
        }

        return null;
    }

    // Direct mode knows no negotiation: a dial of each side completes there as it does without one.
    private string? FindSurplus(World world)
        => world.Completed > (configuration.CanAgree ? 1 : 0) && !world.IsDisturbed && !world.IsForged && !world.HasExpired
            && !configuration.A.DialsDirect && !configuration.B.DialsDirect
            ? $"{world.Completed} handshakes completed"
            : null;

    private string? FindDeadEnd(World world, UInt128 key)
    {
        var end = _runs.Run(world, key, out var happened);
        if (end is null)
        {
            return "packets get through, and there is no end to them";
        }

        for (var side = 0; side < 2 && configuration.CanAgree; side++)
        {
            if (!world.Sides[side].Wants || !HasFailed(happened, side))
            {
                continue;
            }

            var left = world.Sides[side].Left;
            if ((happened & (Happened)((int)Happened.RefusedA << side)) != 0)
            {
                Full++;
            }
            else if (left < configuration.Grace)
            {
                Late++;
            }
            else
            {
                return $"the attempt of {world.Sides[side].Name} fails though packets get through, {left} intervals before its deadline";
            }

            if (!Succeeds(end, side))
            {
                return $"{world.Sides[side].Name} connects again, and fails though packets get through";
            }
        }

        return FindOneSided(world, end);
    }

    // Each side must be able to reach the other on its newest session. Where the other gave up or lost its memory, silence tells.
    private string? FindOneSided(World world, World end)
    {
        for (var side = 0; side < 2; side++)
        {
            if (end.Sides[side].Sessions.Count == 0 || end.IsShared(side))
            {
                continue;
            }

            var isExcused = world.IsDisturbed || world.HasExpired || end.HasExpired;
            if (end.IsHeld(side) && (isExcused || world.IsForged || configuration.A.DialsDirect))
            {
                Unconfirmed++;
                continue;
            }

            if (!isExcused)
            {
                return $"{world.Sides[side].Name} has a session that the other side has not";
            }

            StartedOver++;
            if (!Succeeds(end, side))
            {
                return $"{world.Sides[side].Name} starts over, and fails though packets get through";
            }
        }

        return null;
    }

    private static bool HasFailed(Happened happened, int side) => (happened & (Happened)((int)Happened.FailedA << side)) != 0;

    private bool Succeeds(World end, int side)
    {
        var again = end.Reconnect(side);
        return _runs.Run(again, again.Key, out var happened) is { } last && !HasFailed(happened, side) && last.IsShared(side) && last.IsHeld(1 - side);
    }
}
