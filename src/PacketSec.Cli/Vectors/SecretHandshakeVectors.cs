using System.Globalization;
using System.Text.Json;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.SecretHandshake;
using PacketSec.Protocol.Wire.SecretHandshake;

namespace PacketSec.Cli.Vectors;

/// <summary>Whole handshakes of <c>secret-handshake-1</c>: every datagram made again from the seeds, and read by the other side.</summary>
internal static class SecretHandshakeVectors
{
    private static readonly Instant Now = new(1_000_000_000_000);

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
        var agreement = proposal.Length == 0 ? null : Agreement.Standard(crypto, proposal, SecretHandshakeScheme.SchemeName, null);
        using var networkKey = entry.Hex("network_key") is { Length: > 0 } key ? new NetworkKey(key) : null;
        using var initiator = IdentityKey.FromSeed(entry.Hex("initiator_seed"), crypto);
        using var responder = IdentityKey.FromSeed(entry.Hex("responder_seed"), crypto);
        var initiatorRandom = new Script(entry.Hex("initiator_ephemeral_private"));
        var responderRandom = new Script([.. entry.Hex("key_e"), .. entry.Hex("key_m"), .. entry.Hex("time")], entry.Hex("nonce"));
        var caller = new SecretHandshakeContext(new SchemeContext(crypto, initiatorRandom, initiator, networkKey));
        var host = new SecretHandshakeContext(new SchemeContext(crypto, responderRandom, responder, networkKey));
        using var minutes = new MinuteKeys(crypto, responderRandom);
        var address = new NetworkAddress(
            UInt128.Parse(entry.Text("address"), NumberStyles.HexNumber, CultureInfo.InvariantCulture), entry.GetProperty("port").GetUInt16());
        if (!host.Transcript(agreement).SequenceEqual(entry.Hex("transcript"))
            || !initiator.AgreementKey.PublicKey.SequenceEqual(entry.Hex("initiator_static"))
            || !Callee.TryCreate(responder.PeerId, out var callee) || !callee.Montgomery.Span.SequenceEqual(entry.Hex("responder_static")))
        {
            return false;
        }

        using var call = new CallWork(caller, callee, agreement);
        call.Run();
        var noise = call.TakeNoise();
        return call.FirstMessage.AsSpan().SequenceEqual(entry.Hex("message_1"))
            && AnswerHolds(host, minutes, address, agreement, call.FirstMessage, entry)
            && FinishHolds(caller, noise, responder.PeerId, host, minutes, address, agreement, entry);
    }

    private static bool AnswerHolds(
        SecretHandshakeContext host, MinuteKeys minutes, in NetworkAddress address, Agreement? agreement, byte[] message1, JsonElement entry)
    {
        if (MessageChecks.Check(host, message1, out Message1 read) != DropReason.None)
        {
            return false;
        }

        var (cookie, seed) = (new byte[Message2.CookieSize], new byte[MinuteKeys.SeedSize]);
        minutes.Answer(Now, new Caller(address, read.Ephemeral, host.Transcript(agreement), host.Network), cookie, seed);
        using var answer = new CallAnswerWork(host, default, agreement, read.Ephemeral.ToArray(), cookie, new SecretKey(seed));
        answer.Run();
        return seed.AsSpan().SequenceEqual(entry.Hex("responder_ephemeral_private")) && answer.Answer.AsSpan().SequenceEqual(entry.Hex("message_2"));
    }

    private static bool FinishHolds(
        SecretHandshakeContext caller,
        HandshakeState noise,
        PeerId called,
        SecretHandshakeContext host,
        MinuteKeys minutes,
        in NetworkAddress address,
        Agreement? agreement,
        JsonElement entry)
    {
        using var finish = new CallFinishWork(caller, [new AnswerCandidate(1, 1, noise)], entry.Hex("message_2"), called) { Path = default };
        finish.Run();
        var seed = new byte[MinuteKeys.SeedSize];
        if (!finish.Finish.AsSpan().SequenceEqual(entry.Hex("message_3"))
            || MessageChecks.Check(finish.Finish, out Message3 read) != DropReason.None
            || !minutes.TryCheck(Now, new Caller(address, read.Ephemeral, host.Transcript(agreement), host.Network), read.Cookie, seed, out var ticket))
        {
            return false;
        }

        using var accept = new CallAcceptWork(host, new SecretHandshakeScheme(), default, finish.Finish, agreement, ticket, new SecretKey(seed));
        accept.Run();
        if (accept.Outcome != DropReason.None || !accept.RemoteKey!.Ed25519.SequenceEqual(entry.Hex("initiator_key")))
        {
            return false;
        }

        using var keys = accept.TakePendingKeys();
        return keys.SendKey.Span.SequenceEqual(entry.Hex("key_responder_to_initiator"))
            && keys.ReceiveKey.Span.SequenceEqual(entry.Hex("key_initiator_to_responder"))
            && accept.Confirmation.AsSpan().SequenceEqual(entry.Hex("first_packet_of_responder"));
    }

    private sealed class Script(params byte[][] draws) : IRandomSource
    {
        private readonly Queue<byte[]> _draws = new(draws);

        public void Fill(Span<byte> destination) => _draws.Dequeue().CopyTo(destination);
    }
}
