namespace PacketSec.Interop.Cells;

/// <summary>What became of runs in which both sides dialled.</summary>
/// <param name="Runs">How many there were.</param>
/// <param name="Failed">Those that failed; the others ended in one of the two cases.</param>
/// <param name="Crossed">Those in which each side had sent its proposal before anything reached it.</param>
/// <param name="Simultaneous">Those that ended with a leader.</param>
/// <param name="Standard">Those in which one side accepted the proposal of the other.</param>
internal sealed record Meetings(int Runs = 0, int Failed = 0, int Crossed = 0, int Simultaneous = 0, int Standard = 0)
{
    public static Meetings operator +(Meetings left, Meetings right) => new(
        left.Runs + right.Runs,
        left.Failed + right.Failed,
        left.Crossed + right.Crossed,
        left.Simultaneous + right.Simultaneous,
        left.Standard + right.Standard);

    /// <summary>Says how many runs each of some cells gets; the first ones get what does not divide.</summary>
    public static IEnumerable<int> Share(int runs, int cells) => Enumerable.Range(0, cells).Select(cell => (runs / cells) + (cell < runs % cells ? 1 : 0));

    public override string ToString() => $"{Runs} runs: {Failed} failed, {Simultaneous} simultaneous, {Standard} standard, {Crossed} crossed";
}
