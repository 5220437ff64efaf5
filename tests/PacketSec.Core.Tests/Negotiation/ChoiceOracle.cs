using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace PacketSec.Core.Tests.Negotiation;

/// <summary>
/// What the protocol's source demands of two proposals, worked out from their bytes in the plainest way and with nothing of the code under test.
/// Every length here is below 128.
/// </summary>
internal static class ChoiceOracle
{
    public static (string? Scheme, byte[] Transcript) Standard(byte[] proposal, string[] served)
    {
        var scheme = Schemes(proposal).Find(served.Contains);
        return (scheme, scheme is null ? [] : Transcript(0, scheme, NormalForm(proposal)));
    }

    /// <returns>Whether the first proposal is the leader's, null for equal IDs; the scheme; T.</returns>
    public static (bool? FirstLeads, string? Scheme, byte[] Transcript) Simultaneous(byte[] first, byte[] second)
    {
        var order = Number(first).CompareTo(Number(second));
        if (order == 0)
        {
            return (null, null, []);
        }

        var (leader, follower) = order < 0 ? (first, second) : (second, first);
        var (leaders, followers) = (Schemes(leader), Schemes(follower));

        // All common schemes, each with its sum of first places; ties by the place in the leader's list.
        var scheme = leaders.Intersect(followers)
            .OrderBy(name => leaders.IndexOf(name) + followers.IndexOf(name))
            .ThenBy(leaders.IndexOf)
            .FirstOrDefault();
        return (order < 0, scheme, scheme is null ? [] : Transcript(1, scheme, NormalForm(leader), NormalForm(follower)));
    }

    public static byte[] NormalForm(byte[] proposal)
    {
        var (id, strings) = Parse(proposal);
        var kept = strings.Where(text => text != "psec-retry-1" && !text.StartsWith("psec-retry-1:", StringComparison.Ordinal)).ToList();
        return [0, (byte)id.Length, .. id, (byte)kept.Count, .. kept.SelectMany(text => Sized(Encoding.UTF8.GetBytes(text), 1))];
    }

    private static byte[] Transcript(byte mode, string scheme, params byte[][] proposals)
        => SHA256.HashData([.. "psec/1"u8, mode, .. proposals.SelectMany(form => Sized(form, 2)), .. Sized(Encoding.UTF8.GetBytes(scheme), 2)]);

    private static List<string> Schemes(byte[] proposal)
        => Parse(proposal).Strings.FindAll(text => !text.StartsWith("psec-", StringComparison.Ordinal));

    private static BigInteger Number(byte[] proposal) => new(Parse(proposal).Id, isUnsigned: true, isBigEndian: true);

    private static (byte[] Id, List<string> Strings) Parse(byte[] proposal)
    {
        var at = 2 + proposal[1];
        var strings = new List<string>();
        for (var left = proposal[at++]; left > 0; left--)
        {
            strings.Add(Encoding.UTF8.GetString(proposal, at + 1, proposal[at]));
            at += 1 + proposal[at];
        }

        return (proposal[2..(2 + proposal[1])], strings);
    }

    private static byte[] Sized(byte[] bytes, int size) => size == 1 ? [(byte)bytes.Length, .. bytes] : [(byte)(bytes.Length >> 8), (byte)bytes.Length, .. bytes];
}
