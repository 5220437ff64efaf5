namespace PacketSec.Cli.Transfer;

/// <summary>A transfer that cannot be completed, and that another try would not complete either, unless <see cref="MayPass"/>.</summary>
internal sealed class TransferException(int exitCode, string message, bool mayPass = false) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    /// <summary>Gets whether it may be otherwise a moment later.</summary>
    public bool MayPass { get; } = mayPass;
}
