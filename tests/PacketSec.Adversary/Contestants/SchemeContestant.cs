using System.Buffers.Binary;
using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Tools;
using PacketSec.Crypto;
using PacketSec.Protocol.Negotiation;
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

    public override bool IsControl => IsWeakened;

    /// <summary>Gets a value indicating whether it is used as nobody should, and must lose.</summary>
    public bool IsWeakened { get; init; }

    private bool IsDirect => Mode.EndsWith(Direct, StringComparison.Ordinal);

    private bool HasLetters => Introduction != Introduction.None;

    /// <summary>Gets a value indicating whether the proposal names nobody.</summary>
    public bool HidesPeerId { get; init; }

    /// <summary>Gets how a client gets in that nobody has met.</summary>
    public Introduction Introduction { get; init; }

    public override IParty Join(World world, PartySetup setup) => new MachineParty(world, setup, Introduction, IsDirect
        ? new HostOptions { DirectScheme = Scheme }
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

    public override IEnumerable<NoiseView> Views(IReadOnlyList<RecordedDatagram> recording) => views(new(Scheme, recording));
}
