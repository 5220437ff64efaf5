namespace PacketSec.Exploration;

/// <summary>
/// The configurations that are explored. Each is complete within its bounds; together they stand for the product of all of them, which is too
/// large.
/// </summary>
internal static class Configurations
{
    private static readonly string[] Xy = ["x", "y"];
    private static readonly string[] Yx = ["y", "x"];
    private static readonly Forgery[] Proposals = [Forgery.StaleProposal, Forgery.ProposalAsPeer, Forgery.ProposalBelow, Forgery.ProposalAbove];
    private static readonly Forgery[] Frames = [Forgery.AcceptFirst, Forgery.AcceptLast, Forgery.Reject, Forgery.Reflection, Forgery.First];
    private static readonly Forgery[] Everything = [.. Frames, .. Proposals];
    private static readonly Party Silent = new() { Connects = 0 };

    /// <summary>Gets those that are explored by default.</summary>
    public static IReadOnlyList<Configuration> Default { get; } =
    [
        new() { Name = "one", What = "A connects; two copies", B = Silent, Duplicates = 2 },
        new() { Name = "both", What = "both connect" },
        new() { Name = "copies", What = "both connect; a copy", Duplicates = 1, Attempt = 2 },
        new()
        {
            Name = "orders", What = "both connect, with two schemes in opposite orders",
            A = new() { Schemes = Xy }, B = new() { Schemes = Yx }, Attempt = 2,
        },
        new() { Name = "nothing-common", What = "both connect, without a common scheme; a copy", B = new() { Schemes = ["y"] }, Duplicates = 1 },
        new() { Name = "cancel", What = "both connect, and may give up", A = new() { Cancels = 1 }, B = new() { Cancels = 1 }, Attempt = 2 },
        new() { Name = "redial", What = "A connects, gives up, connects again", A = new() { Connects = 2, Cancels = 1 }, B = Silent, Attempt = 2 },
        new() { Name = "join", What = "both connect, A may give up; time to join and to go on alone", A = new() { Cancels = 1 } },
        new()
        {
            Name = "restart", What = "A connects twice; both may restart",
            A = new() { Connects = 2, Restarts = 1 }, B = Silent with { Restarts = 1 }, Attempt = 2,
        },
        new() { Name = "restart-both", What = "both connect, and may restart", A = new() { Restarts = 1 }, B = new() { Restarts = 1 }, Attempt = 2 },
        new()
        {
            Name = "forged-one", What = "A connects; a frame or first packet is forged, to either",
            A = new() { Schemes = Xy, Forgeries = Everything }, B = Silent with { Schemes = Yx, Forgeries = Everything },
        },
        new()
        {
            Name = "forged-leader", What = "both connect; a frame or first packet is forged, to the leader",
            A = new() { Schemes = Xy, Forgeries = Everything }, B = new() { Schemes = Yx }, InFlight = 2, Attempt = 2,
        },
        new()
        {
            Name = "forged-follower", What = "both connect; a frame or first packet is forged, to the other",
            A = new() { Schemes = Xy }, B = new() { Schemes = Yx, Forgeries = Everything }, InFlight = 2, Attempt = 2,
        },
        new()
        {
            Name = "embed", What = "both connect, the first packet in the proposal",
            A = new() { Schemes = Xy, Embeds = true }, B = new() { Schemes = Yx, Embeds = true }, Attempt = 2,
        },
        new()
        {
            Name = "embed-forged", What = "A connects, the first packet in the proposal; a forgery, and B may restart",
            A = new() { Schemes = Xy, Embeds = true, Forgeries = Everything },
            B = Silent with { Schemes = Yx, Forgeries = Everything, Restarts = 1 }, Attempt = 2,
        },
        new()
        {
            Name = "hidden", What = "both connect under random IDs, the first packet in A's proposal",
            A = new() { Hidden = true, Embeds = true }, B = new() { Hidden = true }, Attempt = 2,
        },
        new() { Name = "cookies-one", What = "A connects, B asks for a cookie; a copy", B = Silent with { IsBusy = true }, Duplicates = 1 },
        new() { Name = "cookies", What = "both connect, and ask for cookies", A = new() { IsBusy = true }, B = new() { IsBusy = true }, Attempt = 2 },
        new()
        {
            Name = "direct", What = "A dials in direct mode, B proposes and serves direct mode",
            A = new() { DialsDirect = true }, B = new() { ServesDirect = true },
        },
        new() { Name = "eviction", What = "A connects; five proposals at B", B = Silent with { Forgeries = Proposals }, Forgeries = 4, Attempt = 2 },
        new() { Name = "reordered", What = "both connect; what is in flight arrives in the opposite order", IsReordered = true, Grace = 3, InFlight = 2 },
        new()
        {
            Name = "reordered-restart", What = "the same, where A connects twice and both may restart",
            A = new() { Connects = 2, Restarts = 1 }, B = Silent with { Restarts = 1 }, IsReordered = true, Grace = 3, InFlight = 2,
        },
        new()
        {
            Name = "reordered-forged", What = "the same, where A connects and a frame or first packet is forged",
            A = new() { Schemes = Xy, Forgeries = Everything }, B = Silent with { Schemes = Yx, Forgeries = Everything },
            IsReordered = true, Grace = 3, InFlight = 2,
        },
        new() { Name = "expiry", What = "A connects, and again; B forgets", A = new() { Connects = 2 }, B = Silent, Forgets = true, Attempt = 2 },
    ];

    /// <summary>Gets larger ones, which take minutes.</summary>
    public static IReadOnlyList<Configuration> Deep { get; } =
    [
        new() { Name = "deep-copies", What = "both connect; two copies", Duplicates = 2 },
        new()
        {
            Name = "deep-redial", What = "both connect, A gives up and connects again",
            A = new() { Connects = 2, Cancels = 1 }, InFlight = 2, Attempt = 2,
        },
        new()
        {
            Name = "deep-restart", What = "both connect, A restarts and connects again",
            A = new() { Connects = 2, Restarts = 1 }, InFlight = 2, Attempt = 2,
        },
        new()
        {
            Name = "deep-restart-other", What = "both connect, B restarts and connects again",
            B = new() { Connects = 2, Restarts = 1 }, InFlight = 2, Attempt = 2,
        },
        new()
        {
            Name = "deep-forged-one", What = "A connects; two forgeries, to either",
            A = new() { Schemes = Xy, Forgeries = Everything }, B = Silent with { Schemes = Yx, Forgeries = Everything }, Forgeries = 2, Attempt = 2,
        },
        new()
        {
            Name = "deep-forged-leader", What = "both connect; a forgery, to the leader",
            A = new() { Schemes = Xy, Forgeries = Everything }, B = new() { Schemes = Yx }, Attempt = 2,
        },
        new()
        {
            Name = "deep-forged-follower", What = "both connect; a forgery, to the other",
            A = new() { Schemes = Xy }, B = new() { Schemes = Yx, Forgeries = Everything }, Attempt = 2,
        },
        new()
        {
            Name = "deep-embed", What = "both connect, the first packet in the proposal; a copy",
            A = new() { Embeds = true }, B = new() { Embeds = true }, Duplicates = 1,
        },
        new()
        {
            Name = "deep-reordered", What = "both connect, and may restart; what is in flight arrives in the opposite order",
            A = new() { Restarts = 1 }, B = new() { Restarts = 1 }, IsReordered = true, Grace = 3,
        },
        new() { Name = "deep-expiry", What = "both connect, A again; both forget", A = new() { Connects = 2 }, Forgets = true, InFlight = 2, Attempt = 2 },
    ];

    /// <summary>Gets each weakness with a configuration in which it does harm.</summary>
    public static IReadOnlyList<Configuration> Controls { get; } =
    [
        Find("both") with { Weakness = Weakness.TieBreakInverted },
        Find("forged-leader") with { Weakness = Weakness.AcceptDecides },
        Find("join") with { Weakness = Weakness.JoinForGood },
        Find("restart") with { Weakness = Weakness.SameAttemptString },
        Find("one") with { Weakness = Weakness.ProposalOnce },
        Find("one") with { Weakness = Weakness.AcceptOnce },
        Find("one") with { Weakness = Weakness.FirstOnce },
        Find("one") with { Weakness = Weakness.AnswerOnce },
        Find("one") with { Weakness = Weakness.FinishOnce },
        Find("one") with { Weakness = Weakness.ConfirmOnce },
        Find("restart") with { Weakness = Weakness.NoRepeat },
        Find("restart") with { Weakness = Weakness.OneAnswer },
        Find("forged-one") with { Weakness = Weakness.FinishTakenBack },
        Find("forged-one") with { Weakness = Weakness.NoTranscript },
    ];

    /// <summary>Returns the configuration of a name.</summary>
    public static Configuration Find(string name)
        => Default.Concat(Deep).FirstOrDefault(configuration => configuration.Name == name)
            ?? throw new ArgumentException($"There is no configuration {name}.", nameof(name));
}
