using System.Text.Json;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.NoiseXX;

namespace PacketSec.Cli.Vectors;

/// <summary>Whole handshakes of <c>noise-xx-1</c>: every datagram made again from the seeds, and read by the other side.</summary>
internal static class NoiseXXVectors
{
    private static readonly NoiseXXScheme Scheme = new();

    public static void Replay(JsonElement root, VectorTally tally)
    {
        foreach (var entry in root.Items("handshakes"))
        {
            tally.Check(entry.Text("name"), crypto => Holds(crypto, entry));
        }
    }

    private static bool Holds(ICryptoProvider crypto, JsonElement entry)
    {
        var proposal = entry.Hex("proposal");
        var agreement = proposal.Length == 0 ? null : Agreement.Standard(crypto, proposal, NoiseXXScheme.SchemeName, null);
        using var initiator = IdentityKey.FromSeed(entry.Hex("initiator_seed"), crypto);
        using var responder = IdentityKey.FromSeed(entry.Hex("responder_seed"), crypto);
        var there = new SchemeContext(crypto, new OneDraw(entry.Hex("initiator_ephemeral_private")), initiator);
        var here = new SchemeContext(crypto, new OneDraw(entry.Hex("responder_ephemeral_private")), responder);
        using var first = Scheme.BeginFirst(there, new(1, agreement, responder.PeerId, TimeSpan.Zero));
        first.Run();
        using var answer = Scheme.BeginAnswer(here, new(1, first.FirstMessage, [agreement], WorkClass.Stranger));
        answer.Run();
        if (answer.Outcome != DropReason.None
            || !first.FirstMessage.AsSpan().SequenceEqual(entry.Hex("message_1")) || !answer.Answer.AsSpan().SequenceEqual(entry.Hex("message_2")))
        {
            return false;
        }

        using var check = Scheme.BeginCheck(there, [new(1, 1, first.TakeNoise())], answer.Answer, default, responder.PeerId);
        check.Run();
        if (check.Outcome != DropReason.None || !check.Finish.AsSpan().SequenceEqual(entry.Hex("message_3")))
        {
            return false;
        }

        using var pending = answer.TakePendingKeys();
        using var finish = Scheme.BeginFinish(here, default, check.Finish, [(1, pending.Copy())], 1, WorkClass.Stranger);
        finish.Run();
        using var session = finish.TakeSession();
        return session is not null && initiator.PublicKey.Equals(finish.RemoteKey)
            && session.ReceiveKey.Span.SequenceEqual(entry.Hex("key_initiator_to_responder"))
            && session.SendKey.Span.SequenceEqual(entry.Hex("key_responder_to_initiator"))
            && finish.Confirmation.AsSpan().SequenceEqual(entry.Hex("first_packet_of_responder"));
    }

    private sealed class OneDraw(byte[] bytes) : IRandomSource
    {
        public void Fill(Span<byte> destination) => bytes.CopyTo(destination);
    }
}
