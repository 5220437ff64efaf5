using System.Diagnostics;
using System.Text.Json;
using PacketSec.Load.Compare.Contestants;

namespace PacketSec.Load.Compare;

/// <summary>What one run of a contestant came to.</summary>
internal sealed record Outcome(FloodResult Sent, FloodResult Received)
{
    /// <summary>Gets the part of all datagrams that the system dropped.</summary>
    public double Lost => 1 - (Received.Total / (double)Sent.Total);
}

/// <summary>Runs the two processes of a contestant, and checks that what was delivered is what was sent.</summary>
internal sealed class Contest(int payload, bool pin, CancellationToken cancellationToken)
{
    private static readonly TimeSpan Ceiling = TimeSpan.FromMinutes(4);

    /// <exception cref="ContestException">A process failed, or delivered what nobody sent.</exception>
    public Outcome Run(Contestant contestant)
    {
        using var ceiling = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ceiling.CancelAfter(Ceiling);
        try
        {
            return RunAsync(contestant, ceiling.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ContestException($"{contestant.Name} did not come to an end within {Ceiling.TotalMinutes} minutes.");
        }
    }

    private async Task<Outcome> RunAsync(Contestant contestant, CancellationToken token)
    {
        using var receiver = new Side($"{contestant.Name}, receiver", contestant.Receive, pin ? 1 : null);
        var ready = await receiver.ReadAsync<FloodReady>(token);
        using var sender = new Side($"{contestant.Name}, sender", contestant.Send(ready), pin ? 0 : null);
        var sent = await sender.ReadAsync<FloodResult>(token);
        var received = await receiver.ReadAsync<FloodResult>(token);
        await sender.EndAsync(token);
        await receiver.EndAsync(token);
        Check(contestant.Name, sent, received);
        return new(sent, received);
    }

    // Each datagram's words after the first are known and the first is its index, so the sum of all that was delivered follows from its indexes alone.
    private void Check(string name, FloodResult sent, FloodResult received)
    {
        Require(received.Wrong == 0, $"{received.Wrong} delivered datagrams are not what was sent");
        Require(received.Checksum == FloodPayload.Expect(payload, received.Total, received.IndexSum), "the receiver's checksum is not that of its indexes");
        Require(sent.Checksum == FloodPayload.Expect(payload, sent.Total, FloodPayload.SumOfFirst(sent.Total)), "the sender's checksum is not that of what it sent");
        Require(received.Total <= sent.Total, $"{sent.Total} datagrams were sent and {received.Total} delivered");
        Require(received.Total < sent.Total || received.Checksum == sent.Checksum, "nothing was lost, and still the checksums differ");
        Require(sent.Seconds > 0 && sent.Packets > 0, "the sender did not last for its window", mayPass: true);
        Require(received.Seconds > 0 && received.Packets > 0, "the receiver's window did not fill: the sender ended before, or its datagrams did not arrive", mayPass: true);

        void Require(bool condition, string failure, bool mayPass = false)
        {
            if (!condition)
            {
                throw new ContestException($"{name}: {failure}.") { MayPass = mayPass };
            }
        }
    }

    /// <summary>One process, which ends with this.</summary>
    private sealed class Side : IDisposable
    {
        private readonly string _name;
        private readonly Process _process;
        private readonly Task<string> _errors;

        public Side(string name, ProgramCall call, int? core)
        {
            _name = name;
            var start = core is { } on
                ? new ProcessStartInfo("taskset", ["-c", $"{on}", call.File, .. call.Arguments])
                : new ProcessStartInfo(call.File, call.Arguments);
            start.RedirectStandardOutput = true;
            start.RedirectStandardError = true;
            try
            {
                _process = Process.Start(start)!;
            }
            catch (System.ComponentModel.Win32Exception error)
            {
                throw new ContestException($"{name}: {start.FileName} cannot be started ({error.Message}).");
            }

            _errors = _process.StandardError.ReadToEndAsync();
        }

        public async Task<T> ReadAsync<T>(CancellationToken token)
        {
            var line = await _process.StandardOutput.ReadLineAsync(token);
            if (line is null)
            {
                throw new ContestException($"{_name} ended without a word. {(await _errors).Trim()}");
            }

            try
            {
                return JsonSerializer.Deserialize<T>(line, FloodJson.Options)!;
            }
            catch (JsonException)
            {
                throw new ContestException($"{_name} says '{line}', which is no {typeof(T).Name}.");
            }
        }

        public async Task EndAsync(CancellationToken token)
        {
            await _process.WaitForExitAsync(token);
            if (_process.ExitCode != 0)
            {
                throw new ContestException($"{_name} failed with {_process.ExitCode}: {(await _errors).Trim()}");
            }
        }

        public void Dispose()
        {
            if (!_process.HasExited)
            {
                _process.Kill(entireProcessTree: true);
            }

            _process.Dispose();
        }
    }
}
