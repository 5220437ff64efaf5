using PacketSec.Adversary.Parties;
using PacketSec.Crypto;

namespace PacketSec.Adversary.Tools;

/// <summary>
/// The provider of somebody who claims a key that is not his: his identity shows the other's public keys, and computes with his own private ones. All
/// else is honest, so that an unchanged implementation runs the attack as far as it goes.
/// </summary>
/// <param name="inner">The provider.</param>
/// <param name="own">Who he is.</param>
/// <param name="claimed">Whose public keys he shows, and whose signatures he has as far as others may have seen them.</param>
/// <param name="stolen">Private keys that he has besides; agreements with their owners come out right.</param>
internal sealed class LyingCrypto(ICryptoProvider inner, Persona own, Persona claimed, IReadOnlyList<Persona>? stolen = null) : CryptoDecorator(inner)
{
    // Signatures over these say nothing of the handshake they stand in: who once saw one can show it again, or one like it.
    private static readonly byte[] StaticKeyPrefix = "noise-libp2p-static-key:"u8.ToArray();
    private static readonly byte[] TimestampPurpose = "p2pke/timestamp"u8.ToArray();

    private readonly List<byte[]> _timestamps = [];

    public override void CShake256(ReadOnlySpan<byte> functionName, ReadOnlySpan<byte> customization, ReadOnlySpan<byte> data, Span<byte> output)
    {
        Inner.CShake256(functionName, customization, data, output);
        if (customization.SequenceEqual(TimestampPurpose))
        {
            _timestamps.Add(output.ToArray());
        }
    }

    public override Ed25519PrivateKey ImportEd25519PrivateKey(ReadOnlySpan<byte> seed)
    {
        var key = Inner.ImportEd25519PrivateKey(seed);
        return seed.SequenceEqual(own.Seed) ? new LyingEd25519(this, key) : key;
    }

    public override X25519PrivateKey ImportX25519PrivateKey(ReadOnlySpan<byte> privateKey)
    {
        var key = Inner.ImportX25519PrivateKey(privateKey);
        return key.PublicKey.SequenceEqual(own.Face.X25519) ? new LyingX25519(key, claimed.Face, stolen ?? []) : key;
    }

    private Persona Claimed => claimed;

    private bool HasSeen(ReadOnlySpan<byte> message)
    {
        foreach (var timestamp in _timestamps)
        {
            if (message.SequenceEqual(timestamp))
            {
                return true;
            }
        }

        return message.StartsWith(StaticKeyPrefix) && message[StaticKeyPrefix.Length..].SequenceEqual(claimed.Face.X25519);
    }

    private sealed class LyingEd25519(LyingCrypto liar, Ed25519PrivateKey key) : Ed25519PrivateKey
    {
        public override ReadOnlySpan<byte> PublicKey => liar.Claimed.Face.Ed25519;

        public override void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
        {
            if (!liar.HasSeen(message))
            {
                key.Sign(message, signature);
                return;
            }

            using var seen = liar.Inner.ImportEd25519PrivateKey(liar.Claimed.Seed);
            seen.Sign(message, signature);
        }

        protected override void Dispose(bool disposing) => key.Dispose();
    }

    private sealed class LyingX25519(X25519PrivateKey key, Face claimed, IReadOnlyList<Persona> stolen) : X25519PrivateKey
    {
        public override ReadOnlySpan<byte> PublicKey => claimed.X25519;

        public override bool TryAgree(ReadOnlySpan<byte> peerPublicKey, Span<byte> sharedSecret)
        {
            foreach (var owner in stolen)
            {
                if (peerPublicKey.SequenceEqual(owner.Face.X25519))
                {
                    return owner.AgreementKey.TryAgree(claimed.X25519, sharedSecret);
                }
            }

            return key.TryAgree(peerPublicKey, sharedSecret);
        }

        protected override void Dispose(bool disposing) => key.Dispose();
    }
}
