using System.Globalization;
using System.Text.Json;

namespace PacketSec.Interop.Peers;

/// <summary>Reads the lines of the Go peer.</summary>
internal static class GoLines
{
    private const int NoConnection = 3;
    private const int WrongIdentity = 4;

    public static string? Text(this JsonElement line, string name) => line.TryGetProperty(name, out var value) ? value.GetString() : null;

    public static string Milliseconds(TimeSpan time) => ((long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);

    public static EndReason ReasonOf(string? reason) => reason switch
    {
        null or "" or "Closed" => EndReason.Finished,
        "ClosedByPeer" => EndReason.PeerClosed,
        "WrongIdentity" => EndReason.WrongIdentity,
        "Timeout" => EndReason.TimedOut,
        "Refused" => EndReason.Refused,
        "IdleTimeout" => EndReason.IdleTimeout,
        _ => EndReason.Failed,
    };

    /// <summary>Reads the event <c>session</c>.</summary>
    public static SessionFact FactOf(JsonElement line) => new(
        line.Text("role") == "initiator",
        line.Text("case") switch
        {
            "standard" => SessionCase.Standard,
            "simultaneous" => SessionCase.Simultaneous,
            _ => SessionCase.Direct,
        },
        line.Text("transcript"),
        line.Text("scheme"),
        line.Text("binding"));

    /// <summary>Reads a dial to its end.</summary>
    /// <param name="process">The peer.</param>
    /// <param name="onLine">Gets each line, after the sessions were taken from it.</param>
    /// <param name="cancellationToken">Ends the reading, which is a failure of the dial.</param>
    public static async Task<DialOutcome> ReadDialAsync(ChildProcess process, Action<JsonElement> onLine, CancellationToken cancellationToken)
    {
        var sessions = new List<SessionFact>();
        try
        {
            JsonElement? summary = null;
            await foreach (var text in process.Lines.ReadAllAsync(cancellationToken))
            {
                using var document = JsonDocument.Parse(text);
                var line = document.RootElement;
                switch (line.Text("event"))
                {
                    case "session":
                        sessions.Add(FactOf(line));
                        break;
                    case "summary":
                        summary = line.Clone();
                        break;
                }

                onLine(line);
            }

            var code = await process.WaitAsync(cancellationToken);
            return summary is { } end
                ? ReadSummary(end, code, process.Errors) with { Sessions = sessions }
                : new(EndReason.Failed, Detail: $"The Go dialler ended with {code} and without a summary: {process.Errors}");
        }
        catch (OperationCanceledException)
        {
            return new(EndReason.Failed, Detail: "The Go dialler did not end in time.") { Sessions = sessions };
        }
    }

    private static DialOutcome ReadSummary(JsonElement line, int code, string errors)
    {
        long Number(string name) => line.GetProperty(name).GetInt64();
        var reason = ReasonOf(line.Text("reason"));
        if (code == NoConnection && reason == EndReason.Finished)
        {
            // It gave up before the channel did.
            reason = EndReason.TimedOut;
        }

        // The exit code and the summary are two ways of one answer.
        return (code == WrongIdentity) == (reason == EndReason.WrongIdentity)
            ? new(reason, Number("sent"), Number("echoed"), Number("duplicated"), code == 0 ? null : $"exit code {code} {errors}")
            : new(EndReason.Failed, Detail: $"exit code {code} with {line}");
    }
}
