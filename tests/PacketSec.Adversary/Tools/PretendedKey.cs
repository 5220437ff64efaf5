using PacketSec.Crypto;

namespace PacketSec.Adversary.Tools;

/// <summary>A key that shows another public key than its own.</summary>
internal sealed class PretendedKey(byte[] key, byte[] shown) : X25519PrivateKey
{
    private readonly X25519PrivateKey _key = CryptoProvider.Default.ImportX25519PrivateKey(key);

    public override ReadOnlySpan<byte> PublicKey => shown;

    public override bool TryAgree(ReadOnlySpan<byte> peerPublicKey, Span<byte> sharedSecret) => _key.TryAgree(peerPublicKey, sharedSecret);

    protected override void Dispose(bool disposing) => _key.Dispose();
}
