using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Tools;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Simulation;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Controls;

/// <summary>Whose public key gives the key of a code at the end of the first message.</summary>
internal enum MacOwner
{
    Nobody,
    Initiator,
    Responder,
}

/// <summary>
/// A control: a handshake pattern and a few rules that are known to lose a property. Its packets have the header of the schemes; a handshake message has
/// its index for a counter, and there is no retransmission.
/// </summary>
internal sealed class ToyProtocol(string pattern) : Contestant
{
    private const int HeaderSize = 4;

    public const int MacSize = 16;

    private static readonly HandshakePattern Xkh = HandshakePattern.Parse("XKH", "<- s ... -> e <- e -> ee, es, s, se");

    public NoiseProtocol Noise { get; } = NoiseProtocol.Create(
        pattern switch
        {
            "XKH" => Xkh,
            "XKHpsk3" => Xkh.WithPsk(3),
            _ => HandshakePattern.FromName(pattern),
        },
        AeadAlgorithm.ChaCha20Poly1305,
        HashAlgorithm.Blake2s);

    /// <summary>Gets a value indicating whether the client's name comes in a packet of its own, which nothing binds to the handshake.</summary>
    public bool NameApart { get; init; }

    /// <summary>Gets a value indicating whether transport counters are not checked.</summary>
    public bool WithoutWindow { get; init; }

    /// <summary>Gets a value indicating whether the server's first packet confirms the session to the client, which waits for it.</summary>
    public bool ConfirmsFirst { get; init; }

    /// <summary>Gets a value indicating whether the first message carries the server's key in clear.</summary>
    public bool NamesServer { get; init; }

    /// <summary>Gets a value indicating whether ephemeral keys are left where they are.</summary>
    public bool KeepsEphemerals { get; init; }

    /// <summary>Gets a value indicating whether an access list that fails lets everybody in.</summary>
    public bool LetsInOnFailure { get; init; }

    public MacOwner Mac { get; init; }

    /// <summary>Gets the network key of patterns with a psk, which is no secret to its members.</summary>
    public byte[] PreSharedKey { get; } = new byte[32];

    public override IParty Join(World world, PartySetup setup) => new ToyParty(world, this, setup);

    public override IEnumerable<NoiseView> Views(IReadOnlyList<RecordedDatagram> recording)
    {
        var messages = new List<byte[]>();
        for (var index = 0; index < Noise.Pattern.Messages.Count; index++)
        {
            var word = (uint)index | (index % 2 == 0 ? 0 : Header.DirectionBit);
            if (recording.FirstOrDefault(datagram => datagram.Bytes.Length > HeaderSize && datagram.Word == word) is not { } found)
            {
                break;
            }

            messages.Add(Strip(found.Bytes, index).ToArray());
        }

        // An eavesdropper is no member: he has no network key.
        yield return new() { Protocol = Noise, Prologue = _ => [], Messages = messages };
    }

    /// <summary>Returns the Noise message in a packet.</summary>
    public ReadOnlySpan<byte> Strip(ReadOnlySpan<byte> packet, int index)
    {
        var message = packet[HeaderSize..];
        if (index == 0)
        {
            message = NamesServer && message.Length >= 32 ? message[32..] : message;
            message = Mac != MacOwner.Nobody && message.Length >= MacSize ? message[..^MacSize] : message;
        }

        return message;
    }
}
