using PacketSec.Crypto;
using static System.Security.Cryptography.CryptographicOperations;

namespace PacketSec.Noise;

/// <content>The tokens of a message, one after the other.</content>
public sealed partial class HandshakeState
{
    private static ReadOnlySpan<byte> BasePoint => [9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private bool TryWriteTokens(Span<byte> message, out int offset)
    {
        offset = 0;
        foreach (var token in _pattern.Messages[_messageIndex].Tokens)
        {
            if (token == PatternToken.E)
            {
                _ephemeral ??= EphemeralKey.Generate(_crypto, _random);
                _ephemeral.Key.PublicKey.CopyTo(_publicKeys.Learn(KnownKeys.LocalEphemeral));
                LocalEphemeral.CopyTo(message[offset..]);
                MixEphemeral(LocalEphemeral);
                offset += KeySize;
            }
            else if (token == PatternToken.S)
            {
                var size = EncryptedKeySize;
                _symmetric.EncryptAndHash(_localStatic!.PublicKey, message.Slice(offset, size));
                offset += size;
            }
            else if (!TryMix(token, toTheEnd: false))
            {
                return false;
            }
        }

        return true;
    }

    private bool TryReadTokens(ReadOnlySpan<byte> message, bool toTheEnd, out int offset)
    {
        offset = 0;
        var genuine = true;
        foreach (var token in _pattern.Messages[_messageIndex].Tokens)
        {
            if (token == PatternToken.E)
            {
                message.Slice(offset, KeySize).CopyTo(_publicKeys.Learn(KnownKeys.RemoteEphemeral));
                MixEphemeral(RemoteEphemeral);
                offset += KeySize;
            }
            else if (token == PatternToken.S)
            {
                var size = EncryptedKeySize;
                genuine &= TryDecrypt(message.Slice(offset, size), _publicKeys.Learn(KnownKeys.RemoteStatic), toTheEnd);
                offset += size;
            }
            else
            {
                genuine &= TryMix(token, toTheEnd);
            }

            if (!genuine && !toTheEnd)
            {
                return false;
            }
        }

        return genuine;
    }

    private int EncryptedKeySize => KeySize + (_symmetric.HasKey ? AeadContext.TagSize : 0);

    private bool TryDecrypt(ReadOnlySpan<byte> ciphertext, Span<byte> plaintext, bool toTheEnd)
    {
        if (_symmetric.TryDecryptAndHash(ciphertext, plaintext))
        {
            return true;
        }

        if (toTheEnd)
        {
            _symmetric.MixHash(ciphertext);
        }

        return false;
    }

    /// <summary>The tokens that both sides treat alike. The rules of patterns see to it that each key is there.</summary>
    private bool TryMix(PatternToken token, bool toTheEnd)
    {
        switch (token)
        {
            case PatternToken.EE:
                return TryMixAgreement(_ephemeral!.Key, RemoteEphemeral, toTheEnd);
            case PatternToken.ES:
                return IsInitiator ? TryMixAgreement(_ephemeral!.Key, RemoteStatic, toTheEnd) : TryMixAgreement(_localStatic!, RemoteEphemeral, toTheEnd);
            case PatternToken.SE:
                return IsInitiator ? TryMixAgreement(_localStatic!, RemoteEphemeral, toTheEnd) : TryMixAgreement(_ephemeral!.Key, RemoteStatic, toTheEnd);
            case PatternToken.SS:
                return TryMixAgreement(_localStatic!, RemoteStatic, toTheEnd);
            case PatternToken.Psk:
                _symmetric.MixKeyAndHash(_preSharedKeys[_preSharedKeysUsed].Span);
                _preSharedKeysUsed++;
                return true;
            case PatternToken.E:
            case PatternToken.S:
            default:
                throw new ArgumentOutOfRangeException(nameof(token), token, "Not a token of shared keys.");
        }
    }

    private bool TryMixAgreement(X25519PrivateKey local, ReadOnlySpan<byte> remote, bool toTheEnd)
    {
        Span<byte> shared = stackalloc byte[KeySize];
        try
        {
            var agreed = local.TryAgree(remote, shared);
            if (!agreed && toTheEnd)
            {
                // A key of small order is refused before anything is computed.
                local.TryAgree(BasePoint, shared);
            }

            if (agreed || toTheEnd)
            {
                _symmetric.MixKey(shared);
            }

            return agreed;
        }
        finally
        {
            ZeroMemory(shared);
        }
    }

    /// <summary>With psks the ephemeral keys also enter the key, which makes it fresh (section 9.2).</summary>
    private void MixEphemeral(ReadOnlySpan<byte> publicKey)
    {
        _symmetric.MixHash(publicKey);
        if (_pattern.PskCount > 0)
        {
            _symmetric.MixKey(publicKey);
        }
    }
}
