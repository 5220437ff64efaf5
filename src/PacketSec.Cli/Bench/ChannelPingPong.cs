using System.Diagnostics;
using PacketSec.Cli.Net;

namespace PacketSec.Cli.Bench;

/// <summary>A channel whose two ends answer each other in their handlers.</summary>
internal sealed class ChannelPingPong : IPingPong
{
    private const int MostLostInARow = 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly LocalEndpoint _near;
    private readonly LocalEndpoint _far;
    private readonly PacketSecChannel _channel;
    private readonly byte[] _payload;
    private readonly byte[] _repeated;
    private LatencySamples? _samples;
    private TaskCompletionSource _done = new();
    private long _number;
    private long _sentAt;

    private ChannelPingPong(LocalEndpoint near, LocalEndpoint far, PacketSecChannel channel, int size)
    {
        _near = near;
        _far = far;
        _channel = channel;
        _payload = new byte[size];
        _repeated = new byte[size];
    }

    public string Name => "packetsec";

    public string Path => _near.Endpoint.PathDescription;

    public static async Task<ChannelPingPong> OpenAsync(DatagramPath path, int size, CancellationToken cancellationToken)
    {
        var far = BenchEndpoint.Open(path);
        LocalEndpoint? near = null;
        try
        {
            near = BenchEndpoint.Open(path);
            var (channel, accepted) = await BenchEndpoint.ConnectAsync(near, far, cancellationToken);
            var pair = new ChannelPingPong(near, far, channel, size);
            accepted.OnDatagram(datagram => accepted.TrySend(datagram));
            channel.OnDatagram(pair.OnEcho);
            return pair;
        }
        catch
        {
            await BenchEndpoint.DropAsync(near is null ? [far] : [near, far]);
            throw;
        }
    }

    public async Task<int> RunAsync(LatencySamples samples, CancellationToken cancellationToken)
    {
        Task done;
        lock (_gate)
        {
            _samples = samples;
            _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
            done = _done.Task;
        }

        var lost = 0;
        var lostInARow = 0;
        var seen = -1L;
        try
        {
            SendAgain();
            while (true)
            {
                try
                {
                    await done.WaitAsync(Patience, cancellationToken);
                    return lost;
                }
                catch (TimeoutException)
                {
                    var number = ReadNumber();
                    if (number != seen)
                    {
                        (seen, lostInARow) = (number, 0);
                        continue;
                    }

                    lost++;
                    lostInARow++;
                    if (lostInARow > MostLostInARow || _channel.Closed.IsCompleted)
                    {
                        throw new CliException(ExitCodes.Failed, "No datagram comes back on loopback any more: look for a firewall rule that drops them.");
                    }

                    SendAgain();
                }
            }
        }
        finally
        {
            lock (_gate)
            {
                _samples = null;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _near.DisposeAsync();
        await _far.DisposeAsync();
    }

    private long ReadNumber()
    {
        lock (_gate)
        {
            return _number;
        }
    }

    // An echo that comes late, of a number that is answered already, is passed over.
    private void SendAgain()
    {
        lock (_gate)
        {
            NumberedPayload.Write(_number, _repeated);
            _sentAt = Stopwatch.GetTimestamp();
        }

        _channel.TrySend(_repeated);
    }

    private void OnEcho(ReadOnlySpan<byte> payload)
    {
        var now = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            if (_samples is not { } samples || !NumberedPayload.TryRead(payload, _payload.Length, out var number) || number != _number)
            {
                return;
            }

            _number++;
            samples.Add(now - _sentAt);
            if (samples.IsFull)
            {
                _samples = null;
                _done.SetResult();
                return;
            }

            NumberedPayload.Write(_number, _payload);
            _sentAt = Stopwatch.GetTimestamp();
        }

        _channel.TrySend(_payload);
    }
}
