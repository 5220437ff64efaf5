using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using PacketSec.Cli.Net;
using PacketSec.Udp;

namespace PacketSec.Cli.Bench;

/// <summary>
/// The least that UDP costs in .NET: two sockets, set up as an endpoint's are, two threads in blocking calls that allocate nothing, and no cryptography.
/// </summary>
internal sealed class PlainPingPong : IPingPong
{
    private const int BufferSize = 65_535;
    private const int MostLostInARow = 10;
    private const int PatienceMilliseconds = 1000;

    private readonly Socket _near = Bind();
    private readonly Socket _far = Bind();
    private readonly Thread _echo;
    private readonly byte[] _payload;
    private readonly byte[] _buffer = new byte[BufferSize];
    private volatile bool _isOver;
    private long _number;

    public PlainPingPong(int size)
    {
        _payload = new byte[size];
        _echo = new(Echo) { IsBackground = true, Name = "psec bench plain echo" };
        _echo.Start();
    }

    public string Name => "plain";

    public Task<int> RunAsync(LatencySamples samples, CancellationToken cancellationToken)
        => Task.Factory.StartNew(() => Run(samples, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    public ValueTask DisposeAsync()
    {
        _isOver = true;
        _echo.Join();
        _near.Dispose();
        _far.Dispose();
        return ValueTask.CompletedTask;
    }

    private static Socket Bind()
    {
        var options = new UdpBindOptions { LocalEndPoint = new(IPAddress.Loopback, 0) };
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = PatienceMilliseconds };
        SocketTuning.Apply(socket, options, []);
        socket.Bind(options.LocalEndPoint);
        return socket;
    }

    private int Run(LatencySamples samples, CancellationToken cancellationToken)
    {
        var remote = _far.LocalEndPoint!.Serialize();
        var from = new SocketAddress(AddressFamily.InterNetwork);
        var lost = 0;
        var lostInARow = 0;
        while (!samples.IsFull)
        {
            cancellationToken.ThrowIfCancellationRequested();
            NumberedPayload.Write(_number, _payload);
            var sentAt = Stopwatch.GetTimestamp();
            _near.SendTo(_payload, SocketFlags.None, remote);
            if (TryReceive(from, out var receivedAt))
            {
                _number++;
                lostInARow = 0;
                samples.Add(receivedAt - sentAt);
                continue;
            }

            lost++;
            if (++lostInARow > MostLostInARow)
            {
                throw new CliException(ExitCodes.Failed, "No datagram comes back on loopback any more: look for a firewall rule that drops them.");
            }
        }

        return lost;
    }

    private bool TryReceive(SocketAddress from, out long receivedAt)
    {
        while (TryReceive(_near, _buffer, from, out var length))
        {
            receivedAt = Stopwatch.GetTimestamp();
            if (NumberedPayload.TryRead(_buffer.AsSpan(0, length), _payload.Length, out var number) && number == _number)
            {
                return true;
            }
        }

        receivedAt = 0;
        return false;
    }

    private void Echo()
    {
        var buffer = new byte[BufferSize];
        var from = new SocketAddress(AddressFamily.InterNetwork);
        while (!_isOver)
        {
            if (TryReceive(_far, buffer, from, out var length))
            {
                _far.SendTo(buffer.AsSpan(0, length), SocketFlags.None, from);
            }
        }
    }

    private static bool TryReceive(Socket socket, byte[] buffer, SocketAddress from, out int length)
    {
        try
        {
            length = socket.ReceiveFrom(buffer.AsSpan(), SocketFlags.None, from);
            return true;
        }
        catch (SocketException error) when (error.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            length = 0;
            return false;
        }
    }
}
