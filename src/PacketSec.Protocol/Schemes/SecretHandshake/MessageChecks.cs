using PacketSec.Crypto;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.SecretHandshake;

namespace PacketSec.Protocol.Schemes.SecretHandshake;

/// <summary>What is checked of a message before anything is computed that costs. Nothing here depends on a long-term key, and nothing allocates.</summary>
internal static class MessageChecks
{
    /// <summary>Checks a message 1 but for its tag.</summary>
    public static DropReason Check(in SecretHandshakeContext context, ReadOnlySpan<byte> datagram, out Message1 message)
    {
        message = default;
        var reason = CheckLength(datagram, Message1.Size, context.HasNetworkKey);
        if (reason != DropReason.None)
        {
            return reason;
        }

        if (!context.IsOfNetwork(datagram[..Message1.Size], default, datagram[Message1.Size..]))
        {
            return DropReason.NotAuthentic;
        }

        //= spec/secret-handshake.md#message-1-layout
        if (!WireMessage.TryRead(datagram, out message))
        {
            return DropReason.Malformed;
        }

        //= spec/secret-handshake.md#zero-dh
        return Curve25519Rules.IsSmallOrderX25519(message.Ephemeral) ? DropReason.LowOrderKey : DropReason.None;
    }

    /// <summary>Checks a message 2 as the answer to one's own message 1.</summary>
    /// <param name="context">The endpoint's.</param>
    /// <param name="datagram">The datagram.</param>
    /// <param name="ephemeral">The ephemeral key of one's message 1.</param>
    /// <param name="message">The message, a view of the datagram.</param>
    public static DropReason Check(in SecretHandshakeContext context, ReadOnlySpan<byte> datagram, ReadOnlySpan<byte> ephemeral, out Message2 message)
    {
        message = default;
        var reason = CheckLength(datagram, Message2.Size, context.HasNetworkKey);
        if (reason != DropReason.None)
        {
            return reason;
        }

        //= spec/secret-handshake.md#message-2-layout
        if (!WireMessage.TryRead(datagram, out message) || !message.Call.SequenceEqual(ephemeral[..Message2.CallSize]))
        {
            return DropReason.NoHandshake;
        }

        if (!context.IsOfNetwork(datagram[..Message2.Size], ephemeral, datagram[Message2.Size..]))
        {
            return DropReason.NotAuthentic;
        }

        //= spec/secret-handshake.md#zero-dh
        return Curve25519Rules.IsSmallOrderX25519(message.Ephemeral) ? DropReason.LowOrderKey : DropReason.None;
    }

    /// <summary>Checks a message 3 but for its cookie.</summary>
    public static DropReason Check(ReadOnlySpan<byte> datagram, out Message3 message)
    {
        message = default;
        var reason = CheckLength(datagram, Message3.Size, hasNetworkKey: false);
        if (reason != DropReason.None)
        {
            return reason;
        }

        return !WireMessage.TryRead(datagram, out message) ? DropReason.Malformed
            : Curve25519Rules.IsSmallOrderX25519(message.Ephemeral) ? DropReason.LowOrderKey : DropReason.None;
    }

    //= spec/secret-handshake.md#message-length
    private static DropReason CheckLength(ReadOnlySpan<byte> datagram, int size, bool hasNetworkKey)
    {
        size += hasNetworkKey ? Message2.MacSize : 0;
        return datagram.Length < size ? DropReason.TooShort : datagram.Length > size ? DropReason.TooLong : DropReason.None;
    }
}
