using System.Buffers.Binary;
using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Tools;
using PacketSec.Crypto;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Wire;
using PacketSec.Simulation;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Contestants;

/// <summary>Finds the handshakes of a scheme in a recording.</summary>
internal delegate IEnumerable<NoiseView> ViewFinder(WireView wire);

/// <summary>A scheme of the core, in direct mode or under PSEC.</summary>
internal sealed class SchemeContestant(ViewFinder views) : Contestant
{
    public const string Direct = "direct";
    public const string Psec = "PSEC";

    private static readonly byte[] OtherNetworkKey = [.. Enumerable.Repeat((byte)7, 32)];

    public override bool IsControl => IsWeakened;

    /// <summary>Gets a value indicating whether it is used as nobody should, and must lose.</summary>
    public bool IsWeakened { get; init; }

    private bool IsDirect => Mode.Contains(Direct, StringComparison.Ordinal);

    private bool HasLetters => Introduction != Introduction.None;

    /// <summary>Gets a value indicating whether the proposal names nobody.</summary>
    public bool HidesPeerId { get; init; }

    /// <summary>Gets how a client gets in that nobody has met.</summary>
    public Introduction Introduction { get; init; }

    /// <summary>Gets the key of the network that the members are in; an adversary is one as well, unless a game says otherwise.</summary>
    public byte[]? SharedKey { get; init; }

    public override bool HasNetworkKey => SharedKey is not null;

    public override IParty Join(World world, PartySetup setup) => new MachineParty(world, setup, Introduction, IsDirect
        ? new HostOptions { DirectScheme = Scheme, NetworkKey = NetworkKeyOf(setup) }
        : new HostOptions
        {
            DirectScheme = null,
            Schemes = [Scheme],
            Proposal = new ProposalOptions { Schemes = [Scheme], HidePeerId = HidesPeerId },
        });

    public override bool IsTransport(ReadOnlySpan<byte> datagram) => !HasLetters
        ? base.IsTransport(datagram) && !PsecFrame.IsFrame(datagram)
        : datagram.Length > 0 && datagram[0] == Letters.Transport;

    public override byte[]? OpenTransport(AeadContext aead, ReadOnlySpan<byte> key, ReadOnlySpan<byte> datagram)
    {
        if (!HasLetters || datagram.Length < Letters.HeaderSize + AeadContext.TagSize)
        {
            return HasLetters ? null : base.OpenTransport(aead, key, datagram);
        }

        Span<byte> nonce = stackalloc byte[AeadContext.NonceSize];
        BinaryPrimitives.WriteUInt64LittleEndian(nonce[4..], Header.Counter(datagram[1..]));
        var payload = new byte[datagram.Length - Letters.HeaderSize - AeadContext.TagSize];
        return aead.TryOpen(key, nonce, datagram[..Letters.HeaderSize], datagram[Letters.HeaderSize..], payload) ? payload : null;
    }

    /// <summary>Returns a key for members; strangers have none, or another.</summary>
    private NetworkKey? NetworkKeyOf(PartySetup setup)
        => setup.IsMember ? SharedKey is null ? null : new(SharedKey)
            : setup.Randomness % 2 == 0 ? null : new(OtherNetworkKey);

    public override IEnumerable<NoiseView> Views(IReadOnlyList<RecordedDatagram> recording) => views(new(Scheme, recording));
}
