using PacketSec.Crypto;

namespace PacketSec.Simulation.Reference;

/// <summary>
/// The Noise NN handshake of the reference, step by step over bare primitives; independent of the core's engine. Like the library under the reference it
/// takes back a message whose tag fails, and does not take back one whose Diffie-Hellman fails.
/// </summary>
internal sealed class ReferenceNoise
{
    private readonly ICryptoProvider _crypto;
    private byte[] _h = new byte[64];
    private byte[] _ck = new byte[64];

    public ReferenceNoise(ICryptoProvider crypto)
    {
        _crypto = crypto;
        "Noise_NN_25519_ChaChaPoly_BLAKE2b"u8.CopyTo(_h);
        _h.CopyTo(_ck, 0);
        MixHash([]);
    }

    /// <summary>Gets the handshake hash: h1 after the first message, h2 after the second.</summary>
    public ReadOnlySpan<byte> Hash => _h;

    public void First(ReadOnlySpan<byte> ephemeral, ReadOnlySpan<byte> payload)
    {
        MixHash(ephemeral);
        MixHash(payload);
    }

    /// <summary>Seals the second message.</summary>
    /// <returns>Null when the Diffie-Hellman result is zero.</returns>
    public byte[]? WriteSecond(X25519PrivateKey own, ReadOnlySpan<byte> peer, AeadContext aead, Func<byte[]> payload)
    {
        MixHash(own.PublicKey);
        if (MixDh(own, peer) is not { } key)
        {
            return null;
        }

        var plaintext = payload();
        var sealedPayload = new byte[plaintext.Length + AeadContext.TagSize];
        aead.Seal(key, new byte[12], _h, plaintext, sealedPayload);
        byte[] message = [.. own.PublicKey, .. sealedPayload];
        MixHash(sealedPayload);
        return message;
    }

    /// <summary>Opens the second message.</summary>
    public SecondMessage ReadSecond(X25519PrivateKey own, ReadOnlySpan<byte> message, AeadContext aead, out byte[] payload)
    {
        payload = [];
        if (message.Length < 48)
        {
            return SecondMessage.TooShort;
        }

        var (savedHash, savedKey) = (_h, _ck);
        MixHash(message[..32]);
        if (MixDh(own, message[..32]) is not { } key)
        {
            return SecondMessage.LowOrder;
        }

        payload = new byte[message.Length - 48];
        if (!aead.TryOpen(key, new byte[12], _h, message[32..], payload))
        {
            (_h, _ck) = (savedHash, savedKey);
            return SecondMessage.BadTag;
        }

        MixHash(message[32..]);
        return SecondMessage.Good;
    }

    public (byte[] InitiatorToResponder, byte[] ResponderToInitiator) Split()
    {
        var (one, two) = Hkdf([]);
        return (one[..32], two[..32]);
    }

    private byte[]? MixDh(X25519PrivateKey own, ReadOnlySpan<byte> peer)
    {
        Span<byte> shared = stackalloc byte[32];
        if (!own.TryAgree(peer, shared))
        {
            return null;
        }

        var (ck, key) = Hkdf(shared);
        _ck = ck;
        return key[..32];
    }

    private (byte[] One, byte[] Two) Hkdf(ReadOnlySpan<byte> input)
    {
        var (temporary, one, two) = (new byte[64], new byte[64], new byte[64]);
        _crypto.Hmac(HashAlgorithm.Blake2b, _ck, input, [], temporary);
        _crypto.Hmac(HashAlgorithm.Blake2b, temporary, [1], [], one);
        _crypto.Hmac(HashAlgorithm.Blake2b, temporary, one, [2], two);
        return (one, two);
    }

    private void MixHash(ReadOnlySpan<byte> data)
    {
        var next = new byte[64];
        _crypto.Hash(HashAlgorithm.Blake2b, _h, data, next);
        _h = next;
    }
}

/// <summary>What became of a second message.</summary>
internal enum SecondMessage
{
    Good,
    TooShort,
    LowOrder,
    BadTag,
}
