using System.Net;
using System.Text.Json;
using System.Threading.Channels;
using PacketSec.Interop.Cells;
using static PacketSec.Interop.Peers.GoLines;

namespace PacketSec.Interop.Peers;

/// <summary>The peer in <c>interop/go</c>, a process for each listener and dialler.</summary>
internal sealed class GoPeers(string program) : IPeers
{
    public string Name => "go";

    public async Task<IListener> ListenAsync(ListenPlan plan, CancellationToken cancellationToken)
    {
        List<string> arguments =
        [
            "listen", "--echo", "--key", plan.Identity.Path, "--addr", plan.Address.ToString(), "--lifetime-ms", Milliseconds(plan.Lifetime),
            .. ModeArguments(plan.Mode), .. plan.Speech.Arguments(plan.Identity),
        ];
        var listener = new Listener(new ChildProcess(program, arguments));
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
        if (!plan.FirstPacketInside)
        {
            throw new ArgumentException("The Go peer has no option that leaves the first packet out.");
        }

        List<string> arguments =
        [
            "dial", "--key", plan.Identity.Path, "--size", $"{plan.Size}", "--window", $"{plan.Window}",
            "--timeout-ms", Milliseconds(plan.ConnectTimeout), "--echo-timeout-ms", Milliseconds(plan.EchoTimeout),
            "--lifetime-ms", Milliseconds(plan.Lifetime), .. ModeArguments(plan.Mode), .. plan.Speech.Arguments(plan.Identity),
        ];

        // Without a count it sends until it is stopped, or for this long.
        arguments.AddRange(plan.Count > 0
            ? ["--count", $"{plan.Count}", "--duration-ms", Milliseconds(plan.Duration)]
            : ["--duration-ms", Milliseconds(Cell.Ceiling)]);
        arguments.Add($"{plan.Expected.Id}@{plan.Address}");
        return new Dialler(new ChildProcess(program, arguments), cancellationToken);
    }

    public IBoth Both(BothPlan plan, CancellationToken cancellationToken) => new GoBoth(program, plan, cancellationToken);

    private static string[] ModeArguments(PeerMode mode) => mode == PeerMode.Direct ? ["--direct"] : [];

    private sealed class Listener(ChildProcess process) : IListener
    {
        private readonly Channel<EndReason> _ends = Channel.CreateUnbounded<EndReason>();
        private readonly SessionLog _sessions = new();
        private Task _reading = Task.CompletedTask;

        public IPEndPoint Address { get; private set; } = new(IPAddress.None, 0);

        public IReadOnlyList<SessionFact> Sessions => _sessions.ToList();

        public async Task StartAsync(PeerKey identity, CancellationToken cancellationToken)
        {
            if (!await process.Lines.WaitToReadAsync(cancellationToken) || !process.Lines.TryRead(out var first))
            {
                await process.KillAsync();
                throw new CellFailure($"The Go listener does not start: {process.Errors}");
            }

            using var document = JsonDocument.Parse(first);
            var line = document.RootElement;
            if (line.Text("event") != "listening" || line.Text("peer") != identity.Id.ToString())
            {
                throw new CellFailure($"The Go listener of {identity.Id} says: {first}");
            }

            Address = IPEndPoint.Parse(line.Text("addr")!);
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
                switch (line.Text("event"))
                {
                    case "session":
                        _sessions.Add(FactOf(line));
                        break;
                    case "closed":
                        await _ends.Writer.WriteAsync(ReasonOf(line.Text("reason")));
                        break;
                }
            }
        }
    }

    private sealed class Dialler(ChildProcess process, CancellationToken cancellationToken) : IDialler
    {
        public Task<DialOutcome> Outcome { get; } = ReadDialAsync(process, _ => { }, cancellationToken);

        public void Stop() => process.Interrupt();

        public async ValueTask DisposeAsync()
        {
            await process.DisposeAsync();
            await Outcome;
        }
    }
}
