using System.Text;
using System.Threading.Channels;

namespace PacketSec.Cli.Net;

/// <summary>Turns lines of standard input into datagrams, and received datagrams into lines.</summary>
internal sealed class LineExchange(PacketSecChannel channel, TextReader input, Reporter reporter, TimeSpan linger)
{
    private const int WaitingLines = 256;

    // The largest UDP payload: whatever the peer sends fits.
    private const int BufferSize = 65_535;

    private static readonly TimeSpan FullDelay = TimeSpan.FromMilliseconds(5);

    private readonly Channel<string> _lines = Channel.CreateBounded<string>(
        new BoundedChannelOptions(WaitingLines) { SingleReader = true, SingleWriter = true });

    private long _lastReceived;

    /// <summary>Gets how many lines could not be sent.</summary>
    public int NotSent { get; private set; }

    /// <summary>Runs until the input has ended and nothing came for a while, or the channel is over.</summary>
    /// <param name="cancellationToken">Ends the exchange.</param>
    /// <returns>Whether the input was sent to its end.</returns>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        // Reading from a terminal cannot be cancelled: the thread is left behind at the end of the process.
        new Thread(ReadInput) { IsBackground = true, Name = "standard input" }.Start();
        using var receiving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var received = ReceiveAsync(receiving.Token);
        var isSent = await SendAsync(cancellationToken);
        while (isSent && !received.IsCompleted && Quiet() is var quiet && quiet < linger)
        {
            await Task.WhenAny(received, Task.Delay(linger - quiet, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
        }

        await receiving.CancelAsync();
        await received;
        return isSent;
    }

    private TimeSpan Quiet() => TimeSpan.FromMilliseconds(Environment.TickCount64 - Interlocked.Read(ref _lastReceived));

    private void ReadInput()
    {
        try
        {
            while (input.ReadLine() is { } line)
            {
                // Waits while the channel takes no more: a file is not read faster than it is sent.
                _lines.Writer.WriteAsync(line).AsTask().GetAwaiter().GetResult();
            }

            _lines.Writer.TryComplete();
        }
        catch (IOException error)
        {
            _lines.Writer.TryComplete(new CliException(ExitCodes.File, $"Standard input cannot be read: {error.Message}", error));
        }
        catch (ChannelClosedException)
        {
            // The exchange is over.
        }
    }

    private async Task<bool> SendAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var more = _lines.Reader.WaitToReadAsync(cancellationToken).AsTask();
                if (await Task.WhenAny(more, channel.Closed) != more)
                {
                    return false;
                }

                if (!await more)
                {
                    return true;
                }

                while (_lines.Reader.TryRead(out var line))
                {
                    // Empty datagrams are the protocol's own.
                    if (line.Length > 0 && !await TrySendAsync(Encoding.UTF8.GetBytes(line), cancellationToken))
                    {
                        return false;
                    }
                }
            }
        }
        finally
        {
            _lines.Writer.TryComplete();
            Interlocked.Exchange(ref _lastReceived, Environment.TickCount64);
        }
    }

    private async Task<bool> TrySendAsync(byte[] datagram, CancellationToken cancellationToken)
    {
        while (true)
        {
            switch (channel.TrySend(datagram))
            {
                case SendResult.Sent or SendResult.Queued:
                    return true;
                case SendResult.QueueFull:
                    await Task.Delay(FullDelay, cancellationToken);
                    break;
                case SendResult.TooLarge:
                    NotSent++;
                    reporter.Problem(
                        $"A line of {datagram.Length} bytes was not sent: a datagram has {channel.MaxDatagramSize} bytes at most. Break the line.");
                    return true;
                case SendResult.Closed:
                    return false;
                default:
                    throw new InvalidOperationException("The channel gave an answer that nobody knows.");
            }
        }
    }

    private async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferSize];
        try
        {
            while (true)
            {
                var length = await channel.ReceiveAsync(buffer, cancellationToken);
                Interlocked.Exchange(ref _lastReceived, Environment.TickCount64);
                reporter.Datagram(channel.RemotePeerId, buffer.AsSpan(0, length), withPeer: false);
            }
        }
        catch (Exception end) when (end is PacketSecException or OperationCanceledException or ObjectDisposedException)
        {
            // The channel or the exchange is over; the caller asks the channel for the reason.
        }
    }
}
