using PacketSec.Cli;
using PacketSec.Cli.Net;
using PacketSec.Tests.Api;

namespace PacketSec.Tests.Cli;

/// <summary>What serves many channels at once: one that goes wrong is told, and ends no other.</summary>
[Collection(SocketsCollection.Name)]
public sealed class ChannelServerTests
{
    [Fact(Timeout = SocketsCollection.CeilingMilliseconds)]
    public async Task A_fault_in_one_channel_is_told_and_ends_no_other()
    {
        await using var pair = EndpointPair.Bind(Quick, Quick);
        await using var other = EndpointPair.Bind(Quick, Quick);
        using var error = new StringWriter();
        var server = new ChannelServer(pair.Listener, new Reporter(new(TextReader.Null, TextWriter.Null, error), json: false));
        using var stop = new CancellationTokenSource();
        var served = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = server.RunAsync(
            async (channel, token) =>
            {
                if (channel.RemotePeerId.Equals(pair.Dialler.PeerId))
                {
                    throw new InvalidOperationException("broken");
                }

                served.SetResult();
                await Task.Delay(Timeout.Infinite, token);
            },
            stop.Token);

        using var ceiling = EndpointPair.Ceiling();
        Assert.Equal(ExitCodes.Success, server.ExitCode);
        await using var broken = await pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId, ceiling.Token);
        Assert.Equal(PacketSecError.PeerClosed, await broken.Closed.WithinCeiling());
        await using var channel = await other.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, pair.Listener.PeerId, ceiling.Token);
        await served.Task.WithinCeiling();
        await stop.CancelAsync();
        await running.WithinCeiling();

        Assert.Equal(ExitCodes.Failed, server.ExitCode);
        Assert.Contains($"{pair.Dialler.PeerId}", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("broken", error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain($"{other.Dialler.PeerId}", error.ToString(), StringComparison.Ordinal);
    }

    private static PacketSecEndpointOptions Quick(PacketSecEndpointOptions options) => options with { ClosesAtOnce = true };
}
