using System.Buffers.Binary;
using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Tools;
using PacketSec.Crypto;
using PacketSec.Simulation;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Contestants;

/// <summary>What games are played against: a scheme in one of its modes, or a control that is known to fail.</summary>
internal abstract class Contestant
{
    private const int HeaderSize = 4;

    /// <summary>Gets the name: the scheme's, or what the control is.</summary>
    public required string Scheme { get; init; }

    /// <summary>Gets how it is used; empty for controls.</summary>
    public string Mode { get; init; } = "";

    public string Name => Mode.Length == 0 ? Scheme : $"{Scheme} {Mode}";

    /// <summary>Gets a value indicating whether it is a control.</summary>
    public virtual bool IsControl => true;

    /// <summary>Gets a value indicating whether its members share a key that strangers lack.</summary>
    public virtual bool HasNetworkKey => false;

    /// <summary>Puts somebody into a world who speaks the protocol.</summary>
    public abstract IParty Join(World world, PartySetup setup);

    /// <summary>Returns the handshakes that stand in a recording, as far as the wire shows them.</summary>
    public abstract IEnumerable<NoiseView> Views(IReadOnlyList<RecordedDatagram> recording);

    /// <summary>Returns whether somebody with certain private keys can tell that these two were at it, by other means than reading a Noise message.</summary>
    public virtual bool Confirms(IReadOnlyList<RecordedDatagram> recording, IEnumerable<X25519PrivateKey> secrets, Face client, Face server) => false;

    /// <summary>Returns whether a datagram carries what is sealed under transport keys.</summary>
    public virtual bool IsTransport(ReadOnlySpan<byte> datagram) => Header.IsData(datagram) || Header.IsClosing(datagram);

    /// <summary>Opens a transport datagram under a key.</summary>
    public virtual byte[]? OpenTransport(AeadContext aead, ReadOnlySpan<byte> key, ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length < HeaderSize + AeadContext.TagSize)
        {
            return null;
        }

        Span<byte> nonce = stackalloc byte[AeadContext.NonceSize];
        BinaryPrimitives.WriteUInt64LittleEndian(nonce[4..], Header.Counter(datagram));
        var payload = new byte[datagram.Length - HeaderSize - AeadContext.TagSize];
        return aead.TryOpen(key, nonce, datagram[..HeaderSize], datagram[HeaderSize..], payload) ? payload : null;
    }

    public override string ToString() => Name;
}
