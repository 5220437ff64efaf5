using System.Buffers.Binary;

namespace PacketSec.Protocol.Schemes.SecretHandshake;

/// <summary>Who called, and how: what the responder's ephemeral key and cookie are bound to.</summary>
/// <param name="remote">Where the message came from.</param>
/// <param name="ephemeral">The caller's ephemeral key, 32 bytes.</param>
/// <param name="transcript">T, 32 bytes.</param>
/// <param name="network">The digest of the network key, 32 bytes.</param>
internal readonly ref struct Caller(
    NetworkAddress remote, ReadOnlySpan<byte> ephemeral, ReadOnlySpan<byte> transcript, ReadOnlySpan<byte> network)
{
    /// <summary>The encoded size in bytes.</summary>
    public const int Size = KeySize + AddressSize + PortSize + KeySize + KeySize;

    private const int KeySize = 32;
    private const int AddressSize = 16;
    private const int PortSize = sizeof(ushort);

    private readonly NetworkAddress _remote = remote;
    private readonly ReadOnlySpan<byte> _ephemeral = ephemeral;
    private readonly ReadOnlySpan<byte> _transcript = transcript;
    private readonly ReadOnlySpan<byte> _network = network;

    public void WriteTo(Span<byte> destination)
    {
        _ephemeral.CopyTo(destination);
        BinaryPrimitives.WriteUInt128BigEndian(destination[KeySize..], _remote.Address);
        BinaryPrimitives.WriteUInt16BigEndian(destination[(KeySize + AddressSize)..], _remote.Port);
        _transcript.CopyTo(destination[(KeySize + AddressSize + PortSize)..]);
        _network.CopyTo(destination[(KeySize + AddressSize + PortSize + KeySize)..]);
    }
}
