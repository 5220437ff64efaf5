using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Controls;
using PacketSec.Adversary.Games;

namespace PacketSec.Adversary.Suite;

/// <summary>Compares what was measured with what is expected.</summary>
internal static class Verdict
{
    /// <summary>Returns what is wrong with a measurement, or null.</summary>
    public static string? Fault(Measurement measurement)
    {
        if (!measurement.IsPlayed)
        {
            return measurement.Note;
        }

        if (IsControl(measurement))
        {
            return measurement.IsMet ? "the control was not beaten: the game sees nothing"
                : measurement.Z < Game.LeastControlZ ? $"the control was beaten by {measurement.Z:F1} deviations, not {Game.LeastControlZ}" : null;
        }

        return Expectation.Of(measurement.Game, measurement.Contestant) switch
        {
            null => "nothing is expected of it: add it to the matrix",
            { } expected when expected != measurement.IsMet => expected ? "the property is lost" : "the attack no longer succeeds, though the design says so",
            _ => null,
        };
    }

    public static bool IsControl(Measurement measurement) => AllControls.Of[measurement.Game].Any(control => control.Name == measurement.Contestant)
        && !MeasuredSchemes.All.Any(scheme => scheme.Name == measurement.Contestant);
}
