using System.Buffers.Binary;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;

namespace PacketSec.Libp2p.Tests;

/// <summary>Peer IDs that nobody has the keys of.</summary>
internal static class TestPeers
{
    private static int s_last;

    public static PeerId Next() => Numbered(Interlocked.Increment(ref s_last));

    /// <summary>Returns the ID of a number: a larger number is a larger ID.</summary>
    public static PeerId Numbered(int number) => PeerId.FromPublicKey(KeyNumbered(number), CryptoProvider.Default);

    public static PublicKey KeyNumbered(int number)
    {
        var key = new byte[32];
        BinaryPrimitives.WriteInt32BigEndian(key.AsSpan(0, 4), number);
        key[31] = 1;
        return PublicKey.FromEd25519(key);
    }
}
