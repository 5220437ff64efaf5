using System.Globalization;

namespace PacketSec.Load.Compare;

/// <summary>The comparisons that there are. Whatever a comparison needs is built when it is made.</summary>
internal static class Comparisons
{
    private const string Key = "0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f405162738495a6b7c8d9eafb";
    public const int Payload = 1200;
    private const string ManyPeers = "10000";

    // From here on psec-go is a fair picture of the reference implementation, which makes 96,000 to 115,000 on the same machine.
    private const double GoAtLeast = 100_000;

    private static readonly (string Name, bool NeedsSegments, Func<Programs, int, Comparison> Make)[] All =
    [
        ("batch", true, (programs, seconds) => new("batch", Ours(programs, seconds), Bare(programs, seconds, "gro", "gso"), 0.90, 1.12)),
        ("single", false, (programs, seconds) => new("single", Ours(programs, seconds, "--single"), Bare(programs, seconds, "single", "single"), 0.75, 1.35)),
        ("dtls", true, (programs, seconds) => new("dtls", Ours(programs, seconds), Dtls(programs, seconds), 3)),
        ("go", true, (programs, seconds) => new("go", Ours(programs, seconds), Go(programs, seconds), 5) { OtherAtLeast = GoAtLeast }),
        ("peers-burst", true, (programs, seconds) => new("peers-burst", OurPeers(programs, seconds, ManyPeers, "16"), OurPeers(programs, seconds, "1", "16"), 0.7)),
        ("peers-robin", true, (programs, seconds) => new("peers-robin", OurPeers(programs, seconds, ManyPeers, "1"), BarePeers(programs, seconds, ManyPeers, "1"), 0.9)),
        ("peers-burst-c", true, (programs, seconds) => new("peers-burst-c", OurPeers(programs, seconds, ManyPeers, "16"), BarePeers(programs, seconds, ManyPeers, "16"), null)),
    ];

    public static IReadOnlyList<string> Names { get; } = [.. All.Select(one => one.Name)];

    /// <summary>Tells whether a comparison needs UDP_SEGMENT and UDP_GRO.</summary>
    public static bool NeedsSegments(string name) => Find(name).NeedsSegments;

    /// <exception cref="ContestException">A program cannot be built.</exception>
    public static Comparison Make(string name, Programs programs, int seconds) => Find(name).Make(programs, seconds);

    /// <summary>As <c>batch</c>, with a payload of any size and without a target.</summary>
    public static Comparison OfPayload(Programs programs, int seconds, int payload)
        => new($"{payload} B", Ours(programs, seconds, payload, []), Bare(programs, seconds, "gro", "gso", payload), null);

    /// <summary>So many peers in turn, so many datagrams of each at once, ours and in C, without a target.</summary>
    public static Comparison OfPeers(Programs programs, int seconds, int peers, int burst) => new(
        "peers",
        OurPeers(programs, seconds, Text(peers), Text(burst)),
        BarePeers(programs, seconds, Text(peers), Text(burst)),
        null);

    private static (string Name, bool NeedsSegments, Func<Programs, int, Comparison> Make) Find(string name) => All.Single(one => one.Name == name);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Count(string peers) => peers == "1" ? "1 peer" : $"{peers} peers";

    private static string[] Common(int seconds, int payload = Payload) => ["--payload", Text(payload), "--seconds", Text(seconds)];

    private static Contestant Ours(Programs programs, int seconds, params string[] sender) => Ours(programs, seconds, Payload, sender);

    private static Contestant Ours(Programs programs, int seconds, int payload, string[] sender) => new(
        sender.Length == 0 ? "PacketSec, batches" : "PacketSec, one by one",
        programs.Ours(["ours", "recv", .. Common(seconds, payload)]),
        ready => programs.Ours(["ours", "send", .. Common(seconds, payload), "--port", Text(ready.Port), "--peer", ready.Peer!, .. sender]));

    private static Contestant OurPeers(Programs programs, int seconds, string peers, string burst) => new(
        $"PacketSec, {Count(peers)}, {burst} at once",
        programs.Ours(["ours", "recv", .. Common(seconds), "--peers", peers]),
        ready => programs.Ours(
            ["ours", "send", .. Common(seconds), "--port", Text(ready.Port), "--peer", ready.Peer!, "--peers", peers, "--burst", burst]));

    private static Contestant Bare(Programs programs, int seconds, string receiveMode, string sendMode, int payload = Payload)
    {
        var file = programs.Datapath;
        return new(
            $"C, {sendMode}",
            new(file, ["recv", .. Common(seconds, payload), "--key", Key, "--mode", receiveMode]),
            ready => new(file, ["send", .. Common(seconds, payload), "--key", Key, "--mode", sendMode, "--port", Text(ready.Port)]));
    }

    private static Contestant BarePeers(Programs programs, int seconds, string peers, string burst)
    {
        var file = programs.Datapath;
        string[] common = [.. Common(seconds), "--key", Key, "--peers", peers, "--burst", burst];
        return new(
            $"C, {Count(peers)}, {burst} at once",
            new(file, ["recv", .. common, "--mode", "gro"]),
            ready => new(file, ["send", .. common, "--mode", "gso", "--port", Text(ready.Port)]));
    }

    private static Contestant Dtls(Programs programs, int seconds)
    {
        var file = programs.Dtls;
        return new(
            "OpenSSL DTLS 1.2",
            new(file, ["recv", .. Common(seconds)]),
            ready => new(file, ["send", .. Common(seconds), "--port", Text(ready.Port)]));
    }

    private static Contestant Go(Programs programs, int seconds)
    {
        var go = programs.Go;
        string[] common = ["--direct", "--size", Text(Payload), "--seconds", Text(seconds)];
        return new(
            "psec-go",
            new(go.File, ["flood-recv", "--key", go.ReceiverKey, "--addr", "127.0.0.1:0", .. common]),
            ready => new(go.File, ["flood-send", "--key", go.SenderKey, .. common, $"{ready.Peer}@127.0.0.1:{Text(ready.Port)}"]));
    }
}
