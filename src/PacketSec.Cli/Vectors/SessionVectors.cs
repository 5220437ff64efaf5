using System.Text.Json;
using PacketSec.Crypto;
using PacketSec.Internal;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.P2pke;

namespace PacketSec.Cli.Vectors;

/// <summary>Whole P2PKE sessions: every datagram made again from the private keys, and read by the other side.</summary>
internal static class SessionVectors
{
    private static readonly NoiseProtocol Protocol = NoiseProtocol.Parse("Noise_NN_25519_ChaChaPoly_BLAKE2b");

    private static readonly PacketHeader InitHelloHeader = new(Direction.InitiatorToResponder, new PacketCounter(0));

    private static readonly PacketHeader RespHelloHeader = new(Direction.ResponderToInitiator, new PacketCounter(1));

    private static readonly PacketHeader InitDoneHeader = new(Direction.InitiatorToResponder, new PacketCounter(2));

    public static void Replay(JsonElement root, VectorTally tally)
    {
        tally.Check("timestamp", TimestampHolds(root));
        tally.Check("handshake", crypto => HandshakeHolds(crypto, root));
        foreach (var entry in root.Items("data"))
        {
            tally.Check(Name(entry), crypto => PacketHolds(crypto, root, entry));
        }

        // What a session does with these counters is its own rule; the cipher below it is the same.
        foreach (var entry in root.Items("edge"))
        {
            tally.Check(Name(entry), crypto => PacketHolds(crypto, root, entry));
            tally.Note("at the cipher only: reserved or closing counter");
        }
    }

    private static string Name(JsonElement entry) => $"packet {entry.Text("direction")} {entry.GetProperty("counter").GetUInt32()}";

    private static bool TimestampHolds(JsonElement root)
    {
        var bytes = new byte[Tai64n.Size];
        Tai64n.FromUnixTime(root.GetProperty("unix_seconds").GetInt64(), root.GetProperty("unix_nanoseconds").GetUInt32()).WriteTo(bytes);
        return bytes.AsSpan().SequenceEqual(root.Hex("timestamp_tai64n"));
    }

    private static bool HandshakeHolds(ICryptoProvider crypto, JsonElement root)
    {
        using var initiatorEphemeral = crypto.ImportX25519PrivateKey(root.Hex("initiator_ephemeral_private"));
        using var responderEphemeral = crypto.ImportX25519PrivateKey(root.Hex("responder_ephemeral_private"));
        using var initiatorIdentity = IdentityKey.FromSeed(root.Hex("initiator_seed"), crypto);
        using var responderIdentity = IdentityKey.FromSeed(root.Hex("responder_seed"), crypto);
        using var initiator = Begin(crypto, initiatorEphemeral, isInitiator: true);
        using var responder = Begin(crypto, responderEphemeral, isInitiator: false);
        var secret = new byte[X25519PrivateKey.Size];
        if (!initiatorEphemeral.PublicKey.SequenceEqual(root.Hex("initiator_ephemeral_public"))
            || !responderEphemeral.PublicKey.SequenceEqual(root.Hex("responder_ephemeral_public"))
            || !initiatorEphemeral.TryAgree(responderEphemeral.PublicKey, secret) || !secret.AsSpan().SequenceEqual(root.Hex("dh_ee"))
            || !initiatorIdentity.PublicKey.PublicKeyInfo.SequenceEqual(root.Hex("initiator_key_x509"))
            || !responderIdentity.PublicKey.PublicKeyInfo.SequenceEqual(root.Hex("responder_key_x509")))
        {
            return false;
        }

        var timestamp = root.Hex("timestamp_tai64n");
        var initHello = Encode(new InitHelloBody(timestamp, Claim(initiatorIdentity, P2pkeSignature.Timestamp, timestamp)));
        if (!MessageHolds(root, "init_hello", InitHelloHeader, initHello, initiator, responder)
            || !initiator.HandshakeHash.SequenceEqual(root.Hex("channel_binding_1"))
            || !ClaimHolds(crypto, WireMessage.TryRead<InitHelloBody>(initHello, out var first), first.AuthClaim, P2pkeSignature.Timestamp, timestamp))
        {
            return false;
        }

        var respHello = Encode(new RespHelloBody(Claim(responderIdentity, P2pkeSignature.ChannelBinding, root.Hex("channel_binding_1"))));
        if (!MessageHolds(root, "resp_hello", RespHelloHeader, respHello, responder, initiator)
            || !initiator.HandshakeHash.SequenceEqual(root.Hex("channel_binding_2"))
            || !ClaimHolds(
                crypto,
                WireMessage.TryRead<RespHelloBody>(respHello, out var second),
                second.AuthClaim,
                P2pkeSignature.ChannelBinding,
                root.Hex("channel_binding_1")))
        {
            return false;
        }

        var initDone = Encode(new InitDoneBody(Claim(initiatorIdentity, P2pkeSignature.ChannelBinding, root.Hex("channel_binding_2"))));
        return initDone.AsSpan().SequenceEqual(root.Hex("init_done_payload"))
            && KeysHold(root, initiator) && KeysHold(root, responder)
            && SealedHolds(crypto, root.Hex("key_initiator_to_responder"), InitDoneHeader, initDone, root.Hex("init_done"));
    }

    private static HandshakeState Begin(ICryptoProvider crypto, X25519PrivateKey ephemeral, bool isInitiator)
        => new(crypto, SystemRandomSource.Instance, new HandshakeConfig { Protocol = Protocol, Initiator = isInitiator, LocalEphemeral = ephemeral });

    private static AuthClaim Claim(IdentityKey identity, ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> data)
    {
        var signature = new byte[Ed25519PrivateKey.SignatureSize];
        P2pkeSignature.Sign(identity.Crypto, identity.SigningKey, purpose, data, signature);
        return new AuthClaim(identity.PublicKey.PublicKeyInfo, signature);
    }

    private static bool ClaimHolds(ICryptoProvider crypto, bool isRead, AuthClaim claim, ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> data)
        => isRead && claim.IsComplete && PublicKey.TryRead(claim.Key, out var key)
            && P2pkeSignature.Verify(crypto, key, purpose, data, claim.Signature);

    private static byte[] Encode<T>(in T body)
        where T : struct, IWireMessage<T>, allows ref struct
    {
        var bytes = new byte[body.EncodedLength];
        WireMessage.Write(body, bytes);
        return bytes;
    }

    private static bool MessageHolds(
        JsonElement root, string name, PacketHeader header, byte[] payload, HandshakeState writer, HandshakeState reader)
    {
        var expected = root.Hex(name);
        var message = new byte[PacketHeader.Size + writer.MessageOverhead + payload.Length];
        header.WriteTo(message);
        writer.WriteMessage(payload, message.AsSpan(PacketHeader.Size));
        var read = new byte[message.Length];
        return payload.AsSpan().SequenceEqual(root.Hex(name + "_payload"))
            && message.AsSpan().SequenceEqual(expected)
            && reader.TryReadMessage(message.AsSpan(PacketHeader.Size), read, out var length) && read.AsSpan(0, length).SequenceEqual(payload);
    }

    private static bool KeysHold(JsonElement root, HandshakeState handshake)
    {
        byte[] first = new byte[32], second = new byte[32];
        handshake.Split(first, second);
        return first.AsSpan().SequenceEqual(root.Hex("key_initiator_to_responder")) && second.AsSpan().SequenceEqual(root.Hex("key_responder_to_initiator"));
    }

    private static bool PacketHolds(ICryptoProvider crypto, JsonElement root, JsonElement entry)
    {
        var fromInitiator = entry.Text("direction") == "i2r";
        var header = new PacketHeader(
            fromInitiator ? Direction.InitiatorToResponder : Direction.ResponderToInitiator,
            new PacketCounter(entry.GetProperty("counter").GetUInt32()));
        var key = root.Hex(fromInitiator ? "key_initiator_to_responder" : "key_responder_to_initiator");
        return SealedHolds(crypto, key, header, entry.Hex("payload"), entry.Hex("packet"));
    }

    private static bool SealedHolds(ICryptoProvider crypto, byte[] key, PacketHeader header, byte[] payload, byte[] packet)
    {
        using var aead = crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
        var nonce = new byte[AeadContext.NonceSize];
        header.Counter.WriteNonce(nonce);
        var made = new byte[PacketHeader.Size + payload.Length + AeadContext.TagSize];
        header.WriteTo(made);
        aead.Seal(key, nonce, made.AsSpan(0, PacketHeader.Size), payload, made.AsSpan(PacketHeader.Size));
        var opened = new byte[payload.Length];
        return made.AsSpan().SequenceEqual(packet)
            && PacketHeader.TryRead(packet, out var read) && read == header
            && aead.TryOpen(key, nonce, packet.AsSpan(0, PacketHeader.Size), packet.AsSpan(PacketHeader.Size), opened)
            && opened.AsSpan().SequenceEqual(payload);
    }
}
