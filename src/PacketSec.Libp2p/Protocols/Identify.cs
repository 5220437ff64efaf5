using PacketSec.Crypto;
using PacketSec.Libp2p.Negotiation;
using PacketSec.Libp2p.Transports;
using PacketSec.Protocol.Identity;

namespace PacketSec.Libp2p.Protocols;

/// <summary>The exchange of <see cref="IdentifyMessage"/>s: asked for, and pushed.</summary>
internal static class Identify
{
    public const string ProtocolId = "/ipfs/id/1.0.0";

    public const string PushProtocolId = "/ipfs/id/push/1.0.0";

    /// <summary>How many pieces a message may come in: implementations split one that does not fit their buffers.</summary>
    public const int MaxPieces = 10;

    /// <summary>Writes the own message and ends the stream.</summary>
    public static async Task SendAsync(IStream stream, IdentifyMessage message, CancellationToken cancellationToken)
    {
        DelimitedMessage.Write(stream.Output, message.ToBytes());
        await stream.Output.FlushAsync(cancellationToken).ConfigureAwait(false);
        stream.CompleteWrites();
    }

    /// <summary>Reads the peer's message up to the end of the stream.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="peer">The proven identity.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="Libp2pException">
    /// The message is <see cref="Libp2pError.Malformed"/>, or has the key of <see cref="Libp2pError.WrongPeer"/>; or the stream ended.
    /// </exception>
    //= spec/libp2p.md#identify-bounds
    public static async Task<IdentifyMessage> ReceiveAsync(IStream stream, PeerId peer, CancellationToken cancellationToken)
    {
        var pieces = new List<byte>();
        for (var count = 0; count <= MaxPieces; count++)
        {
            var room = IdentifyMessage.MaxSize - pieces.Count;
            var (status, piece) = await DelimitedMessage.ReadAsync(stream.Input, room, cancellationToken).ConfigureAwait(false);
            if (status == MessageStatus.Ended && count > 0)
            {
                return Check([.. pieces], peer);
            }

            if (status != MessageStatus.Complete)
            {
                break;
            }

            pieces.AddRange(piece);
        }

        throw Malformed(peer);
    }

    //= spec/libp2p.md#identify-key
    private static IdentifyMessage Check(byte[] encoded, PeerId peer)
    {
        if (!IdentifyMessage.TryRead(encoded, out var message))
        {
            throw Malformed(peer);
        }

        return message.PublicKey is not { } key || PeerId.FromPublicKey(key, CryptoProvider.Default).Equals(peer)
            ? message
            : throw new Libp2pException(Libp2pError.WrongPeer, $"{peer} tells another key than the one it has proved: nothing of what it tells is believed.");
    }

    private static Libp2pException Malformed(PeerId peer)
        => new(Libp2pError.Malformed, $"What {peer} tells of itself is no message of at most {IdentifyMessage.MaxSize} bytes in {MaxPieces} pieces.");
}
