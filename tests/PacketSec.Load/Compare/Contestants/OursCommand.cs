using System.CommandLine;
using PacketSec.Protocol.Identity;

namespace PacketSec.Load.Compare.Contestants;

/// <summary><c>ours</c>: the two processes of PacketSec that <c>compare</c> starts.</summary>
internal static class OursCommand
{
    public static Command Create()
    {
        var payload = new Option<int>("--payload") { DefaultValueFactory = _ => 1200 };
        var seconds = new Option<int>("--seconds") { DefaultValueFactory = _ => 3 };
        var path = new Option<DatagramPath>("--path") { DefaultValueFactory = _ => DatagramPath.Automatic };
        var peers = new Option<int>("--peers") { Description = "So many peers in turn, by their machines; 0 is one by the public API." };
        var burst = new Option<int>("--burst") { DefaultValueFactory = _ => 1 };
        var single = new Option<bool>("--single") { Description = "One call for each datagram." };
        var port = new Option<int>("--port") { Required = true };
        var peer = new Option<string>("--peer") { Required = true };
        var receive = new Command("recv") { payload, seconds, path, peers };
        receive.SetAction((result, token) => OursReceiver.RunAsync(
            result.GetValue(payload), result.GetValue(seconds), result.GetValue(path), result.GetValue(peers), Console.Out, token));
        var send = new Command("send") { payload, seconds, path, peers, burst, single, port, peer };
        send.SetAction((result, token) => result.GetValue(peers) > 0
            ? SendOfPeersAsync(
                result.GetValue(payload),
                result.GetValue(seconds),
                result.GetValue(peers),
                result.GetValue(burst),
                result.GetValue(port),
                result.GetValue(peer)!,
                token)
            : OursSender.RunAsync(
                result.GetValue(payload),
                result.GetValue(seconds),
                result.GetValue(path),
                !result.GetValue(single),
                result.GetValue(port),
                result.GetValue(peer)!,
                Console.Out,
                token));
        var milliseconds = new Option<int>("--milliseconds") { DefaultValueFactory = _ => 300 };
        var aead = new Command("aead") { payload, milliseconds };
        aead.SetAction(result => FloodJson.Print(Console.Out, AeadMeter.Measure(result.GetValue(payload), TimeSpan.FromMilliseconds(result.GetValue(milliseconds)))));
        return new Command("ours", "The processes of PacketSec in comparisons.") { Hidden = true, Subcommands = { receive, send, aead } };
    }

    private static async Task<int> SendOfPeersAsync(
        int payload, int seconds, int peers, int burst, int port, string peer, CancellationToken cancellationToken)
    {
        await WarmUp.RunPeersAsync(payload, burst, cancellationToken);
        using var flood = new PeersFlood(payload, peers, burst, port, PeerId.Parse(peer));
        FloodJson.Print(Console.Out, flood.Run(seconds));
        return 0;
    }
}
