using System.Diagnostics;
using PacketSec.Interop.Cells;
using PacketSec.Interop.Faults;

namespace PacketSec.Interop;

/// <summary>Runs cells side by side.</summary>
internal sealed class Runner(Report report, ulong seed, int parallel)
{
    /// <summary>Runs the cells; those that need Go are skipped without it.</summary>
    public async Task RunAsync(IEnumerable<Cell> cells, bool hasGo, CancellationToken cancellationToken)
    {
        using var turns = new SemaphoreSlim(parallel);
        await Task.WhenAll(cells.Select(async cell =>
        {
            if (cell.NeedsGo && !hasGo)
            {
                report.Add(new(cell, CellStatus.Skipped, TimeSpan.Zero, null, null));
                return;
            }

            await turns.WaitAsync(cancellationToken);
            try
            {
                await RunAsync(cell, cancellationToken);
            }
            finally
            {
                turns.Release();
            }
        }));
    }

    private async Task RunAsync(Cell cell, CancellationToken cancellationToken)
    {
        using var ceiling = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ceiling.CancelAfter(cell.Limit);
        using var run = new CellRun(Seeds.For(seed, cell.Name), ceiling.Token);
        var start = Stopwatch.GetTimestamp();
        string? failure = null;
        var options = $"--seed {seed} --only {cell.Name}";
        try
        {
            await cell.RunAsync(run);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            failure = $"not over after {cell.Limit.TotalSeconds} s";
        }
        catch (CellFailure error)
        {
            failure = error.Message;
            options = $"{options} {error.Repeat}".TrimEnd();
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // Whatever goes wrong in a cell is its failure, and no reason not to run the others.
            failure = error.ToString();
        }

        // An interrupted cell neither passed nor failed.
        cancellationToken.ThrowIfCancellationRequested();
        var repeat = failure is null ? null : $"{failure} | repeat: {options}";
        report.Add(new(cell, failure is null ? CellStatus.Passed : CellStatus.Failed, Stopwatch.GetElapsedTime(start), run, repeat));
    }
}
