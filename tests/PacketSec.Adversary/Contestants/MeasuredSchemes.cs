using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Tools;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Contestants;

/// <summary>The schemes that are measured, and where their Noise messages lie in their packets.</summary>
internal static class MeasuredSchemes
{
    private const int MostPairs = 6;

    private static readonly byte[] NetworkKey = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    private static readonly NoiseProtocol SecretHandshake = NoiseProtocol.Create(
        HandshakePattern.Parse("XKH", "<- s ... -> e <- e -> ee, es, s, se"), AeadAlgorithm.ChaCha20Poly1305, HashAlgorithm.Blake2s);

    private static readonly NoiseProtocol NoiseXX = NoiseProtocol.Parse("Noise_XX_25519_ChaChaPoly_SHA256");

    private static readonly NoiseProtocol MyChipsTicket = NoiseProtocol.Parse("Noise_IK_25519_ChaChaPoly_BLAKE2b");
    private static readonly NoiseProtocol MyChipsName = NoiseProtocol.Parse("Noise_N_25519_ChaChaPoly_BLAKE2b");
    private static readonly NoiseProtocol MyChipsKnown = NoiseProtocol.Parse("Noise_KK_25519_ChaChaPoly_BLAKE2b");

    private static readonly NoiseProtocol P2pke = NoiseProtocol.Parse("Noise_NN_25519_ChaChaPoly_BLAKE2b");

    public static IReadOnlyList<Contestant> All { get; } =
    [
        new SchemeContestant(P2pkeViews) { Scheme = "p2pke-1", Mode = SchemeContestant.Direct },
        new SchemeContestant(P2pkeViews) { Scheme = "p2pke-1", Mode = SchemeContestant.Psec },
        new SchemeContestant(NoiseXXViews) { Scheme = "noise-xx-1", Mode = SchemeContestant.Direct },
        new SchemeContestant(NoiseXXViews) { Scheme = "noise-xx-1", Mode = SchemeContestant.Psec },
        new SchemeContestant(wire => SecretHandshakeViews(wire)) { Scheme = "secret-handshake-1", Mode = SchemeContestant.Direct },
        new SchemeContestant(wire => SecretHandshakeViews(wire, NetworkKey))
        {
            Scheme = "secret-handshake-1",
            Mode = $"{SchemeContestant.Direct}, network key",
            SharedKey = NetworkKey,
        },
        new SchemeContestant(wire => SecretHandshakeViews(wire)) { Scheme = "secret-handshake-1", Mode = SchemeContestant.Psec, HidesPeerId = true },
        .. MyChips(Introduction.Ticket, "ticket"),
        .. MyChips(Introduction.Site, "known site"),
    ];

    /// <summary>Gets a hiding scheme under a proposal that shows the dialler's own peer ID.</summary>
    public static Contestant WithTruePeerId { get; } = new SchemeContestant(wire => SecretHandshakeViews(wire))
    {
        Scheme = "secret-handshake-1",
        Mode = "PSEC, true peer ID",
        IsWeakened = true,
    };

    private static IEnumerable<Contestant> MyChips(Introduction introduction, string name)
    {
        yield return new SchemeContestant(MyChipsViews) { Scheme = "mychips-1", Mode = $"{name}, {SchemeContestant.Direct}", Introduction = introduction };
        yield return new SchemeContestant(MyChipsViews)
        {
            Scheme = "mychips-1",
            Mode = $"{name}, {SchemeContestant.Psec}",
            Introduction = introduction,
            HidesPeerId = true,
        };
    }

    private static IEnumerable<NoiseView> MyChipsViews(WireView wire)
    {
        var answers = wire.Packets.Where(packet => packet.Length > 32 && packet[0] == 'A').Select(packet => packet[1..]).Take(MostPairs).ToArray();
        foreach (var packet in wire.Packets.Where(packet => packet.Length > 32 && packet[0] is (byte)'I' or (byte)'N' or (byte)'K').Take(MostPairs))
        {
            foreach (var transcript in wire.Transcripts)
            {
                var (protocol, prologue, first) = (packet[0] == 'I' ? MyChipsTicket : MyChipsKnown, transcript, packet[1..]);
                if (packet[0] == 'N')
                {
                    // The name of the site for itself, and then the message that it belongs to.
                    var name = packet[2..(2 + packet[1])];
                    yield return new() { Protocol = MyChipsName, Prologue = _ => transcript, Messages = [name] };
                    first = packet[(3 + packet[1])..];
                    var hash = new byte[32];
                    CryptoProvider.Default.Hash(HashAlgorithm.Sha256, packet.AsSpan(0, 2 + packet[1]), [], hash);
                    prologue = [.. transcript, .. hash];
                }

                foreach (var answer in answers.DefaultIfEmpty([]))
                {
                    yield return new() { Protocol = protocol, Prologue = _ => prologue, Messages = answer.Length == 0 ? [first] : [first, answer] };
                }
            }
        }
    }

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

    private static IEnumerable<NoiseView> NoiseXXViews(WireView wire)
    {
        // The first message names its transcript; only keys tell which answer and finish belong to it.
        foreach (var hello in Packets(wire, 0x00000004, 512))
        {
            foreach (var transcript in wire.Transcripts.Where(transcript => hello.AsSpan(36, 8).SequenceEqual(transcript.AsSpan(0, 8))))
            {
                foreach (var answer in Packets(wire, 0x80000005, 100).DefaultIfEmpty([]))
                {
                    foreach (var finish in Packets(wire, 0x00000006, 68).DefaultIfEmpty([]))
                    {
                        yield return new()
                        {
                            Protocol = NoiseXX,
                            Prologue = _ => transcript,
                            Messages = answer.Length == 0 ? [hello[4..]] : finish.Length == 0 ? [hello[4..], answer[4..]] : [hello[4..], answer[4..], finish[4..]],
                        };
                    }
                }
            }
        }
    }

    private static IEnumerable<NoiseView> SecretHandshakeViews(WireView wire, byte[]? networkKey = null)
    {
        var network = new byte[32];
        if (networkKey is not null)
        {
            CryptoProvider.Default.Hash(HashAlgorithm.Sha256, networkKey, [], network);
        }

        foreach (var hello in Packets(wire, 0x00000008, 44))
        {
            // The answer and the finish name the ephemeral key that they belong to, the first message its transcript.
            foreach (var answer in Packets(wire, 0x80000009, 44).Where(answer => answer.AsSpan(4, 8).SequenceEqual(hello.AsSpan(4, 8))).DefaultIfEmpty([]))
            {
                foreach (var finish in Packets(wire, 0x0000000A, 200).Where(finish => finish.AsSpan(40, 32).SequenceEqual(hello.AsSpan(4, 32))).DefaultIfEmpty([]))
                {
                    foreach (var transcript in wire.Transcripts.Where(transcript => hello.AsSpan(36, 8).SequenceEqual(transcript.AsSpan(0, 8))))
                    {
                        yield return new()
                        {
                            Protocol = SecretHandshake,
                            Prologue = responder => [.. transcript, .. network, .. responder?.Ed25519 ?? new byte[32]],
                            Messages = answer.Length == 0 ? [hello[4..44]]
                                : finish.Length == 0 ? [hello[4..44], answer[12..44]]
                                : [hello[4..44], answer[12..44], finish[72..]],
                        };
                    }
                }
            }
        }
    }

    private static IEnumerable<byte[]> Packets(WireView wire, uint word, int least)
        => wire.Packets.Where(packet => packet.Length >= least && Header.Read(packet) == word).Take(MostPairs);

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
