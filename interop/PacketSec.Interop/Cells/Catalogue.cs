using PacketSec.Interop.Faults;
using PacketSec.Interop.Peers;

namespace PacketSec.Interop.Cells;

/// <summary>All cells: each scenario for each pair of implementations.</summary>
internal static class Catalogue
{
    private static readonly int[] Losses = [0, 10, 30];

    public static IReadOnlyList<Cell> All(IPeers csharp, IPeers go)
        => [.. from make in Scenarios()
               from dialler in (IPeers[])[csharp, go]
               from listener in (IPeers[])[csharp, go]
               select make(dialler, listener)];

    // Those that take longest come first, and the others run beside them.
    private static IEnumerable<Func<IPeers, IPeers, Cell>> Scenarios()
    {
        yield return (dialler, listener) => new RekeyCell("rekey-by-dialler", RekeyBy.Dialler, FaultProfile.Clean, dialler, listener);
        yield return (dialler, listener) => new RekeyCell("rekey-by-listener", RekeyBy.Listener, FaultProfile.Clean, dialler, listener);
        yield return (dialler, listener) => new RekeyCell("rekey-loss30", RekeyBy.Dialler, HandshakeLoss(30), dialler, listener);
        yield return (dialler, listener) => new RestartCell("restart", true, dialler, listener);
        yield return (dialler, listener) => new RestartCell("restart-other-key", false, dialler, listener);
        foreach (var loss in Losses)
        {
            yield return (dialler, listener) => new TrafficCell($"loss{loss}/faulty", WithFaultyData(HandshakeLoss(loss)), dialler, listener);
        }

        foreach (var loss in Losses)
        {
            yield return (dialler, listener) => new TrafficCell($"loss{loss}/clean", HandshakeLoss(loss), dialler, listener);
        }

        yield return (dialler, listener) => new IdentityCell("wrong-identity", dialler, listener);
        yield return (dialler, listener) => new CloseCell("close-by-dialler", true, dialler, listener);
        yield return (dialler, listener) => new CloseCell("close-by-listener", false, dialler, listener);
    }

    private static FaultProfile HandshakeLoss(int percent) => new() { Handshake = new(Loss: percent / 100.0) };

    private static FaultProfile WithFaultyData(FaultProfile profile)
        => profile with { Data = new(Duplicate: 0.1, Late: 0.2, Corrupt: 0.05), Latency = TimeSpan.FromMilliseconds(2) };
}
