using PacketSec.Crypto;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Tools;

/// <summary>What a recording says to everybody: the packets of the scheme, also those inside proposals, and the transcripts that proposals lead to.</summary>
internal sealed class WireView
{
    private static readonly ICryptoProvider Crypto = CryptoProvider.Default;

    public WireView(string scheme, IReadOnlyList<RecordedDatagram> recording)
    {
        Direct = Agreement.DirectTranscript(Crypto, scheme);
        foreach (var datagram in recording)
        {
            if (!PsecFrame.LooksLikeProposal(datagram.Bytes) || !WireMessage.TryRead<ProposalFrame>(datagram.Bytes, out var proposal))
            {
                Add(datagram.Bytes);
                continue;
            }

            var transcript = Agreement.Standard(Crypto, proposal.ToNormalForm(), scheme, null).Transcript.ToArray();
            if (!Negotiated.Any(known => known.AsSpan().SequenceEqual(transcript)))
            {
                Negotiated.Add(transcript);
            }

            if (!proposal.FirstPacket.IsEmpty)
            {
                Add(proposal.FirstPacket.ToArray());
            }
        }
    }

    /// <summary>Gets the transcript of direct mode.</summary>
    public byte[] Direct { get; }

    /// <summary>Gets the transcripts of the proposals seen.</summary>
    public List<byte[]> Negotiated { get; } = [];

    /// <summary>Gets the packets of the scheme, each once.</summary>
    public List<byte[]> Packets { get; } = [];

    /// <summary>Gets all transcripts that a handshake here may be bound to.</summary>
    public IEnumerable<byte[]> Transcripts => Negotiated.Count > 0 ? Negotiated : [Direct];

    private void Add(byte[] packet)
    {
        if (!Packets.Any(known => known.AsSpan().SequenceEqual(packet)))
        {
            Packets.Add(packet);
        }
    }
}
