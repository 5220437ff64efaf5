using System.Buffers.Binary;
using PacketSec.Crypto;
using static System.Security.Cryptography.CryptographicOperations;

namespace PacketSec.Noise;

/// <summary>The SymmetricState object (Noise revision 34, section 5.2): chaining key, handshake hash, and a CipherState.</summary>
/// <remarks>
/// All secrets stand in one pinned array, so that a snapshot is one copy and wiping is one fill. Not thread-safe.
/// </remarks>
internal sealed class SymmetricState : IDisposable
{
    /// <summary>The size of a snapshot in bytes: the secrets, the nonce, and whether there is a key.</summary>
    public const int SnapshotSize = SecretsSize + sizeof(ulong) + 1;

    private const int HashOffset = 0;
    private const int ChainingKeyOffset = HashAlgorithms.MaxHashSize;
    private const int CipherKeyOffset = 2 * HashAlgorithms.MaxHashSize;
    private const int SecretsSize = CipherKeyOffset + CipherState.KeySize;

    private readonly ICryptoProvider _crypto;
    private readonly AeadAlgorithm _aead;
    private readonly HashAlgorithm _algorithm;
    private readonly int _hashSize;
    private readonly byte[] _secrets = GC.AllocateArray<byte>(SecretsSize, pinned: true);
    private readonly CipherState _cipher;

    private SymmetricState(ICryptoProvider crypto, AeadAlgorithm aead, HashAlgorithm hash)
    {
        _crypto = crypto;
        _aead = aead;
        _algorithm = hash;
        _hashSize = hash.HashSize();
        _cipher = new CipherState(crypto, aead, _secrets.AsMemory(CipherKeyOffset, CipherState.KeySize));
    }

    public bool HasKey => _cipher.HasKey;

    /// <summary>GetHandshakeHash().</summary>
    public ReadOnlySpan<byte> HandshakeHash => Hash;

    /// <summary>For tests: everything that must be zero in the end.</summary>
    internal ReadOnlySpan<byte> Secrets => _secrets;

    private Span<byte> Hash => _secrets.AsSpan(HashOffset, _hashSize);

    private Span<byte> ChainingKey => _secrets.AsSpan(ChainingKeyOffset, _hashSize);

    /// <summary>InitializeSymmetric(protocol_name): a name longer than a hash is hashed, a shorter one is padded with zeros.</summary>
    public static SymmetricState Initialize(ICryptoProvider crypto, NoiseProtocol protocol)
    {
        var state = new SymmetricState(crypto, protocol.Aead, protocol.Hash);
        if (protocol.NameBytes.Length <= state._hashSize)
        {
            protocol.NameBytes.CopyTo(state.Hash);
        }
        else
        {
            crypto.Hash(protocol.Hash, protocol.NameBytes, [], state.Hash);
        }

        state.Hash.CopyTo(state.ChainingKey);
        return state;
    }

    /// <summary>An independent copy.</summary>
    public SymmetricState Clone()
    {
        var clone = new SymmetricState(_crypto, _aead, _algorithm);
        _secrets.CopyTo(clone._secrets, 0);
        clone._cipher.Restore(_cipher.HasKey, _cipher.Nonce);
        return clone;
    }

    public void MixKey(ReadOnlySpan<byte> input)
    {
        Span<byte> outputs = stackalloc byte[2 * HashAlgorithms.MaxHashSize];
        outputs = outputs[..(2 * _hashSize)];
        try
        {
            Hkdf(input, outputs);
            outputs[.._hashSize].CopyTo(ChainingKey);
            _cipher.InitializeKey(outputs.Slice(_hashSize, CipherState.KeySize));
        }
        finally
        {
            ZeroMemory(outputs);
        }
    }

    public void MixHash(ReadOnlySpan<byte> data)
    {
        Span<byte> next = stackalloc byte[HashAlgorithms.MaxHashSize];
        next = next[.._hashSize];
        _crypto.Hash(_algorithm, Hash, data, next);
        next.CopyTo(Hash);
    }

    public void MixKeyAndHash(ReadOnlySpan<byte> input)
    {
        Span<byte> outputs = stackalloc byte[3 * HashAlgorithms.MaxHashSize];
        outputs = outputs[..(3 * _hashSize)];
        try
        {
            Hkdf(input, outputs);
            outputs[.._hashSize].CopyTo(ChainingKey);
            MixHash(outputs.Slice(_hashSize, _hashSize));
            _cipher.InitializeKey(outputs.Slice(2 * _hashSize, CipherState.KeySize));
        }
        finally
        {
            ZeroMemory(outputs);
        }
    }

    /// <param name="plaintext">The plaintext.</param>
    /// <param name="ciphertext">As long as the plaintext, and a tag longer while there is a key.</param>
    public void EncryptAndHash(ReadOnlySpan<byte> plaintext, Span<byte> ciphertext)
    {
        _cipher.EncryptWithAd(Hash, plaintext, ciphertext);
        MixHash(ciphertext);
    }

    public bool TryDecryptAndHash(ReadOnlySpan<byte> ciphertext, Span<byte> plaintext)
    {
        if (!_cipher.TryDecryptWithAd(Hash, ciphertext, plaintext))
        {
            return false;
        }

        MixHash(ciphertext);
        return true;
    }

    /// <summary>Split(): the raw keys, the initiator's sending key first.</summary>
    public void Split(Span<byte> first, Span<byte> second)
    {
        Span<byte> outputs = stackalloc byte[2 * HashAlgorithms.MaxHashSize];
        outputs = outputs[..(2 * _hashSize)];
        try
        {
            Hkdf([], outputs);
            outputs[..CipherState.KeySize].CopyTo(first);
            outputs.Slice(_hashSize, CipherState.KeySize).CopyTo(second);
        }
        finally
        {
            ZeroMemory(outputs);
        }
    }

    /// <summary>Copies the whole state to a span of <see cref="SnapshotSize"/> bytes; the caller zeroes it.</summary>
    public void Save(Span<byte> snapshot)
    {
        _secrets.CopyTo(snapshot);
        BinaryPrimitives.WriteUInt64LittleEndian(snapshot[SecretsSize..], _cipher.Nonce);
        snapshot[SnapshotSize - 1] = _cipher.HasKey ? (byte)1 : (byte)0;
    }

    public void Restore(ReadOnlySpan<byte> snapshot)
    {
        snapshot[..SecretsSize].CopyTo(_secrets);
        _cipher.Restore(snapshot[SnapshotSize - 1] != 0, BinaryPrimitives.ReadUInt64LittleEndian(snapshot[SecretsSize..]));
    }

    /// <summary>Wipes the chaining key and the cipher's key; the handshake hash stays.</summary>
    public void WipeKeys()
    {
        ZeroMemory(ChainingKey);
        _cipher.Dispose();
    }

    public void Dispose()
    {
        _cipher.Dispose();
        ZeroMemory(_secrets);
    }

    /// <summary>HKDF of section 4.3, for as many outputs of one hash as the span holds.</summary>
    private void Hkdf(ReadOnlySpan<byte> input, Span<byte> outputs)
    {
        Span<byte> extracted = stackalloc byte[HashAlgorithms.MaxHashSize];
        extracted = extracted[.._hashSize];
        try
        {
            _crypto.Hmac(_algorithm, ChainingKey, input, [], extracted);
            ReadOnlySpan<byte> previous = [];
            for (byte number = 1; !outputs.IsEmpty; number++)
            {
                _crypto.Hmac(_algorithm, extracted, previous, [number], outputs[.._hashSize]);
                previous = outputs[.._hashSize];
                outputs = outputs[_hashSize..];
            }
        }
        finally
        {
            ZeroMemory(extracted);
        }
    }
}
