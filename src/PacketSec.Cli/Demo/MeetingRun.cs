using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using PacketSec.Internal;
using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;

namespace PacketSec.Cli.Demo;

/// <summary>
/// Two endpoints that dial each other at the same moment: both propose, both choose the same leader by their peer IDs, and one session comes of it.
/// </summary>
internal sealed class MeetingRun(DemoTeller teller, DemoBreak broken, IDatagramTap? tap) : DemoPart(teller)
{
    private const int PayloadSize = 64;

    private static readonly string[] Names = ["left", "right"];

    // Once each side has dropped the other's handshake, how long a session may still come.
    private static readonly TimeSpan LastChance = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan Pulse = TimeSpan.FromMilliseconds(10);

    private readonly PacketSecIdentity[] _keys = new PacketSecIdentity[2];
    private readonly PacketSecEndpoint[] _endpoints = new PacketSecEndpoint[2];

    /// <summary>Runs the part.</summary>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <returns>What does not hold; empty when all is well.</returns>
    public async Task<IReadOnlyList<string>> RunAsync(CancellationToken cancellationToken)
    {
        using var leftKey = _keys[0] = PacketSecIdentity.Generate();
        using var rightKey = _keys[1] = PacketSecIdentity.Generate();
        await using var left = _endpoints[0] = Bind(Names[0], leftKey, tap);
        await using var right = _endpoints[1] = Bind(Names[1], rightKey, tap);
        var leader = LeaderElection.Compare(left.PeerId.Multihash, right.PeerId.Multihash) < 0 ? 0 : 1;
        var text = $"{Names[leader]} must lead: {_endpoints[leader].PeerId} is the smaller peer ID";
        Teller.Tell(Tone.Plain, Both, "leader", text, line =>
        {
            line.WriteString("leader", Names[leader]);
            line.WriteString("peer", _endpoints[leader].PeerId.ToString());
        });

        await using var relay = new MeetingRelay([left.LocalEndPoint, right.LocalEndPoint], broken == DemoBreak.Leader ? leader : null);
        if (await DialAsync(relay, cancellationToken) is not { } channels)
        {
            return Failures;
        }

        await using var leftChannel = channels[0];
        await using var rightChannel = channels[1];
        DemoSide[] sides = [.. channels.Select((channel, i) => new DemoSide(Names[i], channel, Teller))];
        var watching = Task.WhenAll(sides.Select(side => side.WatchAsync()));
        await CompareAsync(sides[leader], sides[1 - leader], NegotiationCase.Simultaneous, cancellationToken);
        await TalkAsync(sides[0], sides[1], cancellationToken);
        await TalkAsync(sides[1], sides[0], cancellationToken);
        CountSessions();
        await CloseAsync(sides[0], sides[1], cancellationToken);
        await rightChannel.DisposeAsync();
        await watching;
        return Failures;
    }

    // Returns the channels, or null where a dial failed or both were given up because their handshakes cannot meet.
    private async Task<PacketSecChannel[]?> DialAsync(MeetingRelay relay, CancellationToken cancellationToken)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var start = Stopwatch.GetTimestamp();
        var dials = Enumerable.Range(0, 2).Select(i => _endpoints[i].ConnectAsync(relay.LocalEndPoint, _endpoints[1 - i].PeerId, giveUp.Token)).ToArray();
        var all = Task.WhenAll(dials);
        long? crossedAt = null;
        while (!all.IsCompleted)
        {
            await Task.WhenAny(all, Task.Delay(Pulse, cancellationToken));
            if (HaveCrossed(relay) && Stopwatch.GetElapsedTime(crossedAt ??= Stopwatch.GetTimestamp()) > LastChance)
            {
                await giveUp.CancelAsync();
                break;
            }
        }

        await ((Task)all).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        if (all.IsCompletedSuccessfully)
        {
            return await all;
        }

        var seconds = string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
        for (var i = 0; i < dials.Length; i++)
        {
            TellDial(i, dials[i], relay.HandshakesBegunBy(i), seconds);
            if (dials[i].IsCompletedSuccessfully)
            {
                await (await dials[i]).DisposeAsync();
            }
        }

        Check(
            crossedAt is null,
            $"both sides lead: each began a handshake that the other dropped ({nameof(DropReason.UnknownTranscript)}), "
            + $"and {(dials.Any(dial => dial.IsCompletedSuccessfully) ? "not both" : "none")} of the dials had a session when they were given up after {seconds}");
        Check(crossedAt is not null, "the two dials at once did not both lead to a channel");
        return null;
    }

    // Both began a handshake, and neither takes the other's for one that was agreed on.
    private bool HaveCrossed(MeetingRelay relay)
        => Enumerable.Range(0, 2).All(i => relay.HandshakesBegunBy(i) > 0
            && _endpoints[i].GetStatistics().Drops.GetValueOrDefault(DropReason.UnknownTranscript) > 0);

    private void TellDial(int side, Task<PacketSecChannel> dial, int handshakes, string time)
    {
        var dropped = _endpoints[side].GetStatistics().Drops.GetValueOrDefault(DropReason.UnknownTranscript);
        var end = dial.IsCompletedSuccessfully ? "the dial has a session"
            : dial.IsCanceled ? $"the dial was given up after {time} without a session"
            : $"the dial failed: {dial.Exception!.InnerException!.Message}";
        var text = $"{end}; {handshakes} first messages sent as leader, {dropped} of the other side's dropped as {nameof(DropReason.UnknownTranscript)}";
        Teller.Tell(Tone.Bad, Names[side], "dial_ended", text, line =>
        {
            line.WriteBoolean("session", dial.IsCompletedSuccessfully);
            line.WriteBoolean("given_up", dial.IsCanceled);
            line.WriteNumber("first_messages", handshakes);
            line.WriteNumber("dropped", dropped);
        });
    }

    private async Task TalkAsync(DemoSide from, DemoSide to, CancellationToken cancellationToken)
    {
        var payload = RandomNumberGenerator.GetBytes(PayloadSize);
        var buffer = new byte[PayloadSize];
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(LastArrivals);
        from.Channel.TrySend(payload);
        try
        {
            var length = await to.Channel.ReceiveAsync(buffer, deadline.Token);
            Check(buffer.AsSpan(0, length).SequenceEqual(payload), $"another datagram came to the {to.Name} than the {from.Name} sent");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            Check(false, $"the datagram of the {from.Name} did not arrive");
        }
    }

    private void CountSessions()
    {
        var counts = _endpoints.Select(endpoint => endpoint.GetStatistics()).ToList();
        var isOne = counts.All(count => count is { Sessions: 1, Channels: 1 });
        Teller.Tell(isOne ? Tone.Good : Tone.Bad, Both, "sessions", isOne ? "one session, and a datagram each way over it" : "not one session", line =>
        {
            line.WriteNumber(Names[0], counts[0].Sessions);
            line.WriteNumber(Names[1], counts[1].Sessions);
        });
        Check(isOne, $"there is not one session (left {counts[0].Sessions} in {counts[0].Channels} channels, right {counts[1].Sessions} in {counts[1].Channels})");
    }
}
