using System.Numerics;

namespace PacketSec.Core.Tests.Crypto;

/// <summary>Writes the few DER structures that the tests bend.</summary>
internal static class Der
{
    internal static readonly byte[] Null = [0x05, 0x00];

    internal static byte[] RsaPublicKeyInfo(BigInteger n, BigInteger e) => RsaPublicKeyInfo(RsaEncryption(), Null, n, e);

    internal static byte[] RsaPublicKeyInfo(byte[] algorithm, byte[] parameters, BigInteger n, BigInteger e)
    {
        var key = Wrap(0x30, [.. Integer(n), .. Integer(e)]);
        return Wrap(0x30, [.. Wrap(0x30, [.. algorithm, .. parameters]), .. Wrap(0x03, [0, .. key])]);
    }

    internal static byte[] RsaEncryption() => [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

    internal static byte[] RsaPss() => [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];

    internal static byte[] Integer(BigInteger value) => Wrap(0x02, value.ToByteArray(isBigEndian: true));

    internal static byte[] Wrap(byte tag, byte[] content)
        => content.Length switch
        {
            < 128 => [tag, (byte)content.Length, .. content],
            < 256 => [tag, 0x81, (byte)content.Length, .. content],
            _ => [tag, 0x82, (byte)(content.Length >> 8), (byte)(content.Length & 0xff), .. content],
        };
}
