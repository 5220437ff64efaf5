using System.Net;
using System.Text.Json;
using System.Threading.Channels;
using PacketSec.Interop.Cells;

namespace PacketSec.Interop.Peers;

/// <summary>The peer in <c>interop/go</c>, a process for each listener and dialler.</summary>
internal sealed class GoPeers(string program) : IPeers
{
    public string Name => "go";

    public async Task<IListener> ListenAsync(ListenPlan plan, CancellationToken cancellationToken)
    {
        var listener = new Listener(new ChildProcess(
            program, "listen", "--echo", "--key", plan.Identity.Path, "--addr", plan.Address.ToString(), "--lifetime-ms", Milliseconds(plan.Lifetime)));
        try
        {
            await listener.StartAsync(plan.Identity, cancellationToken);
            return listener;
        }
        catch
        {
            await listener.DisposeAsync();
            throw;
        }
    }

    public IDialler Dial(DialPlan plan, CancellationToken cancellationToken)
    {
        List<string> arguments =
        [
            "dial", "--key", plan.Identity.Path, "--size", $"{plan.Size}", "--window", $"{plan.Window}",
            "--timeout-ms", Milliseconds(plan.EchoTimeout), "--lifetime-ms", Milliseconds(plan.Lifetime),
        ];

        // Without a count it sends until it is stopped, or for this long.
        arguments.AddRange(plan.Count > 0
            ? ["--count", $"{plan.Count}", "--duration-ms", Milliseconds(plan.Duration)]
            : ["--duration-ms", Milliseconds(Cell.Ceiling)]);
        arguments.Add($"{plan.Expected.Id}@{plan.Address}");
        return new Dialler(new ChildProcess(program, arguments), cancellationToken);
    }

    private static string Milliseconds(TimeSpan time) => $"{(long)time.TotalMilliseconds}";

    private static EndReason ReasonOf(string? reason) => reason switch
    {
        null or "" or "Closed" => EndReason.Finished,
        "ClosedByPeer" => EndReason.PeerClosed,
        "WrongIdentity" => EndReason.WrongIdentity,
        "Timeout" => EndReason.TimedOut,
        "Refused" => EndReason.Refused,
        "IdleTimeout" => EndReason.IdleTimeout,
        _ => EndReason.Failed,
    };

    private static string? Text(JsonElement line, string name) => line.TryGetProperty(name, out var value) ? value.GetString() : null;

    private sealed class Listener(ChildProcess process) : IListener
    {
        private readonly Channel<EndReason> _ends = Channel.CreateUnbounded<EndReason>();
        private Task _reading = Task.CompletedTask;
        private int _sessions;
        private int _initiated;

        public IPEndPoint Address { get; private set; } = new(IPAddress.None, 0);

        public (int All, int Initiated) Sessions => (Volatile.Read(ref _sessions), Volatile.Read(ref _initiated));

        public async Task StartAsync(PeerKey identity, CancellationToken cancellationToken)
        {
            if (!await process.Lines.WaitToReadAsync(cancellationToken) || !process.Lines.TryRead(out var first))
            {
                await process.KillAsync();
                throw new CellFailure($"The Go listener does not start: {process.Errors}");
            }

            using var document = JsonDocument.Parse(first);
            var line = document.RootElement;
            if (Text(line, "event") != "listening" || Text(line, "peer") != identity.Id.ToString())
            {
                throw new CellFailure($"The Go listener of {identity.Id} says: {first}");
            }

            Address = IPEndPoint.Parse(Text(line, "addr")!);
            _reading = ReadAsync();
        }

        public Task<EndReason> NextEndAsync(CancellationToken cancellationToken) => _ends.Reader.ReadAsync(cancellationToken).AsTask();

        public async Task StopAsync(CancellationToken cancellationToken)
        {
            process.Interrupt();
            var code = await process.WaitAsync(cancellationToken);
            await _reading;
            if (code != 0)
            {
                throw new CellFailure($"The Go listener ended with {code}: {process.Errors}");
            }
        }

        public async Task KillAsync()
        {
            await process.KillAsync();
            await _reading;
        }

        public async ValueTask DisposeAsync()
        {
            await process.DisposeAsync();
            await _reading;
        }

        private async Task ReadAsync()
        {
            await foreach (var text in process.Lines.ReadAllAsync())
            {
                using var document = JsonDocument.Parse(text);
                var line = document.RootElement;
                switch (Text(line, "event"))
                {
                    case "session":
                        Interlocked.Increment(ref _sessions);
                        if (Text(line, "role") == "initiator")
                        {
                            Interlocked.Increment(ref _initiated);
                        }

                        break;
                    case "closed":
                        await _ends.Writer.WriteAsync(ReasonOf(Text(line, "reason")));
                        break;
                }
            }
        }
    }

    private sealed class Dialler : IDialler
    {
        private const int WrongIdentity = 4;

        private readonly ChildProcess _process;

        public Dialler(ChildProcess process, CancellationToken cancellationToken)
        {
            _process = process;
            Outcome = RunAsync(cancellationToken);
        }

        public Task<DialOutcome> Outcome { get; }

        public void Stop() => _process.Interrupt();

        public async ValueTask DisposeAsync()
        {
            await _process.DisposeAsync();
            await Outcome;
        }

        private async Task<DialOutcome> RunAsync(CancellationToken cancellationToken)
        {
            try
            {
                JsonElement? summary = null;
                await foreach (var text in _process.Lines.ReadAllAsync(cancellationToken))
                {
                    using var document = JsonDocument.Parse(text);
                    if (Text(document.RootElement, "event") == "summary")
                    {
                        summary = document.RootElement.Clone();
                    }
                }

                var code = await _process.WaitAsync(cancellationToken);
                return summary is { } line
                    ? Read(line, code)
                    : new(EndReason.Failed, Detail: $"The Go dialler ended with {code} and without a summary: {_process.Errors}");
            }
            catch (OperationCanceledException)
            {
                return new(EndReason.Failed, Detail: "The Go dialler did not end in time.");
            }
        }

        private DialOutcome Read(JsonElement line, int code)
        {
            long Number(string name) => line.GetProperty(name).GetInt64();
            var reason = ReasonOf(Text(line, "reason"));

            // The exit code and the summary are two ways of one answer.
            return (code == WrongIdentity) == (reason == EndReason.WrongIdentity)
                ? new(reason, Number("sent"), Number("echoed"), Number("duplicated"), Number("sessions"), code == 0 ? null : $"exit code {code} {_process.Errors}")
                : new(EndReason.Failed, Detail: $"exit code {code} with {line}");
        }
    }
}
