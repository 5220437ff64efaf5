using System.Globalization;
using System.Text;
using PacketSec.Crypto;

namespace PacketSec.Benchmarks.Ratios;

/// <summary>
/// The calls into the provider that one <c>p2pke-1</c> handshake cannot do without, both sides together, each with its count.
/// </summary>
internal sealed class HandshakePrimitives
{
    private readonly (string Name, int Count, Action Call)[] _calls;
    private readonly double[] _nanoseconds;
    private long _handshakes;

    public HandshakePrimitives(ICryptoProvider crypto)
    {
        byte[] scalar = new byte[32], secret = new byte[32], hash = new byte[64], prehash = new byte[64], signature = new byte[64], nonce = new byte[12];
        byte[] claim = new byte[112], sealedClaim = new byte[128], empty = [], sealedNothing = new byte[16], opened = new byte[112];
        scalar[0] = 8;
        var signing = crypto.ImportEd25519PrivateKey(scalar);
        signing.Sign(prehash, signature);
        var agreeing = crypto.ImportX25519PrivateKey(scalar);
        var peer = agreeing.PublicKey.ToArray();
        var publicKey = signing.PublicKey.ToArray();
        var aead = crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);

        _calls =
        [
            ("X25519 key generation (private key imported, public key computed)", 2, () => crypto.ImportX25519PrivateKey(scalar).Dispose()),
            ("X25519 agreement (public key imported)", 2, () => Require(agreeing.TryAgree(peer, secret))),
            ("Ed25519 signature", 3, () => signing.Sign(prehash, signature)),
            ("Ed25519 verification (public key imported)", 3, () => Require(crypto.VerifyEd25519(publicKey, prehash, signature))),
            ("cSHAKE256 of what is signed", 6, () => crypto.CShake256(default, "p2pke/sig-channel-binding"u8, hash, prehash)),
            ("BLAKE2b into the transcript", 10, () => crypto.Hash(HashAlgorithm.Blake2b, hash, claim, hash)),
            ("HMAC-BLAKE2b of HKDF", 12, () => crypto.Hmac(HashAlgorithm.Blake2b, hash, secret, default, hash)),
            ("ChaCha20-Poly1305 seal of a claim", 2, () => aead.Seal(scalar, nonce, hash, claim, sealedClaim)),
            ("ChaCha20-Poly1305 open of a claim", 2, () => Require(aead.TryOpen(scalar, nonce, hash, sealedClaim, opened))),
            ("ChaCha20-Poly1305 seal of an empty packet", 3, () => aead.Seal(scalar, nonce, hash, default, sealedNothing)),
            ("ChaCha20-Poly1305 open of an empty packet", 2, () => Require(aead.TryOpen(scalar, nonce, hash, sealedNothing, default))),
        ];
        _nanoseconds = new double[_calls.Length];
    }

    /// <summary>Makes the calls of so many handshakes and returns their nanoseconds.</summary>
    public double Time(int handshakes)
    {
        var sum = 0d;
        for (var i = 0; i < _calls.Length; i++)
        {
            var (_, count, call) = _calls[i];
            var time = Clock.Time(() =>
            {
                for (var j = 0; j < count * handshakes; j++)
                {
                    call();
                }
            });
            _nanoseconds[i] += time;
            sum += time;
        }

        _handshakes += handshakes;
        return sum;
    }

    /// <summary>Lists the calls with their counts and mean times.</summary>
    public string Describe()
    {
        var text = new StringBuilder("primitives of one handshake, both sides:\n");
        for (var i = 0; i < _calls.Length; i++)
        {
            var (name, count, _) = _calls[i];
            text.Append(CultureInfo.InvariantCulture, $"  {count,2} x {_nanoseconds[i] / _handshakes / count / 1000,6:F2} us  {name}\n");
        }

        return text.ToString();
    }

    private static void Require(bool done)
    {
        if (!done)
        {
            throw new InvalidOperationException("A primitive failed on its own data.");
        }
    }
}
