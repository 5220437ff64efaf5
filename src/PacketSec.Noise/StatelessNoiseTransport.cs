using PacketSec.Crypto;

namespace PacketSec.Noise;

/// <summary>
/// Transport messages that may be lost or arrive in any order: the nonce is a parameter, which travels with the message (section 11.4).
/// </summary>
/// <remarks>
/// The caller never seals two messages under one nonce, and keeps the window that recognises replays. One thread at a time may send and one,
/// the same or another, receive.
/// </remarks>
public sealed class StatelessNoiseTransport : IDisposable
{
    private readonly CipherState? _sending;
    private readonly CipherState? _receiving;
    private bool _disposed;

    internal StatelessNoiseTransport(CipherState? sending, CipherState? receiving)
    {
        _sending = sending;
        _receiving = receiving;
    }

    /// <summary>Gets whether this side may send: false for the responder of a one-way pattern.</summary>
    public bool CanSend => _sending is not null;

    /// <summary>Gets whether this side may receive: false for the initiator of a one-way pattern.</summary>
    public bool CanReceive => _receiving is not null;

    /// <summary>Gets how many bytes a message has beyond its payload.</summary>
    public static int MessageOverhead => AeadContext.TagSize;

    /// <summary>For tests.</summary>
    internal CipherState Sending => TransportChecks.Require(_sending, _disposed, this);

    /// <summary>For tests.</summary>
    internal CipherState Receiving => TransportChecks.Require(_receiving, _disposed, this);

    /// <summary>Writes a message under a nonce.</summary>
    /// <param name="nonce">Never used before with this transport; 2^64 - 1 is reserved.</param>
    /// <param name="associatedData">Authenticated, not sent: a packet header for example.</param>
    /// <param name="payload">At most 65519 bytes.</param>
    /// <param name="message">At least 16 bytes longer than the payload; may start where the payload starts, not overlap it otherwise.</param>
    /// <returns>The length of the message in bytes.</returns>
    /// <exception cref="InvalidOperationException">This side may not send, or the nonce is the reserved one.</exception>
    /// <exception cref="ArgumentException">The payload is too large or the buffer too small.</exception>
    public int WriteMessage(ulong nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> payload, Span<byte> message)
    {
        var sending = Sending;
        message = TransportChecks.Message(payload, message);
        sending.EncryptAt(nonce, associatedData, payload, message);
        return message.Length;
    }

    /// <summary>Reads a message under the nonce it came with.</summary>
    /// <param name="nonce">The nonce.</param>
    /// <param name="associatedData">What was authenticated besides the payload.</param>
    /// <param name="message">The whole message.</param>
    /// <param name="payload">At least 16 bytes shorter than the message; does not overlap it.</param>
    /// <param name="payloadLength">The length of the payload in bytes.</param>
    /// <returns>False for a message that is not genuine.</returns>
    /// <exception cref="InvalidOperationException">This side may not receive.</exception>
    /// <exception cref="ArgumentException">The payload's buffer is too small.</exception>
    public bool TryReadMessage(
        ulong nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> message, Span<byte> payload, out int payloadLength)
    {
        var receiving = Receiving;
        payloadLength = 0;
        if (!TransportChecks.TryPayload(message, ref payload) || !receiving.TryDecryptAt(nonce, associatedData, message, payload))
        {
            return false;
        }

        payloadLength = payload.Length;
        return true;
    }

    /// <summary>Replaces the sending key (section 11.3); both sides must know for which nonces it serves.</summary>
    /// <exception cref="InvalidOperationException">This side may not send.</exception>
    public void RekeySending() => Sending.Rekey();

    /// <summary>Replaces the receiving key (section 11.3); both sides must know for which nonces it serves.</summary>
    /// <exception cref="InvalidOperationException">This side may not receive.</exception>
    public void RekeyReceiving() => Receiving.Rekey();

    /// <summary>Wipes the keys. Idempotent.</summary>
    public void Dispose()
    {
        _disposed = true;
        _sending?.Dispose();
        _receiving?.Dispose();
    }
}
