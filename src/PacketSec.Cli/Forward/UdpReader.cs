using System.Buffers;
using System.Net.Sockets;

namespace PacketSec.Cli.Forward;

/// <summary>Waits at UDP sockets without a buffer for each, of which there are as many as there are flows.</summary>
internal static class UdpReader
{
    /// <summary>Receives until the token ends it or the socket fails.</summary>
    /// <param name="socket">The socket, connected.</param>
    /// <param name="take">Takes a datagram.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task RunAsync(Socket socket, DatagramTaker take, CancellationToken cancellationToken)
    {
        var first = new byte[1];
        while (true)
        {
            try
            {
                await socket.ReceiveAsync(first, SocketFlags.Peek, cancellationToken);
                Receive(socket, take);
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.MessageSize)
            {
                // The datagram has more than the one byte that was looked at, and the system says so.
                Receive(socket, take);
            }
            catch (SocketException error) when (error.SocketErrorCode is SocketError.ConnectionRefused or SocketError.ConnectionReset)
            {
                // Nobody is at the target now, as the answer to an earlier datagram says.
            }
        }
    }

    private static void Receive(Socket socket, DatagramTaker take)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(FlowTable.BufferSize);
        try
        {
            take(buffer.AsSpan(0, socket.Receive(buffer)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
