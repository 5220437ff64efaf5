using System.Buffers.Binary;
using PacketSec.Crypto;
using PacketSec.Simulation.Network;
using PacketSec.Simulation.Reference;

namespace PacketSec.Simulation.Tests.Scenarios;

/// <summary>Makes handshake messages that are right in all but one respect, over bare primitives.</summary>
internal static class AdversaryKit
{
    public static readonly byte[] ZeroPoint = new byte[32];

    /// <summary>A point of order 8 in X25519's encoding.</summary>
    public static readonly byte[] OrderEightPoint = Convert.FromHexString("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800");

    /// <summary>Puts another ephemeral key into an InitHello: its claim signs a time stamp only, and stays valid.</summary>
    public static byte[] WithEphemeral(ReadOnlySpan<byte> initHello, ReadOnlySpan<byte> ephemeral)
        => [.. initHello[..4], .. ephemeral, .. initHello[36..]];

    /// <summary>Answers an InitHello with a properly sealed RespHello of any payload.</summary>
    /// <param name="keys">Whose provider and ciphers to use.</param>
    /// <param name="initHello">The InitHello.</param>
    /// <param name="ephemeral">A private X25519 key.</param>
    /// <param name="payload">Makes the payload from h1.</param>
    public static byte[] RespHello(ReferenceKeys keys, ReadOnlySpan<byte> initHello, byte[] ephemeral, Func<byte[], byte[]> payload)
    {
        using var key = keys.Crypto.ImportX25519PrivateKey(ephemeral);
        var noise = new ReferenceNoise(keys.Crypto);
        noise.First(initHello[4..36], initHello[36..]);
        var h1 = noise.Hash.ToArray();
        return [0x80, 0, 0, 1, .. noise.WriteSecond(key, initHello[4..36], keys.Aead, () => payload(h1))!];
    }

    /// <summary>Completes a handshake as initiator with an InitDone of any payload.</summary>
    /// <param name="keys">Whose provider and ciphers to use.</param>
    /// <param name="initHello">The InitHello that was sent.</param>
    /// <param name="ephemeral">Its private X25519 key.</param>
    /// <param name="respHello">The answer.</param>
    /// <param name="payload">Makes the payload from h2.</param>
    public static byte[] InitDone(ReferenceKeys keys, ReadOnlySpan<byte> initHello, byte[] ephemeral, ReadOnlySpan<byte> respHello, Func<byte[], byte[]> payload)
    {
        using var key = keys.Crypto.ImportX25519PrivateKey(ephemeral);
        var noise = new ReferenceNoise(keys.Crypto);
        noise.First(initHello[4..36], initHello[36..]);
        Assert.Equal(SecondMessage.Good, noise.ReadSecond(key, respHello[4..], keys.Aead, out _));
        return Seal(keys.Aead, noise.Split().InitiatorToResponder, Header.InitDone, payload(noise.Hash.ToArray()));
    }

    /// <summary>Makes a valid InitHello with a private ephemeral key of one's own, and any payload.</summary>
    public static byte[] InitHello(ReferenceKeys keys, byte[] ephemeral, byte[] payload)
    {
        using var key = keys.Crypto.ImportX25519PrivateKey(ephemeral);
        return [0, 0, 0, 0, .. key.PublicKey, .. payload];
    }

    public static byte[] Sign(ReferenceKeys keys, string purpose, byte[] data)
    {
        var prehash = new byte[64];
        keys.Crypto.CShake256([], System.Text.Encoding.ASCII.GetBytes(purpose), data, prehash);
        var signature = new byte[64];
        keys.Identity.Sign(prehash, signature);
        return signature;
    }

    public static byte[] Seal(AeadContext aead, byte[] key, uint word, byte[] payload)
    {
        var datagram = new byte[payload.Length + 20];
        BinaryPrimitives.WriteUInt32BigEndian(datagram, word);
        var nonce = new byte[12];
        BinaryPrimitives.WriteUInt64LittleEndian(nonce.AsSpan(4), word & ~Header.DirectionBit);
        aead.Seal(key, nonce, datagram.AsSpan(0, 4), payload, datagram.AsSpan(4));
        return datagram;
    }

    public static byte[] Word(uint word, int length = 4)
    {
        var datagram = new byte[length];
        BinaryPrimitives.WriteUInt32BigEndian(datagram, word);
        return datagram;
    }
}
