namespace PacketSec.Protocol.Negotiation;

/// <summary>Which scheme two lists lead to. Pure functions.</summary>
internal static class SchemeChoice
{
    /// <summary>Chooses in the standard case: the proposer's most preferred one that is served.</summary>
    /// <param name="proposed">The proposer's schemes.</param>
    /// <param name="served">The receiver's.</param>
    /// <returns>The scheme, or null when none is common.</returns>
    //= spec/psec.md#accept-standard
    public static string? Standard(IReadOnlyList<string> proposed, IReadOnlyList<string> served) => proposed.FirstOrDefault(served.Contains);

    /// <summary>Chooses in the simultaneous case: the smallest sum of indexes, and of several the leader's favourite.</summary>
    /// <param name="leader">The schemes of the peer with the smaller ID.</param>
    /// <param name="follower">Those of the other.</param>
    /// <returns>The scheme, or null when none is common.</returns>
    //= spec/psec.md#choice
    public static string? Simultaneous(IReadOnlyList<string> leader, IReadOnlyList<string> follower)
    {
        string? best = null;
        var bestSum = int.MaxValue;
        for (var i = 0; i < leader.Count; i++)
        {
            // A repeated string has a larger sum where it stands again, so its first place counts by itself.
            var other = IndexOf(follower, leader[i]);
            if (other >= 0 && i + other < bestSum)
            {
                (best, bestSum) = (leader[i], i + other);
            }
        }

        return best;
    }

    private static int IndexOf(IReadOnlyList<string> schemes, string scheme)
    {
        for (var i = 0; i < schemes.Count; i++)
        {
            if (schemes[i] == scheme)
            {
                return i;
            }
        }

        return -1;
    }
}
