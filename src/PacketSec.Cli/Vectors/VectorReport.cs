namespace PacketSec.Cli.Vectors;

/// <summary>What became of one file.</summary>
/// <param name="Path">The file, relative to the folder that was searched.</param>
/// <param name="Format">The format's name, or null for a file that is no vector file of a known format.</param>
/// <param name="Passed">Vectors that hold on every provider.</param>
/// <param name="Failed">Vectors that do not hold on some provider.</param>
/// <param name="Skipped">Vectors that need what PacketSec does not have.</param>
/// <param name="Failures">The first failures, one line each.</param>
/// <param name="Notes">What a reader of the counts should know.</param>
internal sealed record VectorReport(
    string Path, string? Format, int Passed, int Failed, int Skipped, IReadOnlyList<string> Failures, IReadOnlyList<string> Notes);
