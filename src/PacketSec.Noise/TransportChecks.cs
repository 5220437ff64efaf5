using PacketSec.Crypto;

namespace PacketSec.Noise;

/// <summary>What both transports ask of their callers.</summary>
internal static class TransportChecks
{
    private const int MaxPayloadSize = NoiseProtocol.MaxMessageSize - AeadContext.TagSize;

    public static CipherState Require(CipherState? cipher, bool disposed, object owner)
    {
        ObjectDisposedException.ThrowIf(disposed, owner);
        return cipher ?? throw new InvalidOperationException("A one-way pattern lets only the initiator send and only the responder receive.");
    }

    /// <summary>The part of the buffer that the message takes.</summary>
    public static Span<byte> Message(ReadOnlySpan<byte> payload, Span<byte> message)
    {
        if (payload.Length > MaxPayloadSize)
        {
            throw new ArgumentException($"A payload has at most {MaxPayloadSize} bytes.", nameof(payload));
        }

        return message.Length >= payload.Length + AeadContext.TagSize
            ? message[..(payload.Length + AeadContext.TagSize)]
            : throw new ArgumentException($"The buffer needs {payload.Length + AeadContext.TagSize} bytes.", nameof(message));
    }

    /// <summary>Cuts the buffer to the payload's size; false for a message of an impossible size.</summary>
    public static bool TryPayload(ReadOnlySpan<byte> message, ref Span<byte> payload)
    {
        if (message.Length is < AeadContext.TagSize or > NoiseProtocol.MaxMessageSize)
        {
            return false;
        }

        if (payload.Length < message.Length - AeadContext.TagSize)
        {
            throw new ArgumentException($"The buffer needs {message.Length - AeadContext.TagSize} bytes.", nameof(payload));
        }

        payload = payload[..(message.Length - AeadContext.TagSize)];
        return true;
    }
}
