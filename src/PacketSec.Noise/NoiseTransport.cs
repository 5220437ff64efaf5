using PacketSec.Crypto;

namespace PacketSec.Noise;

/// <summary>Transport messages that arrive complete and in order: the nonces count by themselves.</summary>
/// <remarks>One thread at a time may send and one, the same or another, receive.</remarks>
public sealed class NoiseTransport : IDisposable
{
    private readonly CipherState? _sending;
    private readonly CipherState? _receiving;
    private bool _disposed;

    internal NoiseTransport(CipherState? sending, CipherState? receiving)
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

    /// <summary>For tests that come near the end of the nonces.</summary>
    internal CipherState Sending => TransportChecks.Require(_sending, _disposed, this);

    /// <summary>For tests that come near the end of the nonces.</summary>
    internal CipherState Receiving => TransportChecks.Require(_receiving, _disposed, this);

    /// <summary>Writes the next message.</summary>
    /// <param name="payload">At most 65519 bytes.</param>
    /// <param name="message">At least 16 bytes longer than the payload; may start where the payload starts, not overlap it otherwise.</param>
    /// <returns>The length of the message in bytes.</returns>
    /// <exception cref="InvalidOperationException">This side may not send, or all 2^64 - 1 nonces are used.</exception>
    /// <exception cref="ArgumentException">The payload is too large or the buffer too small.</exception>
    public int WriteMessage(ReadOnlySpan<byte> payload, Span<byte> message)
    {
        var sending = Sending;
        message = TransportChecks.Message(payload, message);
        sending.EncryptWithAd([], payload, message);
        return message.Length;
    }

    /// <summary>Reads the next message.</summary>
    /// <param name="message">The whole message.</param>
    /// <param name="payload">At least 16 bytes shorter than the message; does not overlap it.</param>
    /// <param name="payloadLength">The length of the payload in bytes.</param>
    /// <returns>False for a message that is not the genuine next one; the state is as before.</returns>
    /// <exception cref="InvalidOperationException">This side may not receive.</exception>
    /// <exception cref="ArgumentException">The payload's buffer is too small.</exception>
    public bool TryReadMessage(ReadOnlySpan<byte> message, Span<byte> payload, out int payloadLength)
    {
        var receiving = Receiving;
        payloadLength = 0;
        if (!TransportChecks.TryPayload(message, ref payload) || !receiving.TryDecryptWithAd([], message, payload))
        {
            return false;
        }

        payloadLength = payload.Length;
        return true;
    }

    /// <summary>Replaces the sending key (section 11.3), as the other side its receiving key at the same place. The nonce goes on.</summary>
    /// <exception cref="InvalidOperationException">This side may not send.</exception>
    public void RekeySending() => Sending.Rekey();

    /// <summary>Replaces the receiving key (section 11.3), as the other side its sending key at the same place. The nonce goes on.</summary>
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
