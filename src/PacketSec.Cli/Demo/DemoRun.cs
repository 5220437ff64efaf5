using System.Diagnostics;
using System.Security.Cryptography;
using PacketSec.Internal;
using PacketSec.Protocol.Negotiation;

namespace PacketSec.Cli.Demo;

/// <summary>What the demo breaks on purpose, to show that it would notice.</summary>
internal enum DemoBreak
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>After the first handshake a relay drops all negotiations and handshake messages.</summary>
    Rekey,

    /// <summary>The client expects another identity than the server's.</summary>
    Identity,

    /// <summary>Of two that dial each other, a relay makes each believe that it leads.</summary>
    Leader,
}

/// <summary>
/// Two endpoints over UDP on loopback: a negotiation and a handshake, traffic across renewals of the keys, a clean close. What it prints comes from the
/// events of the endpoints and from the hashes of the payloads.
/// </summary>
internal sealed class DemoRun(DemoTeller teller, DemoBreak broken, IDatagramTap? tap) : DemoPart(teller)
{
    private const int LargestPayload = 1200;
    private const int SmallestPayload = 32;
    private const int SessionsWanted = 3;
    private const string Client = "client";
    private const string Server = "server";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan BetweenDatagrams = TimeSpan.FromMilliseconds(2);

    private readonly PayloadLedger _there = new();
    private readonly PayloadLedger _back = new();

    /// <summary>Runs the demo.</summary>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <returns>What does not hold; empty when all is well.</returns>
    public async Task<IReadOnlyList<string>> RunAsync(CancellationToken cancellationToken)
    {
        using var serverKey = PacketSecIdentity.Generate();
        using var clientKey = PacketSecIdentity.Generate();
        using var strangerKey = PacketSecIdentity.Generate();
        await using var serverEndpoint = Bind(Server, serverKey, tap: null);

        // All that there is to see passes one of the two.
        await using var clientEndpoint = Bind(Client, clientKey, tap);
        await using var filter = broken == DemoBreak.Rekey ? new HandshakeFilter(serverEndpoint.LocalEndPoint) : null;
        var address = filter?.LocalEndPoint ?? serverEndpoint.LocalEndPoint;
        var expected = broken == DemoBreak.Identity ? strangerKey.PeerId : serverKey.PeerId;
        PacketSecChannel channel;
        try
        {
            channel = await clientEndpoint.ConnectAsync(address, expected, cancellationToken);
        }
        catch (PacketSecException error)
        {
            Teller.Tell(Tone.Bad, Client, "dial_failed", $"{error.Error}: {error.Message}", line => line.WriteString("reason", error.Error.ToString()));
            return [$"no channel to {expected} came about ({error.Error})"];
        }

        await using (channel)
        {
            await using var accepted = await serverEndpoint.AcceptAsync(cancellationToken);
            Check(channel.RemotePeerId.Equals(serverKey.PeerId) && accepted.RemotePeerId.Equals(clientKey.PeerId), "the two sides do not know each other");
            var client = new DemoSide(Client, channel, Teller);
            var server = new DemoSide(Server, accepted, Teller);
            var watching = Task.WhenAll(client.WatchAsync(), server.WatchAsync());
            await CompareAsync(client, server, NegotiationCase.Standard, cancellationToken);
            await TalkAsync(client, server, filter, cancellationToken);
            await CloseAsync(client, server, cancellationToken);
            await accepted.DisposeAsync();
            await watching;
        }

        return Failures;
    }

    private static bool IsRekeyed(DemoSide client, DemoSide server) => client.Confirmed >= SessionsWanted && server.Confirmed >= SessionsWanted;

    // All sessions have ended, and none has followed.
    private static bool IsStuck(DemoSide client) => client.Ended > 0 && client.Ended == client.Confirmed;

    private async Task TalkAsync(DemoSide client, DemoSide server, HandshakeFilter? filter, CancellationToken cancellationToken)
    {
        server.Channel.OnDatagram(payload =>
        {
            _there.OnReceived(payload);

            // Noted first: the echo may be back before the call is.
            _back.OnSent(payload);
            server.Channel.TrySend(payload);
        });
        client.Channel.OnDatagram(_back.OnReceived);

        var start = Stopwatch.GetTimestamp();
        using var pace = new PeriodicTimer(BetweenDatagrams);
        while (!IsRekeyed(client, server) && !IsStuck(client) && Stopwatch.GetElapsedTime(start) < Patience)
        {
            await pace.WaitForNextTickAsync(cancellationToken);
            if (client.Confirmed > 0 && server.Confirmed > 0)
            {
                filter?.Block();
            }

            // Random content, so that each hash is of one datagram.
            var datagram = RandomNumberGenerator.GetBytes(RandomNumberGenerator.GetInt32(SmallestPayload, LargestPayload + 1));
            _there.OnSent(datagram);
            var result = client.Channel.TrySend(datagram);
            if (result is not (SendResult.Sent or SendResult.Queued))
            {
                Check(false, $"the channel did not take a datagram ({result})");
                break;
            }
        }

        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        Check(
            IsRekeyed(client, server),
            $"the client has {client.Confirmed} sessions and the server {server.Confirmed} after {seconds:0} s, and not {SessionsWanted} by renewal");
        var end = Stopwatch.GetTimestamp();
        while (!(_there.Count().IsPerfect && _back.Count().IsPerfect) && Stopwatch.GetElapsedTime(end) < LastArrivals)
        {
            await Task.Delay(BetweenDatagrams * 10, cancellationToken);
        }

        TellCounts(Client, _there.Count());
        TellCounts(Server, _back.Count());
    }

    private void TellCounts(string sender, PayloadCounts counts)
    {
        Teller.Tell(counts.IsPerfect ? Tone.Good : Tone.Bad, sender, "counts", $"by the hashes of its datagrams: {counts}", line =>
        {
            line.WriteNumber("sent", counts.Sent);
            line.WriteNumber("received", counts.Received);
            line.WriteNumber("lost", counts.Lost);
            line.WriteNumber("duplicated", counts.Duplicated);
            line.WriteNumber("foreign", counts.Foreign);
        });
        Check(counts.IsPerfect, $"not every datagram of the {sender} arrived once ({counts})");
    }
}
