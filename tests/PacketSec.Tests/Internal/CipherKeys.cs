using System.Runtime.CompilerServices;
using PacketSec.Crypto;
using PacketSec.Crypto.OpenSsl;
using PacketSec.Internal;
using PacketSec.Protocol;

namespace PacketSec.Tests.Internal;

/// <summary>Looks at the keys that ciphers keep, which nothing but the wiping of them is to be known by.</summary>
internal static class CipherKeys
{
    /// <summary>Tells whether a shard's cipher keeps the key of a packet that it has opened.</summary>
    public static bool KeepsOpeningKey(Shard shard) => HasKey(Open((OpenSslAead)Open(Aead(shard))));

    /// <summary>Tells whether a cipher keeps the key of a packet that it has sealed.</summary>
    public static bool KeepsSealingKey(PacketAead aead) => HasKey(Seal((OpenSslAead)Seal(aead)));

    private static bool HasKey(OpenSslCipherState state) => Key(state).AsSpan().ContainsAnyExcept((byte)0);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_aead")]
    private static extern ref PacketAead Aead(Shard shard);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_open")]
    private static extern ref AeadContext Open(PacketAead aead);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_seal")]
    private static extern ref AeadContext Seal(PacketAead aead);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_open")]
    private static extern ref OpenSslCipherState Open(OpenSslAead aead);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_seal")]
    private static extern ref OpenSslCipherState Seal(OpenSslAead aead);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_key")]
    private static extern ref byte[] Key(OpenSslCipherState state);
}
