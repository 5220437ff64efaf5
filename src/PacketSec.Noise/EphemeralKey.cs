using PacketSec.Crypto;
using static System.Security.Cryptography.CryptographicOperations;

namespace PacketSec.Noise;

/// <summary>
/// An ephemeral private key that a handshake state and its clones share, wiped with the last of them. Clones may live on different threads,
/// hence the interlocked count.
/// </summary>
internal sealed class EphemeralKey
{
    private readonly bool _owned;
    private int _holders = 1;

    private EphemeralKey(X25519PrivateKey key, bool owned)
    {
        Key = key;
        _owned = owned;
    }

    public X25519PrivateKey Key { get; }

    /// <summary>A key of the caller's, who wipes it.</summary>
    public static EphemeralKey Borrow(X25519PrivateKey key) => new(key, owned: false);

    public static EphemeralKey Generate(ICryptoProvider crypto, IRandomSource random)
    {
        Span<byte> seed = stackalloc byte[X25519PrivateKey.Size];
        try
        {
            random.Fill(seed);
            return new EphemeralKey(crypto.ImportX25519PrivateKey(seed), owned: true);
        }
        finally
        {
            ZeroMemory(seed);
        }
    }

    /// <summary>Adds a holder, which calls <see cref="Release"/> once.</summary>
    public EphemeralKey Share()
    {
        Interlocked.Increment(ref _holders);
        return this;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0 && _owned)
        {
            Key.Dispose();
        }
    }
}
