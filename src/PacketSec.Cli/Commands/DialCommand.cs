using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using PacketSec.Cli.Net;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec dial ADDRESS</c>: opens a channel; lines become datagrams and back, or numbered datagrams are counted.</summary>
internal static class DialCommand
{
    private const int LargestCount = 100_000_000;
    private const int LargestWindow = 65_536;
    private const int LargestSize = ImplementationLimits.DatagramSize - SpecLimits.DatagramOverhead;

    public static Command Create(CliContext context)
    {
        var address = EndpointOptions.CreatePeerArgument();
        var count = EndpointOptions.Bounded(
            new("--count")
            {
                Description = "Send this many numbered datagrams to a peer that echoes, and count what comes back; standard input is not read.",
                HelpName = "N",
            },
            1,
            LargestCount);
        var size = CreateSizeOption(64);
        var window = EndpointOptions.Bounded(
            new("--window") { Description = "With --count: how many datagrams may be on their way at once.", HelpName = "N", DefaultValueFactory = _ => 64 },
            1,
            LargestWindow);
        var rate = EndpointOptions.CreateNumber(
            "--rate", "N", "With --count: new datagrams per second at most; 0 is as fast as the window allows.", 0, 0, 10_000_000);
        var requireAll = new Option<bool>("--require-all")
        {
            Description = "With --count: send what is lost again until it comes back; exit 0 means that everything did.",
        };
        var timeout = EndpointOptions.CreateNumber("--timeout", "SECONDS", "With --count: give up when nothing comes back for this long.", 30, 1);
        var linger = EndpointOptions.CreateNumber(
            "--linger", "SECONDS", "Without --count: after the end of standard input, close when nothing came for this long.", 1, 0);
        var command = new Command("dial", "Open a channel: lines of standard input become datagrams, received datagrams become lines.")
        {
            address, count, size, window, rate, requireAll, timeout, linger,
        };
        var endpoint = new EndpointOptions(command, new(IPAddress.IPv6Any, 0), SchemeOptions.ForDialler(command, address));
        command.Validators.Add(result =>
        {
            if (result.GetResult(count) is null)
            {
                foreach (var option in new Option[] { size, window, rate, requireAll, timeout })
                {
                    if (result.GetResult(option) is { Implicit: false })
                    {
                        result.AddError($"{option.Name} needs --count.");
                    }
                }
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var peer = parsed.GetValue(address);
            if (parsed.GetResult(count) is null)
            {
                return await ExchangeAsync(context, parsed, endpoint, peer, TimeSpan.FromSeconds(parsed.GetValue(linger)), cancellationToken);
            }

            var plan = new EchoPlan(
                parsed.GetValue(count),
                parsed.GetValue(size),
                parsed.GetValue(window),
                parsed.GetValue(rate) is > 0 and var perSecond ? perSecond : null,
                parsed.GetValue(requireAll),
                TimeSpan.FromSeconds(parsed.GetValue(timeout)));
            return await CountAsync(context, parsed, endpoint, peer, plan, cancellationToken);
        });
        return command;
    }

    /// <summary>Makes the option for the size of numbered datagrams.</summary>
    public static Option<int> CreateSizeOption(int defaultSize) => EndpointOptions.Bounded(
        new("--size") { Description = "The size of each datagram in bytes.", HelpName = "B", DefaultValueFactory = _ => defaultSize },
        NumberedPayload.MinSize,
        LargestSize);

    /// <summary>Prints that a channel is open, and returns what prints its further events.</summary>
    public static async Task<ChannelWatcher> PrintConnectedAsync(Reporter reporter, LocalEndpoint local, PacketSecChannel channel)
    {
        var watcher = new ChannelWatcher(channel, reporter, resultsOnly: true);
        var session = await watcher.FirstSessionAsync();
        var how = session is null ? channel.Scheme : SessionText.Describe(session, channel.Scheme);
        reporter.Status(Tone.Good, "connected", $"connected to {channel.RemotePeerId} at {channel.RemoteAddress} by {how}", line =>
        {
            line.WriteString("peer", channel.RemotePeerId.ToString());
            line.WriteString("remote", channel.RemoteAddress.ToString());
            line.WriteString("own_peer", local.Endpoint.PeerId.ToString());
            line.WriteString("local", local.Endpoint.LocalEndPoint.ToString());
            if (session is not null)
            {
                SessionText.Write(line, session, channel.Scheme);
            }
        });
        return watcher;
    }

    /// <summary>Prints why a channel ended, unless it has been told, and returns the exit code.</summary>
    public static int Fail(Reporter reporter, ChannelWatcher watcher, PacketSecError reason, PeerId peer)
    {
        var failure = Failures.Ended(reason, peer);
        if (reason != PacketSecError.WrongIdentity || !watcher.IsMismatched)
        {
            reporter.Problem(failure.Message);
        }

        return failure.ExitCode;
    }

    private static async Task<int> ExchangeAsync(
        CliContext context, ParseResult parsed, EndpointOptions options, PeerAddress? address, TimeSpan linger, CancellationToken cancellationToken)
    {
        var reporter = new Reporter(context, parsed.GetValue(context.Json));
        await using var local = options.Open(context, reporter, parsed);
        var dial = options.Schemes.ToConnectOptions(parsed);
        using var ticket = dial.Ticket;
        await using var channel = await local.ConnectAsync(PeerAddress.AllOf(address, ticket), dial, cancellationToken);
        var watcher = await PrintConnectedAsync(reporter, local, channel);
        var watching = watcher.RunAsync("dial");
        var exchange = new LineExchange(channel, context.Input, reporter, linger);
        var isSent = false;
        try
        {
            isSent = await exchange.RunAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C is how an exchange on a terminal ends.
            isSent = true;
        }

        var end = channel.Closed.IsCompletedSuccessfully ? await channel.Closed : null;
        await channel.DisposeAsync();
        await watching;

        // A peer that closes after it has everything has answered.
        if (end is { } reason && !(isSent && reason == PacketSecError.PeerClosed))
        {
            return Fail(reporter, watcher, reason, channel.RemotePeerId);
        }

        return exchange.NotSent == 0 ? ExitCodes.Success : ExitCodes.Failed;
    }

    private static async Task<int> CountAsync(
        CliContext context, ParseResult parsed, EndpointOptions options, PeerAddress? address, EchoPlan plan, CancellationToken cancellationToken)
    {
        var reporter = new Reporter(context, parsed.GetValue(context.Json));
        await using var local = options.Open(context, reporter, parsed);
        var dial = options.Schemes.ToConnectOptions(parsed);
        using var ticket = dial.Ticket;
        await using var channel = await local.ConnectAsync(PeerAddress.AllOf(address, ticket), dial, cancellationToken);
        var watcher = await PrintConnectedAsync(reporter, local, channel);
        var watching = watcher.RunAsync("dial");
        using var run = new EchoRun(channel, plan, () => watcher.IsMismatched);
        var start = Stopwatch.GetTimestamp();
        var isInterrupted = false;
        try
        {
            await run.RunAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            isInterrupted = true;
        }

        var result = run.GetResult(Stopwatch.GetElapsedTime(start));
        var sessions = channel.GetStatistics().Sessions;
        var end = channel.Closed.IsCompletedSuccessfully ? await channel.Closed : null;
        await channel.DisposeAsync();
        await watching;
        PrintSummary(reporter, plan, result, sessions);
        if (end is { } reason)
        {
            return Fail(reporter, watcher, reason, channel.RemotePeerId);
        }

        if (isInterrupted)
        {
            return ExitCodes.Interrupted;
        }

        if (result.Echoed == 0)
        {
            reporter.Problem($"Nothing came back: {channel.RemotePeerId} must run psec listen --echo, or has gone.");
            return ExitCodes.Failed;
        }

        if (plan.RequireAll && result.Echoed < plan.Count)
        {
            reporter.Problem(
                $"{plan.Count - result.Echoed} of {plan.Count} datagrams did not come back: nothing came for {plan.Patience.TotalSeconds} s. "
                + "Check the peer, or wait longer by --timeout.");
            return ExitCodes.Failed;
        }

        return ExitCodes.Success;
    }

    private static void PrintSummary(Reporter reporter, EchoPlan plan, EchoResult result, long sessions)
    {
        var seconds = Math.Max(result.Elapsed.TotalSeconds, 1e-6);
        var rate = string.Create(CultureInfo.InvariantCulture, $"{result.Echoed / seconds:0}");
        var time = string.Create(CultureInfo.InvariantCulture, $"{seconds:0.000}");
        List<(string, string)> rows =
        [
            ("sent", $"{result.Sent}"), ("echoed", $"{result.Echoed}"), ("lost", $"{result.Lost}"), ("duplicated", $"{result.Duplicated}"),
            ("sent again", $"{result.Resent}"), ("unexpected", $"{result.Unexpected}"), ("sessions", $"{sessions}"),
            ("seconds", time), ("echoes per second", rate),
        ];
        if (result.RoundTrips is { } trips)
        {
            rows.Add(("mean round trip", string.Create(CultureInfo.InvariantCulture, $"{trips.Mean.TotalMicroseconds:0} us")));
        }

        var text = $"{result.Sent} sent, {result.Echoed} echoed, {result.Lost} lost, {result.Duplicated} duplicated; "
            + $"{result.Resent} sent again, {result.Unexpected} unexpected, {sessions} sessions, {time} s, {rate} echoes/s";
        reporter.Summary("summary", text, rows, line =>
        {
            line.WriteNumber("sent", result.Sent);
            line.WriteNumber("echoed", result.Echoed);
            line.WriteNumber("lost", result.Lost);
            line.WriteNumber("duplicated", result.Duplicated);
            line.WriteNumber("resent", result.Resent);
            line.WriteNumber("unexpected", result.Unexpected);
            line.WriteNumber("size", plan.Size);
            line.WriteNumber("sessions", sessions);
            line.WriteNumber("seconds", Math.Round(seconds, 6));
            if (result.RoundTrips is { } measured)
            {
                line.WriteNumber("min_us", Math.Round(measured.Shortest.TotalMicroseconds, 1));
                line.WriteNumber("mean_us", Math.Round(measured.Mean.TotalMicroseconds, 1));
                line.WriteNumber("max_us", Math.Round(measured.Longest.TotalMicroseconds, 1));
            }
        });
    }
}
