using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;

namespace PacketSec.Cli.Net;

/// <summary>How <c>ping</c> sends.</summary>
/// <param name="Count">The datagrams to send; null is without end.</param>
/// <param name="Size">The size of each in bytes.</param>
/// <param name="Interval">The time from one to the next.</param>
/// <param name="Deadline">The time after which the run ends; null is none.</param>
internal sealed record PingPlan(int? Count, int Size, TimeSpan Interval, TimeSpan? Deadline);

/// <summary>Sends one numbered datagram after the other to a peer that echoes, and prints the round trips.</summary>
internal sealed class PingRun : IDisposable
{
    // What came later than so many others was sent is forgotten: a ping without end has bounded memory.
    private const int Remembered = 65_536;

    // How long the last datagrams are waited for.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Pulse = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private readonly Dictionary<long, long> _sentAt = [];
    private readonly HashSet<long> _echoed = [];
    private readonly Channel<(long Number, TimeSpan Time, bool IsDuplicate)> _echoes
        = Channel.CreateUnbounded<(long, TimeSpan, bool)>(new UnboundedChannelOptions { SingleReader = true });

    private readonly Signal _signal = new(Pulse);
    private readonly PacketSecChannel _channel;
    private readonly PingPlan _plan;
    private readonly Reporter _reporter;
    private readonly byte[] _payload;
    private double _sum;
    private double _sumOfSquares;
    private double _shortest = double.PositiveInfinity;
    private double _longest;
    private long _sent;
    private long _received;
    private long _duplicated;

    public PingRun(PacketSecChannel channel, PingPlan plan, Reporter reporter)
    {
        _channel = channel;
        _plan = plan;
        _reporter = reporter;
        _payload = new byte[plan.Size];
        channel.OnDatagram(OnDatagram);
    }

    /// <summary>Gets the datagrams that came back, each counted once.</summary>
    public long Received
    {
        get
        {
            lock (_gate)
            {
                return _received;
            }
        }
    }

    /// <summary>Sends, prints, and waits for the last echoes, until the plan is done, the channel over, or the run cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var printing = PrintAsync();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (_plan.Deadline is { } deadline)
        {
            end.CancelAfter(deadline);
        }

        try
        {
            await SendAsync(end.Token);
            var start = Stopwatch.GetTimestamp();
            while (Received < _sent && Stopwatch.GetElapsedTime(start) < Patience)
            {
                await _signal.WaitAsync(end.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The deadline, or the user: the summary tells how far it came.
        }

        _echoes.Writer.TryComplete();
        await printing;
    }

    /// <summary>Prints what came of it.</summary>
    public void PrintSummary()
    {
        lock (_gate)
        {
            var received = _received;
            var loss = _sent == 0 ? 0 : 100.0 * (_sent - received) / _sent;
            var mean = received == 0 ? 0 : _sum / received;
            var deviation = received == 0 ? 0 : Math.Sqrt(Math.Max((_sumOfSquares / received) - (mean * mean), 0));
            var counts = string.Create(CultureInfo.InvariantCulture, $"{_sent} sent, {received} received, {_duplicated} duplicated, {loss:0.#} % lost");
            var times = received == 0
                ? string.Empty
                : string.Create(CultureInfo.InvariantCulture, $"; min/mean/max/deviation {_shortest:0.0}/{mean:0.0}/{_longest:0.0}/{deviation:0.0} us");
            List<(string, string)> rows =
            [
                ("sent", $"{_sent}"), ("received", $"{received}"), ("duplicated", $"{_duplicated}"),
                ("lost", string.Create(CultureInfo.InvariantCulture, $"{loss:0.#} %")),
            ];
            if (received > 0)
            {
                rows.Add(("shortest", Microseconds(_shortest)));
                rows.Add(("mean", Microseconds(mean)));
                rows.Add(("longest", Microseconds(_longest)));
                rows.Add(("standard deviation", Microseconds(deviation)));
            }

            _reporter.Summary("summary", counts + times, rows, line =>
            {
                line.WriteNumber("sent", _sent);
                line.WriteNumber("received", received);
                line.WriteNumber("duplicated", _duplicated);
                line.WriteNumber("loss_percent", Math.Round(loss, 2));
                if (received > 0)
                {
                    line.WriteNumber("min_us", Math.Round(_shortest, 1));
                    line.WriteNumber("mean_us", Math.Round(mean, 1));
                    line.WriteNumber("max_us", Math.Round(_longest, 1));
                    line.WriteNumber("deviation_us", Math.Round(deviation, 1));
                }
            });
        }
    }

    public void Dispose() => _signal.Dispose();

    private static string Microseconds(double value) => string.Create(CultureInfo.InvariantCulture, $"{value:0.0} us");

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(_plan.Interval);
        for (var number = 0L; _plan.Count is not { } count || number < count; number++)
        {
            if (_channel.Closed.IsCompleted)
            {
                return;
            }

            NumberedPayload.Write(number, _payload);
            lock (_gate)
            {
                _sentAt[number] = Stopwatch.GetTimestamp();
                _sentAt.Remove(number - Remembered);
                _echoed.Remove(number - Remembered);
                _sent++;
            }

            if (_channel.TrySend(_payload) == SendResult.TooLarge)
            {
                throw new CliException(ExitCodes.Usage, $"--size {_plan.Size} is more than the path takes: {_channel.MaxDatagramSize} bytes at most.");
            }

            if (number + 1 != _plan.Count && await Task.WhenAny(timer.WaitForNextTickAsync(cancellationToken).AsTask(), _channel.Closed) == _channel.Closed)
            {
                return;
            }

            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private void OnDatagram(ReadOnlySpan<byte> payload)
    {
        var now = Stopwatch.GetTimestamp();
        if (!NumberedPayload.TryRead(payload, _plan.Size, out var number))
        {
            return;
        }

        lock (_gate)
        {
            if (!_sentAt.TryGetValue(number, out var sentAt))
            {
                return;
            }

            var time = Stopwatch.GetElapsedTime(sentAt, now);
            var isDuplicate = !_echoed.Add(number);
            if (isDuplicate)
            {
                _duplicated++;
            }
            else
            {
                _received++;
                var microseconds = time.TotalMicroseconds;
                _sum += microseconds;
                _sumOfSquares += microseconds * microseconds;
                _shortest = Math.Min(_shortest, microseconds);
                _longest = Math.Max(_longest, microseconds);
            }

            _echoes.Writer.TryWrite((number, time, isDuplicate));
        }

        _signal.Set();
    }

    private async Task PrintAsync()
    {
        await foreach (var (number, time, isDuplicate) in _echoes.Reader.ReadAllAsync())
        {
            var remote = _channel.RemoteAddress.ToString();
            var text = $"{_plan.Size} bytes from {remote}: number {number}, {Microseconds(time.TotalMicroseconds)}{(isDuplicate ? " (duplicate)" : "")}";
            _reporter.Line(isDuplicate ? Tone.Bad : Tone.Plain, "echo", text, line =>
            {
                line.WriteString("remote", remote);
                line.WriteNumber("number", number);
                line.WriteNumber("time_us", Math.Round(time.TotalMicroseconds, 1));
                line.WriteBoolean("duplicate", isDuplicate);
            });
        }
    }
}
