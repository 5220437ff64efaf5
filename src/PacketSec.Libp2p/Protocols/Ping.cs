using System.Buffers;
using System.Security.Cryptography;
using PacketSec.Libp2p.Transports;

namespace PacketSec.Libp2p.Protocols;

/// <summary>32 random bytes there and back.</summary>
internal static class Ping
{
    public const string ProtocolId = "/ipfs/ping/1.0.0";

    /// <summary>The bytes of one ping.</summary>
    public const int Size = 32;

    /// <summary>How many streams of a connection may be pings of the peer at once.</summary>
    public const int MaxInboundStreams = 2;

    /// <summary>Sends a ping and waits for its echo.</summary>
    /// <returns>The round trip.</returns>
    /// <exception cref="Libp2pException"><see cref="Libp2pError.Malformed"/> for another echo; or the stream is reset or over.</exception>
    //= spec/libp2p.md#ping-echo
    public static async Task<TimeSpan> MeasureAsync(IStream stream, TimeProvider time, CancellationToken cancellationToken)
    {
        var payload = RandomNumberGenerator.GetBytes(Size);
        var begun = time.GetTimestamp();
        stream.Output.Write(payload);
        await stream.Output.FlushAsync(cancellationToken).ConfigureAwait(false);
        var result = await stream.Input.ReadAtLeastAsync(Size, cancellationToken).ConfigureAwait(false);
        var elapsed = time.GetElapsedTime(begun);
        var same = result.Buffer.Length >= Size && result.Buffer.Slice(0, Size).ToArray().AsSpan().SequenceEqual(payload);
        stream.Input.AdvanceTo(result.Buffer.GetPosition(Math.Min(Size, result.Buffer.Length)));
        return same ? elapsed : throw new Libp2pException(Libp2pError.Malformed, "The peer answers a ping with other bytes than those that were sent.");
    }

    /// <summary>Sends each ping back until the peer ends the stream.</summary>
    public static async Task EchoAsync(IStream stream, CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await stream.Input.ReadAtLeastAsync(Size, cancellationToken).ConfigureAwait(false);
            if (result.Buffer.Length < Size)
            {
                stream.Input.AdvanceTo(result.Buffer.End);
                stream.CompleteWrites();
                return;
            }

            var ping = result.Buffer.Slice(0, Size);
            stream.Output.Write(ping.ToArray());
            stream.Input.AdvanceTo(ping.End);
            if ((await stream.Output.FlushAsync(cancellationToken).ConfigureAwait(false)).IsCompleted)
            {
                return;
            }
        }
    }
}
