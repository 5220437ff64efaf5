namespace PacketSec.Architecture.Tests.Repository;

/// <summary>The lines that differ between two texts, by their longest common subsequence.</summary>
internal static class LineDifference
{
    public static IEnumerable<string> Between(IReadOnlyList<string> left, IReadOnlyList<string> right)
    {
        // common[i, j] is the length of the longest common subsequence of the texts from line i and line j on.
        var common = new int[left.Count + 1, right.Count + 1];
        for (var i = left.Count - 1; i >= 0; i--)
        {
            for (var j = right.Count - 1; j >= 0; j--)
            {
                common[i, j] = left[i] == right[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
            }
        }

        for (int i = 0, j = 0; i < left.Count || j < right.Count;)
        {
            if (i < left.Count && j < right.Count && left[i] == right[j])
            {
                i++;
                j++;
            }
            else if (j == right.Count || (i < left.Count && common[i + 1, j] >= common[i, j + 1]))
            {
                yield return "- " + left[i++];
            }
            else
            {
                yield return "+ " + right[j++];
            }
        }
    }
}
