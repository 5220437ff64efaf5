using System.Buffers.Text;
using System.Text;
using PacketSec.Adversary.Parties;
using PacketSec.Crypto;

namespace PacketSec.Adversary.Tools;

/// <summary>
/// Looks for somebody in bytes: the key in all its encodings, their hashes, and codes under keys that can be computed from the public key.
/// </summary>
internal sealed class KeySearch
{
    // Eight bytes of a hash do not stand anywhere by chance.
    private const int HashPart = 8;

    private static readonly ICryptoProvider Crypto = CryptoProvider.Default;
    private static readonly HashAlgorithm[] Algorithms = Enum.GetValues<HashAlgorithm>();
    private static readonly byte[][] Labels = [[], .. new[] { "mac1----", "cookie--" }.Select(Encoding.ASCII.GetBytes)];
    private static readonly int[] CodeSizes = [32, 16];

    private readonly List<byte[]> _needles = [];
    private readonly List<(HashAlgorithm Algorithm, byte[] Key)> _keys = [];

    public KeySearch(Face face)
    {
        byte[][] forms =
        [
            face.Ed25519, face.X25519, [.. face.PublicKey.PublicKeyInfo], face.PublicKey.ToProtobuf(), [.. face.PeerId.Multihash],
        ];
        _needles.AddRange([face.Ed25519, face.X25519]);
        foreach (var form in forms)
        {
            _needles.AddRange(Texts(form));
            _needles.AddRange(Hashes(form));
        }

        foreach (var text in new[] { face.PeerId.ToString(), face.PeerId.ToCidString() })
        {
            _needles.Add(Encoding.ASCII.GetBytes(text));
        }

        foreach (var form in new[] { face.Ed25519, face.X25519 })
        {
            foreach (var algorithm in Algorithms)
            {
                _keys.Add((algorithm, form));
                foreach (var label in Labels)
                {
                    var key = new byte[algorithm.HashSize()];
                    Crypto.Hash(algorithm, label, form, key);
                    _keys.Add((algorithm, key[..32]));
                }
            }
        }
    }

    /// <summary>Returns whether the key, an encoding of it, or the beginning of a hash of one stands somewhere.</summary>
    public bool Finds(ReadOnlySpan<byte> bytes)
    {
        foreach (var needle in _needles)
        {
            if (bytes.IndexOf(needle) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Returns whether a packet ends with a code of what stands before, or is sealed, under a key that the public key gives.</summary>
    public bool FindsCode(byte[] packet)
    {
        Span<byte> mac = stackalloc byte[HashAlgorithms.MaxHashSize];
        foreach (var size in CodeSizes)
        {
            if (packet.Length <= size)
            {
                continue;
            }

            var covered = packet.AsSpan(0, packet.Length - size);
            foreach (var (algorithm, key) in _keys)
            {
                var code = mac[..algorithm.HashSize()];
                Crypto.Hmac(algorithm, key, covered, [], code);
                if (code[..size].SequenceEqual(packet.AsSpan(covered.Length)))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static IEnumerable<byte[]> Texts(byte[] form)
    {
        yield return Encoding.ASCII.GetBytes(Convert.ToHexString(form));
        yield return Encoding.ASCII.GetBytes(Convert.ToHexStringLower(form));
        yield return Encoding.ASCII.GetBytes(Convert.ToBase64String(form));
        yield return Encoding.ASCII.GetBytes(Base64Url.EncodeToString(form));
        yield return Encoding.ASCII.GetBytes(SimpleBase.Base58.Bitcoin.Encode(form));
        yield return Encoding.ASCII.GetBytes(SimpleBase.Base32.Rfc4648.Encode(form));
    }

    private static IEnumerable<byte[]> Hashes(byte[] form)
    {
        foreach (var algorithm in Algorithms)
        {
            var hash = new byte[algorithm.HashSize()];
            Crypto.Hash(algorithm, form, [], hash);
            yield return hash[..HashPart];
            yield return Encoding.ASCII.GetBytes(Convert.ToHexStringLower(hash)[..(2 * HashPart)]);
        }

        var shake = new byte[32];
        Crypto.CShake256([], [], form, shake);
        yield return shake[..HashPart];
        yield return Encoding.ASCII.GetBytes(Base64Url.EncodeToString(shake));
    }
}
