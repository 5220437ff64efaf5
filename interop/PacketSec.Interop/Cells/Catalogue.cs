using PacketSec.Interop.Faults;
using PacketSec.Interop.Peers;

namespace PacketSec.Interop.Cells;

/// <summary>All cells: each scenario for each pair of implementations.</summary>
internal static class Catalogue
{
    private const int FourDiallers = 4;
    private const int TwoDiallers = 2;

    private static readonly int[] Losses = [0, 10, 30];

    /// <summary>
    /// What runs in direct mode too. The rest does not come to the mode, or takes long: rekeys under loss and a restart with another key are the same
    /// machinery as those without, and as the wrong identity.
    /// </summary>
    private static readonly string[] DirectToo =
    [
        "rekey-by-dialler", "rekey-by-listener", "restart", "wrong-identity", "close-by-dialler", "close-by-listener",
        .. Losses.SelectMany(loss => (string[])[$"loss{loss}/clean", $"loss{loss}/faulty"]),
    ];

    /// <summary>What a further scheme is tried with.</summary>
    private static readonly string[] WholeScheme =
    [
        "rekey-by-dialler", "rekey-by-listener", "restart", "wrong-identity", "close-by-dialler", "close-by-listener",
        .. Losses.SelectMany(loss => (string[])[$"loss{loss}/faulty", $"simultaneous/loss{loss}"]),
    ];

    public static IReadOnlyList<Cell> All(IPeers csharp, IPeers go)
        => [.. from scenario in Scenarios()
               from mode in (PeerMode[])(DirectToo.Contains(scenario.Name) ? [PeerMode.Psec, PeerMode.Direct] : [PeerMode.Psec])
               from dialler in (IPeers[])(scenario.NeedsOptions ? [csharp] : [csharp, go])
               from listener in (IPeers[])[csharp, go]
               select scenario.Make(new(scenario.Name, Speech.P2pke, mode, dialler, listener)),
            .. from way in OtherSpeeches()
               from dialler in (IPeers[])[csharp, go]
               let listener = dialler == csharp ? go : csharp
               select way.Scenario.Make(new(way.Scenario.Name, way.Speech, way.Mode, dialler, listener))];

    /// <summary>The other schemes, and lists of them, between the two implementations; each among its own has tests of its own.</summary>
    private static IEnumerable<(Speech Speech, PeerMode Mode, Scenario Scenario)> OtherSpeeches()
    {
        static string[] Cells(params IEnumerable<string> names) => [.. names];
        (Speech Speech, PeerMode Mode, string[] Names)[] ways =
        [
            (Speech.NoiseXx, PeerMode.Psec, WholeScheme),
            (Speech.Secret, PeerMode.Psec, WholeScheme),
            (Speech.SecretShown, PeerMode.Psec, Cells("loss30/faulty", "simultaneous/loss30")),
            (Speech.SecretNetwork, PeerMode.Psec, Cells("loss30/faulty", "simultaneous/loss30")),
            (Speech.Mixed, PeerMode.Psec, Cells("loss30/faulty", "simultaneous/loss10")),
            (Speech.MixedSecret, PeerMode.Psec, Cells("loss30/faulty", "simultaneous/loss10")),
            (Speech.NoiseXx, PeerMode.Direct, Cells("loss30/faulty", "rekey-by-dialler")),
            (Speech.Secret, PeerMode.Direct, Cells("loss30/faulty", "rekey-by-dialler")),
            (Speech.SecretNetwork, PeerMode.Direct, Cells("loss30/faulty")),
            (Speech.Secret with { Name = "secret-stranger", Other = Speech.SecretNetwork }, PeerMode.Direct, Cells("no-network-key")),
        ];
        return from scenario in (Scenario[])[.. Scenarios(TwoDiallers), new("no-network-key", place => new StrangerCell(place))]
               from way in ways
               where way.Names.Contains(scenario.Name)
               select (way.Speech, way.Mode, scenario);
    }

    // Those that take longest come first, and the others run beside them.
    private static IEnumerable<Scenario> Scenarios(int diallers = FourDiallers)
    {
        yield return new("direct-dial-refused", place => new DirectRefusedCell(place));
        yield return new("rekey-by-dialler", place => new RekeyCell(place, RekeyBy.Dialler, FaultProfile.Clean));
        yield return new("rekey-by-listener", place => new RekeyCell(place, RekeyBy.Listener, FaultProfile.Clean));
        yield return new("rekey-loss30", place => new RekeyCell(place, RekeyBy.Dialler, HandshakeLoss(30)));
        foreach (var loss in Losses)
        {
            yield return new($"simultaneous/loss{loss}", place => new SimultaneousCell(place, WithDisorder(HandshakeLoss(loss))));
        }

        yield return new("simultaneous/forged", place => new SimultaneousCell(place, WithDisorder(HandshakeLoss(10), corrupt: 0.1)));
        yield return new("restart", place => new RestartCell(place, sameKey: true));
        yield return new("restart-other-key", place => new RestartCell(place, sameKey: false));
        foreach (var loss in Losses)
        {
            yield return new($"loss{loss}/faulty", place => new TrafficCell(place, WithFaultyData(HandshakeLoss(loss)), diallers));
        }

        foreach (var loss in Losses)
        {
            yield return new($"loss{loss}/clean", place => new TrafficCell(place, HandshakeLoss(loss), diallers));
        }

        yield return new("retry", place => new RetryCell(place));
        yield return new("first-packet-inside", place => new FirstPacketCell(place, isInside: true));
        yield return new("first-packet-apart", place => new FirstPacketCell(place, isInside: false), NeedsOptions: true);
        yield return new("wrong-identity", place => new IdentityCell(place));
        yield return new("close-by-dialler", place => new CloseCell(place, byDialler: true));
        yield return new("close-by-listener", place => new CloseCell(place, byDialler: false));
    }

    private static FaultProfile HandshakeLoss(int percent) => new() { Handshake = new(Loss: percent / 100.0) };

    private static FaultProfile WithFaultyData(FaultProfile profile)
        => profile with { Data = new(Duplicate: 0.1, Late: 0.2, Corrupt: 0.05), Latency = TimeSpan.FromMilliseconds(2) };

    private static FaultProfile WithDisorder(FaultProfile profile, double corrupt = 0) => profile with
    {
        Handshake = profile.Handshake with { Duplicate = 0.1, Late = 0.2, Corrupt = corrupt },
        Latency = SimultaneousCell.Latency,
    };

    /// <summary>One scenario.</summary>
    /// <param name="Name">Its name in the matrix.</param>
    /// <param name="Make">Makes a cell of it.</param>
    /// <param name="NeedsOptions">Whether the dialler needs options that only PacketSec has.</param>
    private sealed record Scenario(string Name, Func<CellPlace, Cell> Make, bool NeedsOptions = false);
}
