using System.Net;
using PacketSec.Interop.Cells;
using PacketSec.Interop.Faults;
using PacketSec.Libp2p;
using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Hosting;
using PacketSec.Protocol.Identity;

namespace PacketSec.Interop.Libp2p;

/// <summary>Who dials.</summary>
internal enum JsDialler
{
    CSharp,
    JavaScript,
    Both,
}

/// <summary>A run between a host of this implementation and one of js-libp2p.</summary>
/// <param name="Scenario">Its row in the matrix.</param>
/// <param name="Scheme">The scheme that both speak.</param>
/// <param name="Dialler">Who dials.</param>
/// <param name="RunAsync">What is done.</param>
internal sealed record JsCell(string Scenario, string Scheme, JsDialler Dialler, Func<JsMeeting, CancellationToken, Task> RunAsync)
{
    public string Pair => Dialler switch
    {
        JsDialler.CSharp => "csharp-js",
        JsDialler.JavaScript => "js-csharp",
        JsDialler.Both => "both",
    };

    public string Name => $"{Pair}/{Scheme}/{Scenario}";

    public double Loss { get; init; }

    /// <summary>Gets how many bytes it moves at least.</summary>
    public long Bytes { get; init; }
}

/// <summary>The cells of the matrix with the JavaScript peer.</summary>
internal static class JsCells
{
    private const int Small = 4 << 20;
    private const int Large = 100 << 20;
    private const int Datagrams = 50;

    private static readonly string[] Schemes = ["p2pke-1", "noise-xx-1", "secret-handshake-1"];
    private static readonly double[] Losses = [0, 0.01, 0.1];

    public static IEnumerable<JsCell> All()
    {
        foreach (var scheme in Schemes)
        {
            foreach (var dialler in (JsDialler[])[JsDialler.CSharp, JsDialler.JavaScript])
            {
                foreach (var loss in Losses)
                {
                    yield return new($"loss-{loss * 100:0}", scheme, dialler, (meeting, stop) => TalkAsync(meeting, loss, stop)) { Loss = loss };
                }

                yield return new("wrong-peer", scheme, dialler, WrongPeerAsync);
                yield return new("rekey", scheme, dialler, RekeyAsync) { Bytes = 8 * Small };
            }

            yield return new("loss-0", scheme, JsDialler.Both, (meeting, stop) => TalkAsync(meeting, 0, stop));
            yield return new("loss-10", scheme, JsDialler.Both, (meeting, stop) => TalkAsync(meeting, 0.1, stop)) { Loss = 0.1 };
        }

        yield return new("bulk-to-js", Schemes[0], JsDialler.CSharp, SendLargeAsync) { Bytes = Large };
        yield return new("bulk-from-js", Schemes[0], JsDialler.CSharp, ReceiveLargeAsync) { Bytes = Large };
    }

    private static async Task SendLargeAsync(JsMeeting meeting, CancellationToken stop)
        => await CSharpHost.SendBulkAsync(await meeting.ConnectAsync(stop), Large, stop);

    private static async Task ReceiveLargeAsync(JsMeeting meeting, CancellationToken stop)
    {
        await meeting.ConnectAsync(stop);
        await meeting.Js.CallAsync("bulk", new { peer = meeting.OwnPeerId, size = Large }, stop);
    }

    /// <summary>Identify, ping, echo with half-close, bulk and datagrams, all both ways over one connection.</summary>
    private static async Task TalkAsync(JsMeeting meeting, double loss, CancellationToken stop)
    {
        var connection = await meeting.ConnectAsync(stop);
        var (js, own) = (meeting.Js, meeting.OwnPeerId);
        var theirs = await connection.IdentifyAsync(stop);
        CSharpHost.Require(theirs.Protocols.Contains("/ipfs/ping/1.0.0"), "the JavaScript host does not list ping");
        var ours = await js.CallAsync("identify", new { peer = own }, stop);
        CSharpHost.Require(((string)ours["agent"]!).StartsWith("packetsec/", StringComparison.Ordinal), $"the JavaScript host was told of {ours["agent"]}");
        await connection.PingAsync(stop);
        await js.CallAsync("ping", new { peer = own, count = 2 }, stop);
        await CSharpHost.EchoAsync(connection, 100_000, stop);
        await js.CallAsync("echo", new { peer = own, size = 100_000 }, stop);
        await CSharpHost.SendBulkAsync(connection, Small, stop);
        await js.CallAsync("bulk", new { peer = own, size = Small }, stop);

        // Of those that are lost nobody hears again; a third less than chance leaves is no chance any more.
        var least = (int)(Datagrams * (1 - loss) * (1 - loss) * (loss == 0 ? 1 : 2.0 / 3));
        var back = await CSharpHost.DatagramsAsync(connection, Datagrams, TimeSpan.FromSeconds(loss == 0 ? 10 : 1), stop);
        CSharpHost.Require(back >= least, $"{back} of {Datagrams} datagrams came back from JavaScript");
        var backThere = (int)(await js.CallAsync("datagrams", new { peer = own, count = Datagrams, size = 100, seconds = 1 }, stop))["received"]!;
        CSharpHost.Require(backThere >= least, $"{backThere} of {Datagrams} datagrams came back to JavaScript");

        CSharpHost.Require(meeting.CSharp.Host.Connections.Count == 1, $"there are {meeting.CSharp.Host.Connections.Count} connections here");
        var count = (int)(await js.CallAsync("connections", new { peer = own }, stop))["count"]!;
        CSharpHost.Require(count == 1, $"there are {count} connections there");
    }

    private static async Task WrongPeerAsync(JsMeeting meeting, CancellationToken stop)
    {
        using var other = PacketSecIdentity.Generate();
        try
        {
            await meeting.ConnectAsync(stop, other.PeerId);
        }
        catch (Libp2pException error) when (error.Error is Libp2pError.WrongPeer or Libp2pError.TimedOut)
        {
            // To a scheme that hides who listens, a wrong name is a silence.
            return;
        }
        catch (CellFailure)
        {
            CSharpHost.Require(meeting.CSharp.Host.Connections.Count == 0, "there is a connection all the same");
            return;
        }

        throw new CellFailure("a peer with another identity than the one dialled was taken");
    }

    /// <summary>Keys are renewed three times while bytes go both ways.</summary>
    private static async Task RekeyAsync(JsMeeting meeting, CancellationToken stop)
    {
        var connection = await meeting.ConnectAsync(stop);
        var moving = Task.WhenAll(
            CSharpHost.SendBulkAsync(connection, 4L * Small, stop), meeting.Js.CallAsync("bulk", new { peer = meeting.OwnPeerId, size = 4 * Small }, stop));
        var renewed = (int)(await meeting.Js.CallAsync("rekey", new { peer = meeting.OwnPeerId, count = 3 }, stop))["count"]!;
        CSharpHost.Require(renewed >= 3, $"keys were renewed {renewed} times");
        await moving;
        await connection.PingAsync(stop);
    }
}

/// <summary>Two hosts and the path between them.</summary>
internal sealed class JsMeeting(CSharpHost csharp, JsHost js, JsCell cell, ulong seed) : IAsyncDisposable
{
    private FaultProxy? _path;
    private TwoWayProxy? _twoWay;

    public CSharpHost CSharp => csharp;

    public JsHost Js => js;

    public string OwnPeerId => csharp.Host.PeerId.ToString();

    /// <summary>Connects over a path with the cell's faults, and returns this side's end.</summary>
    /// <param name="stop">Ends the wait.</param>
    /// <param name="expected">Whom to name instead of who is there.</param>
    public async Task<PeerConnection> ConnectAsync(CancellationToken stop, PeerId? expected = null)
    {
        var faults = new ClassFaults(Loss: cell.Loss);
        var profile = new FaultProfile { Handshake = faults, Data = faults };
        var (there, here) = (EndPointOf(js.Address), EndPointOf(csharp.Address));
        switch (cell.Dialler)
        {
            case JsDialler.CSharp:
                _path = new FaultProxy(there, profile, seed);
                var opened = await csharp.Host.DialAsync(AddressOf(_path.EndPoint, expected ?? js.Address.PeerId!), stop);
                await js.CallAsync("connected", new { peer = OwnPeerId }, stop);
                return opened;
            case JsDialler.JavaScript:
                _path = new FaultProxy(here, profile, seed);
                await js.CallAsync("dial", new { address = AddressOf(_path.EndPoint, expected ?? csharp.Host.PeerId).ToString() }, stop);
                return await ConnectionAsync(stop);
            default:
                _twoWay = new TwoWayProxy(profile, seed, holds: true, here, there);
                var dialled = csharp.Host.DialAsync(AddressOf(_twoWay.ForLeft, js.Address.PeerId!), stop);
                await js.CallAsync("dial", new { address = AddressOf(_twoWay.ForRight, csharp.Host.PeerId).ToString() }, stop);
                return await dialled;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await js.DisposeAsync();
        await csharp.DisposeAsync();
        if (_path is not null)
        {
            await _path.DisposeAsync();
        }

        if (_twoWay is not null)
        {
            await _twoWay.DisposeAsync();
        }
    }

    private static IPEndPoint EndPointOf(Multiaddress address)
        => new(IPAddress.Parse(address.Components[0].Value), int.Parse(address.Components[1].Value, System.Globalization.CultureInfo.InvariantCulture));

    private static Multiaddress AddressOf(IPEndPoint point, PeerId peer) => Multiaddress.Parse($"/ip4/{point.Address}/udp/{point.Port}/psec/p2p/{peer}");

    private async Task<PeerConnection> ConnectionAsync(CancellationToken stop)
    {
        while (true)
        {
            if (csharp.Host.Connections is [var connection])
            {
                return connection;
            }

            await Task.Delay(10, stop);
        }
    }
}
