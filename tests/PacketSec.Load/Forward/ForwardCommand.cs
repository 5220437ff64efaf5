using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using PacketSec.Cli;

namespace PacketSec.Load.Forward;

/// <summary>
/// Carries a download, and one byte every 100 ms there and back, through <c>psec forward</c>, while sessions are renewed and while a NAT on the way gives
/// the dialler another port. Prints the largest gaps between bytes that came back.
/// </summary>
internal static class ForwardCommand
{
    private const int Download = 16 << 20;

    // Keys are renewed at three quarters of it: twice while the bytes go.
    private const string Lifetime = "12";

    private static readonly TimeSpan RekeyTime = TimeSpan.FromSeconds(22);
    private static readonly TimeSpan RebindTime = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan MostAcrossRekey = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan MostAcrossRebinding = TimeSpan.FromSeconds(3);

    public static Command Create()
    {
        var command = new Command("forward", "Measures the gaps of a forwarded TCP connection across a rekey (300 ms at most) and a NAT rebinding (3 s at most).");
        command.SetAction((_, token) => RunAsync(Console.Out, token));
        return command;
    }

    private static async Task<int> RunAsync(TextWriter output, CancellationToken cancellationToken)
    {
        using var target = new TcpListener(IPAddress.Loopback, 0);
        target.Start();
        var file = RandomNumberGenerator.GetBytes(Download);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var serving = ServeAsync(target, file, stop.Token);

        var far = new ToolRun(["forward", "serve", "--bind", "127.0.0.1:0", "--permit", $"{target.LocalEndpoint}", "--lifetime", Lifetime], stop.Token);
        var listening = await far.WaitForAsync("listening", cancellationToken);
        await using var relay = new RebindingRelay(new(IPAddress.Loopback, listening.GetProperty("port").GetInt32()));
        var address = $"{listening.GetProperty("peer").GetString()}@{relay.LocalEndPoint}";
        var near = new ToolRun(["forward", address, "-L", $"0:{target.LocalEndpoint}", "--lifetime", Lifetime], stop.Token);
        var port = IPEndPoint.Parse((await near.WaitForAsync("forwarding", cancellationToken)).GetProperty("port").GetString()!);
        await near.WaitForAsync("connected", cancellationToken);

        var met = await DownloadAsync(port, file, output, cancellationToken);
        met &= Report(output, "a rekey", await ClockAsync(port, RekeyTime, null, cancellationToken), MostAcrossRekey);
        met &= Report(output, "a NAT rebinding", await ClockAsync(port, RebindTime, relay.Rebind, cancellationToken), MostAcrossRebinding);
        await stop.CancelAsync();
        await Task.WhenAll(far.Ended, near.Ended, serving);
        return met ? ExitCodes.Success : ExitCodes.Failed;
    }

    private static bool Report(TextWriter output, string what, TimeSpan gap, TimeSpan most)
    {
        var isMet = gap <= most;
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"largest gap across {what}: {gap.TotalMilliseconds:0} ms of {most.TotalMilliseconds:0} ms{(isMet ? "" : ": MISSED")}"));
        return isMet;
    }

    private static async Task<bool> DownloadAsync(IPEndPoint port, byte[] file, TextWriter output, CancellationToken cancellationToken)
    {
        using var client = new HttpClient();
        var hash = SHA256.HashData(await client.GetByteArrayAsync(new Uri($"http://{port}/file"), cancellationToken));
        var isSame = hash.AsSpan().SequenceEqual(SHA256.HashData(file));
        output.WriteLine($"HTTP download of {file.Length} bytes: SHA-256 {Convert.ToHexStringLower(hash)}, {(isSame ? "the same" : "ANOTHER than what was sent")}");
        return isSame;
    }

    // The largest time between two bytes that came back.
    private static async Task<TimeSpan> ClockAsync(IPEndPoint port, TimeSpan length, Action? middle, CancellationToken cancellationToken)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(port, cancellationToken);
        var count = (int)(length / TimeSpan.FromMilliseconds(100));
        var receiving = GapAsync(socket, count, cancellationToken);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var i = 0; i < count; i++)
        {
            await socket.SendAsync(new[] { (byte)'E' }, SocketFlags.None, cancellationToken);
            if (i == count / 2)
            {
                middle?.Invoke();
            }

            await timer.WaitForNextTickAsync(cancellationToken);
        }

        return await receiving.WaitAsync(TimeSpan.FromSeconds(30), cancellationToken);
    }

    private static async Task<TimeSpan> GapAsync(Socket socket, int count, CancellationToken cancellationToken)
    {
        var buffer = new byte[1024];
        var last = TimeProvider.System.GetTimestamp();
        var longest = TimeSpan.Zero;
        for (var received = 0; received < count;)
        {
            var some = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
            var now = TimeProvider.System.GetTimestamp();
            var gap = TimeProvider.System.GetElapsedTime(last, now);
            (last, longest) = (now, gap > longest ? gap : longest);
            received += some > 0 ? some : throw new IOException("The forwarded connection ended.");
        }

        return longest;
    }

    private static async Task ServeAsync(TcpListener target, byte[] file, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                _ = AnswerAsync(await target.AcceptSocketAsync(cancellationToken), file, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The run is over.
        }
    }

    // A request gets the file; all else comes back.
    private static async Task AnswerAsync(Socket socket, byte[] file, CancellationToken cancellationToken)
    {
        using (socket)
        {
            socket.NoDelay = true;
            await using var stream = new NetworkStream(socket);
            var buffer = new byte[4096];
            try
            {
                while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var count)
                {
                    if (buffer[0] == 'G')
                    {
                        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {file.Length}\r\nConnection: close\r\n\r\n"), cancellationToken);
                        await stream.WriteAsync(file, cancellationToken);
                        return;
                    }

                    await stream.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
                }
            }
            catch (Exception error) when (error is IOException or OperationCanceledException)
            {
                // The run is over, or the forwarded connection, which its other end tells.
            }
        }
    }
}
