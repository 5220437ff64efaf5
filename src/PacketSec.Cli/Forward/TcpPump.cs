using System.Buffers;
using System.Net.Sockets;

namespace PacketSec.Cli.Forward;

/// <summary>Carries a TCP connection over a stream, both ways, each at the pace of the slower side.</summary>
internal static class TcpPump
{
    /// <summary>The code of streams whose TCP connection failed.</summary>
    public const long Failed = 1;

    private const int Piece = 16 * 1024;

    /// <summary>Runs until both directions have ended, or one has failed and both are reset. The socket is closed then; the stream is the caller's.</summary>
    /// <param name="socket">The TCP connection.</param>
    /// <param name="stream">The stream, behind request and answer.</param>
    /// <param name="cancellationToken">Resets both.</param>
    /// <returns>Whether both directions came to their ends.</returns>
    //= spec/forward.md#forward-reset
    public static async Task<bool> RunAsync(Socket socket, PacketSecStream stream, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] directions = [SendAsync(socket, stream, stop.Token), ReceiveAsync(socket, stream, stop.Token)];
        await foreach (var done in Task.WhenEach(directions))
        {
            if (!done.IsCompletedSuccessfully)
            {
                await stop.CancelAsync();
            }
        }

        if (directions.FirstOrDefault(direction => !direction.IsCompletedSuccessfully) is not { } failed)
        {
            socket.Dispose();
            return true;
        }

        Abort(socket);
        GiveUp(stream);
        return failed.Exception?.InnerException is null or SocketException or PacketSecConnectionException or ObjectDisposedException
            ? false
            : throw failed.Exception.InnerException;
    }

    /// <summary>Closes a TCP connection so that its other side sees that it failed.</summary>
    public static void Abort(Socket socket)
    {
        if (socket.SocketType == SocketType.Stream)
        {
            socket.LingerState = new(true, 0);
        }

        socket.Dispose();
    }

    /// <summary>Resets both directions of a stream.</summary>
    public static void GiveUp(PacketSecStream stream)
    {
        stream.Reset(Failed);
        stream.StopSending(Failed);
    }

    private static async Task SendAsync(Socket socket, PacketSecStream stream, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Piece);
        try
        {
            while (await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken) is > 0 and var count)
            {
                await stream.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            }

            //= spec/forward.md#forward-half-close
            stream.CompleteWrites();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task ReceiveAsync(Socket socket, PacketSecStream stream, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Piece);
        try
        {
            while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var count)
            {
                for (var sent = 0; sent < count;)
                {
                    sent += await socket.SendAsync(buffer.AsMemory(sent, count - sent), SocketFlags.None, cancellationToken);
                }
            }

            socket.Shutdown(SocketShutdown.Send);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
