using PacketSec.Adversary.Contestants;

namespace PacketSec.Adversary.Controls;

/// <summary>Protocols that are known to lose, and the games that they must lose: a game that its control survives sees nothing.</summary>
internal static class AllControls
{
    private static readonly Contestant OneWay = new ToyProtocol("N") { Scheme = "N, one way" };
    private static readonly Contestant KeepsKeys = new ToyProtocol("XX") { Scheme = "XX that keeps its keys" };
    private static readonly Contestant KeepsEphemerals = new ToyProtocol("XX") { Scheme = "XX that keeps its ephemerals", KeepsEphemerals = true };
    private static readonly Contestant Early = new ToyProtocol("IK") { Scheme = "IK, accepted at message 1" };
    private static readonly Contestant Unsigned = new ToyProtocol("NN") { Scheme = "NN without signatures" };
    private static readonly Contestant NameApart = new ToyProtocol("NN") { Scheme = "NN, name in a packet of its own", NameApart = true };
    private static readonly Contestant ReportsEarly = new ToyProtocol("XKH") { Scheme = "XKH, reported at message 3", ConfirmsFirst = true };
    private static readonly Contestant FailsOpen = new ToyProtocol("XKH") { Scheme = "XKH, open when the list fails", ConfirmsFirst = true, LetsInOnFailure = true };
    private static readonly Contestant Unconfirmed = new ToyProtocol("XX") { Scheme = "XX without a first packet" };
    private static readonly Contestant NoWindow = new ToyProtocol("XX") { Scheme = "XX, window switched off", WithoutWindow = true };
    private static readonly Contestant NamesServer = new ToyProtocol("XX") { Scheme = "XX that names the server", NamesServer = true };
    private static readonly Contestant MacOfClient = new ToyProtocol("XX") { Scheme = "XX, mac keyed by the client's key", Mac = MacOwner.Initiator };
    private static readonly Contestant MacOfServer = new ToyProtocol("XX") { Scheme = "XX, mac keyed by the server's key", Mac = MacOwner.Responder };
    private static readonly Contestant KnownResponder = new ToyProtocol("XK") { Scheme = "XK" };
    private static readonly Contestant WithPsk = new ToyProtocol("XKHpsk3") { Scheme = "XKHpsk3" };
    private static readonly Contestant Mirror = new MirrorProtocol { Scheme = "a challenge that mirrors" };
    private static readonly Contestant Private = new PrivateHandshake { Scheme = "the private handshake as written" };

    /// <summary>Gets the controls of each game.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<Contestant>> Of { get; } = new Dictionary<string, IReadOnlyList<Contestant>>
    {
        ["1a"] = [OneWay, KeepsKeys],
        ["1b"] = [OneWay, Early],
        ["1c"] = [KeepsEphemerals],
        ["2a"] = [Unsigned],
        ["2b"] = [Early],
        ["2c"] = [Early],
        ["3a"] = [Unsigned],
        ["4a"] = [ReportsEarly],
        ["5a"] = [Unconfirmed],
        ["5b"] = [Unconfirmed],
        ["5c"] = [Unconfirmed],
        ["5d"] = [Unconfirmed, FailsOpen],
        ["6a"] = [NoWindow],
        ["6b"] = [Early],
        ["6c"] = [Unconfirmed],
        ["7a"] = [Unsigned],
        ["7b"] = [NameApart],
        ["7c"] = [Mirror],
        ["7d"] = [Unsigned],
        ["8a"] = [Unconfirmed],
        ["8b"] = [Unconfirmed],
        ["8c"] = [Unconfirmed],
        ["9a"] = [Unsigned, MeasuredSchemes.WithTruePeerId],
        ["9b"] = [Early],
        ["10a"] = [NamesServer],
        ["10b"] = [NamesServer],
        ["11a"] = [MacOfClient, MeasuredSchemes.WithTruePeerId],
        ["12a"] = [WithPsk, MacOfServer],
        ["13a"] = [Early],
        ["13b"] = [Early],
        ["14a"] = [Unconfirmed],
        ["15a"] = [KnownResponder, Unconfirmed],
        ["16a"] = [Private],
        ["16b"] = [Private],
        ["16c"] = [MacOfClient],
        ["16d"] = [KnownResponder],
    };
}
