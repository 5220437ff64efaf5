using PacketSec.Crypto;

namespace PacketSec.Noise;

/// <summary>The public keys that a handshake comes to know, in the order of their places.</summary>
[Flags]
internal enum KnownKeys
{
    None = 0,
    LocalEphemeral = 1,
    RemoteEphemeral = 2,
    RemoteStatic = 4,
}

/// <summary>Holds the public keys of one handshake. Unknown ones are zero and are never shown.</summary>
internal sealed class PublicKeys
{
    private const int KeySize = X25519PrivateKey.Size;

    private readonly byte[] _keys = new byte[3 * KeySize];

    public KnownKeys Known { get; private set; }

    public PublicKeys Clone()
    {
        var clone = new PublicKeys { Known = Known };
        _keys.CopyTo(clone._keys, 0);
        return clone;
    }

    /// <summary>A key, or an empty span while it is unknown.</summary>
    public ReadOnlySpan<byte> Get(KnownKeys key) => Known.HasFlag(key) ? Place(key) : [];

    /// <summary>Makes a key known. The caller fills the span.</summary>
    public Span<byte> Learn(KnownKeys key)
    {
        Known |= key;
        return Place(key);
    }

    /// <summary>Forgets all keys but those that were known before.</summary>
    public void ForgetAllBut(KnownKeys known)
    {
        Known = known;
        for (var key = KnownKeys.LocalEphemeral; key <= KnownKeys.RemoteStatic; key = (KnownKeys)((int)key << 1))
        {
            if (!known.HasFlag(key))
            {
                Place(key).Clear();
            }
        }
    }

    private Span<byte> Place(KnownKeys key) => _keys.AsSpan(((int)key >> 1) * KeySize, KeySize);
}
