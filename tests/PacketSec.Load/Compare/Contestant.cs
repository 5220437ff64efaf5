using PacketSec.Load.Compare.Contestants;

namespace PacketSec.Load.Compare;

/// <summary>A program and its arguments.</summary>
internal sealed record ProgramCall(string File, IReadOnlyList<string> Arguments);

/// <summary>Two processes that follow the rules of the comparison: one is sent to and one sends, each prints its lines of JSON.</summary>
/// <param name="Name">For people.</param>
/// <param name="Receive">Prints a <see cref="FloodReady"/>, receives until the sender is through, and prints a <see cref="FloodResult"/>.</param>
/// <param name="Send">Sends to it and prints a <see cref="FloodResult"/>.</param>
internal sealed record Contestant(string Name, ProgramCall Receive, Func<FloodReady, ProgramCall> Send);

/// <summary>Two contestants and what their ratios must come to.</summary>
/// <param name="Name">For <c>--only</c>.</param>
/// <param name="Ours">The contestant.</param>
/// <param name="Other">What it is compared with.</param>
/// <param name="RateAtLeast">Datagrams opened per second, ours to the other; null where there is no target.</param>
/// <param name="CpuAtMost">CPU time per datagram on each side; null where there is no target.</param>
internal sealed record Comparison(string Name, Contestant Ours, Contestant Other, double? RateAtLeast, double? CpuAtMost = null)
{
    /// <summary>Gets the datagrams per second below which the other is no measure.</summary>
    public double OtherAtLeast { get; init; }
}
