using System.Net;
using System.Net.Sockets;

namespace PacketSec.Tests.Cli;

/// <summary><c>psec forward serve</c> and <c>psec forward</c>, connected over loopback.</summary>
internal sealed class ForwardPair : IAsyncDisposable
{
    private ForwardPair(RunningCli far, RunningCli near) => (Far, Near) = (far, near);

    /// <summary>Gets the side that serves.</summary>
    public RunningCli Far { get; }

    /// <summary>Gets the side that dialled.</summary>
    public RunningCli Near { get; }

    /// <summary>Starts both and waits until they forward.</summary>
    /// <param name="folder">Where keys go.</param>
    /// <param name="serve">Arguments of the side that serves.</param>
    /// <param name="forward">Arguments of the side that dials.</param>
    public static async Task<ForwardPair> StartAsync(TemporaryFolder folder, string[] serve, string[] forward)
    {
        var far = await ServeAsync(folder, "127.0.0.1:0", serve);
        var near = RunningCli.Start(["forward", "--json", await far.AddressAsync(), .. forward]);
        await near.Output.WaitForJsonAsync("connected");
        return new(far, near);
    }

    public static async Task<RunningCli> ServeAsync(TemporaryFolder folder, string bind, params string[] args)
    {
        var far = RunningCli.Start(["forward", "serve", "--json", "--key", folder["far.key"], "--bind", bind, .. args]);
        await far.AddressAsync();
        return far;
    }

    /// <summary>Returns the port that leads to a target.</summary>
    public async Task<IPEndPoint> PortAsync()
        => IPEndPoint.Parse((await Near.Output.WaitForJsonAsync("forwarding")).GetProperty("port").GetString()!);

    /// <summary>Connects to the port that leads to a target.</summary>
    public async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var ceiling = Api.EndpointPair.Ceiling();
        await socket.ConnectAsync(await PortAsync(), ceiling.Token);
        return socket;
    }

    public async ValueTask DisposeAsync()
    {
        await Near.DisposeAsync();
        await Far.DisposeAsync();
    }
}

/// <summary>What ports lead to.</summary>
internal static class ForwardTargets
{
    /// <summary>Returns a socket that nobody connects to but the side of the target.</summary>
    public static Socket Listen()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        return socket;
    }

    public static Socket BindUdp()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    public static string Of(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).ToString();

    public static async Task<Socket> TakeAsync(this Socket listener)
    {
        using var ceiling = Api.EndpointPair.Ceiling();
        return await listener.AcceptAsync(ceiling.Token);
    }

    /// <summary>Takes the connection that a client's leads to.</summary>
    /// <exception cref="SocketException">The client's was reset instead.</exception>
    public static async Task<Socket> TakeAsync(this Socket listener, Socket client)
    {
        using var ceiling = Api.EndpointPair.Ceiling();
        var taking = listener.AcceptAsync(ceiling.Token).AsTask();
        var reading = client.ReceiveAsync(new byte[1], SocketFlags.None, ceiling.Token).AsTask();
        if (await Task.WhenAny(taking, reading) == reading)
        {
            await ceiling.CancelAsync();
            await reading;
        }

        return await taking;
    }

    public static async Task SendAllAsync(this Socket socket, ReadOnlyMemory<byte> bytes)
    {
        using var ceiling = Api.EndpointPair.Ceiling();
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, ceiling.Token)..];
        }
    }

    /// <summary>Reads to the end.</summary>
    public static async Task<byte[]> ReadAllAsync(this Socket socket)
    {
        using var ceiling = Api.EndpointPair.Ceiling();
        using var all = new MemoryStream();
        var buffer = new byte[65_536];
        while (await socket.ReceiveAsync(buffer, SocketFlags.None, ceiling.Token) is > 0 and var count)
        {
            all.Write(buffer, 0, count);
        }

        return all.ToArray();
    }

    /// <summary>Reads what is there, once.</summary>
    public static async Task<byte[]> ReadSomeAsync(this Socket socket)
    {
        using var ceiling = Api.EndpointPair.Ceiling();
        var buffer = new byte[65_536];
        return buffer[..await socket.ReceiveAsync(buffer, SocketFlags.None, ceiling.Token)];
    }

    /// <summary>Asserts that a connection to a port is reset at once, which may be before it is known to stand.</summary>
    public static async Task AssertResetsAsync(this IPEndPoint port)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        var error = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            await socket.ConnectAsync(port);
            await socket.ReadAllAsync();
        });
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }

    /// <summary>Asserts that the other side ended the connection as one that failed.</summary>
    public static async Task AssertResetAsync(this Socket socket)
    {
        var error = await Assert.ThrowsAsync<SocketException>(() => socket.ReadAllAsync());
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }
}
