using PacketSec.Adversary.Tools;
using PacketSec.Noise;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Contestants;

/// <summary>The schemes that are measured, and where their Noise messages lie in their packets.</summary>
internal static class Schemes
{
    private const int MostPairs = 16;

    private static readonly NoiseProtocol P2pke = NoiseProtocol.Parse("Noise_NN_25519_ChaChaPoly_BLAKE2b");

    public static IReadOnlyList<Contestant> All { get; } =
    [
        new SchemeContestant(P2pkeViews) { Scheme = "p2pke-1", Mode = SchemeContestant.Direct },
        new SchemeContestant(P2pkeViews) { Scheme = "p2pke-1", Mode = SchemeContestant.Psec },
    ];

    private static IEnumerable<NoiseView> P2pkeViews(WireView wire)
    {
        byte[][] transcripts = wire.Negotiated.Count > 0 ? [.. wire.Negotiated] : [[]];
        foreach (var messages in Pairs(wire, Header.InitHello, Header.RespHello))
        {
            foreach (var transcript in transcripts)
            {
                yield return new() { Protocol = P2pke, Prologue = _ => transcript, Messages = messages };
            }
        }
    }

    /// <summary>Returns each first message with each answer, or alone where there is none; the header is no part of the messages.</summary>
    private static IEnumerable<IReadOnlyList<byte[]>> Pairs(WireView wire, uint first, uint second)
    {
        var answers = wire.Packets.Where(packet => packet.Length > 4 && Header.Read(packet) == second).Select(packet => packet[4..]).ToArray();
        foreach (var hello in wire.Packets.Where(packet => packet.Length > 4 && Header.Read(packet) == first).Take(MostPairs))
        {
            if (answers.Length == 0)
            {
                yield return [hello[4..]];
            }

            foreach (var answer in answers.Take(MostPairs))
            {
                yield return [hello[4..], answer];
            }
        }
    }
}
