using System.Text.Json;
using PacketSec.Protocol;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Cli.Vectors;

/// <summary>Counters against the bare replay window.</summary>
internal static class ReplayWindowVectors
{
    public static void Replay(JsonElement root, VectorTally tally)
    {
        foreach (var sequence in root.Items("sequences"))
        {
            var window = new ReplayWindow();
            var index = 0;
            foreach (var step in sequence.Items("steps"))
            {
                var counter = step.GetProperty("counter").GetUInt32();
                var isNew = window.WouldAccept(counter) == DropReason.None;
                if (isNew)
                {
                    window.Commit(counter);
                }

                tally.Check($"{sequence.Text("name")}, step {index++}", isNew == step.Flag("accept"));
            }
        }
    }
}
