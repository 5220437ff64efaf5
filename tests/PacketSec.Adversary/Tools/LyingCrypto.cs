using PacketSec.Adversary.Parties;
using PacketSec.Crypto;

namespace PacketSec.Adversary.Tools;

/// <summary>
/// The provider of somebody who claims a key that is not his: his identity shows the other's public keys, and computes with his own private ones. All
/// else is honest, so that an unchanged implementation runs the attack as far as it goes.
/// </summary>
/// <param name="inner">The provider.</param>
/// <param name="own">Who he is.</param>
/// <param name="claimed">Whose public keys he shows.</param>
/// <param name="stolen">Private keys that he has besides; agreements with their owners come out right.</param>
internal sealed class LyingCrypto(ICryptoProvider inner, Persona own, Face claimed, IReadOnlyList<Persona>? stolen = null) : CryptoDecorator(inner)
{
    public override Ed25519PrivateKey ImportEd25519PrivateKey(ReadOnlySpan<byte> seed)
    {
        var key = Inner.ImportEd25519PrivateKey(seed);
        return seed.SequenceEqual(own.Seed) ? new LyingEd25519(key, claimed) : key;
    }

    public override X25519PrivateKey ImportX25519PrivateKey(ReadOnlySpan<byte> privateKey)
    {
        var key = Inner.ImportX25519PrivateKey(privateKey);
        return key.PublicKey.SequenceEqual(own.Face.X25519) ? new LyingX25519(key, claimed, stolen ?? []) : key;
    }

    private sealed class LyingEd25519(Ed25519PrivateKey key, Face claimed) : Ed25519PrivateKey
    {
        public override ReadOnlySpan<byte> PublicKey => claimed.Ed25519;

        public override void Sign(ReadOnlySpan<byte> message, Span<byte> signature) => key.Sign(message, signature);

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
