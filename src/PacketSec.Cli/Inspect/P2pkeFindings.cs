using System.Text;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.P2pke;

namespace PacketSec.Cli.Inspect;

/// <summary>What the handshake messages of <c>p2pke-1</c> show to somebody without keys.</summary>
internal static class P2pkeFindings
{
    private const int EphemeralSize = 32;
    private const int InitHelloMinimum = SpecLimits.HeaderSize + EphemeralSize;
    private const int RespHelloMinimum = SpecLimits.HeaderSize + EphemeralSize + SpecLimits.TagSize;
    private const int InitDoneMinimum = SpecLimits.HeaderSize + SpecLimits.TagSize;

    /// <summary>Describes an InitHello.</summary>
    /// <param name="message">The message with its header, which is not looked at if it is that of an InitHello.</param>
    //= spec/p2pke.md#init-hello-layout
    public static Finding OfInitHello(ReadOnlySpan<byte> message)
    {
        const string Kind = "init_hello";
        const string Title = "InitHello";
        if (!PacketHeader.TryRead(message, out var header) || header.Word != 0)
        {
            return Finding.Malformed(Kind, Title, DropReason.Malformed, "the first word is not 00000000");
        }

        if (OfSize(Kind, Title, message, InitHelloMinimum) is { } sizeProblem)
        {
            return sizeProblem;
        }

        var body = default(InitHelloBody);
        var parsed = WireMessage.TryRead(message[InitHelloMinimum..], out body);
        var finding = !parsed
            ? Finding.Malformed(Kind, Title, DropReason.Malformed, "the payload is not proto3, or a suite is not UTF-8")
            : OfBody(body) is var (drop, reason)
                ? Finding.Malformed(Kind, Title, drop, reason)
                : new Finding(Kind, Title, Tone.Good);
        finding.AddBytes("ephemeral", message.Slice(SpecLimits.HeaderSize, EphemeralSize));
        if (parsed)
        {
            AddBody(finding, body);
        }

        return finding;
    }

    /// <summary>Describes a RespHello, of which only the ephemeral key is in clear.</summary>
    //= spec/p2pke.md#resp-hello-layout
    public static Finding OfRespHello(ReadOnlySpan<byte> message)
    {
        if (OfSize("resp_hello", "RespHello", message, RespHelloMinimum) is { } sizeProblem)
        {
            return sizeProblem;
        }

        var finding = new Finding("resp_hello", "RespHello", Tone.Good);
        finding.AddBytes("ephemeral", message.Slice(SpecLimits.HeaderSize, EphemeralSize));
        finding.Add("sealed_size", message.Length - SpecLimits.HeaderSize - EphemeralSize);
        return finding;
    }

    /// <summary>Describes an InitDone, all of which is sealed.</summary>
    //= spec/p2pke.md#init-done-layout
    public static Finding OfInitDone(ReadOnlySpan<byte> message)
    {
        if (OfSize("init_done", "InitDone", message, InitDoneMinimum) is { } sizeProblem)
        {
            return sizeProblem;
        }

        var finding = new Finding("init_done", "InitDone", Tone.Good);
        finding.Add("sealed_size", message.Length - SpecLimits.HeaderSize);
        return finding;
    }

    //= spec/p2pke.md#handshake-size
    private static Finding? OfSize(string kind, string title, ReadOnlySpan<byte> message, int minimum)
        => message.Length < minimum
            ? Finding.Malformed(kind, title, DropReason.TooShort, $"it has {Finding.Bytes(message.Length)}, less than {minimum}")
            : message.Length > ImplementationLimits.HandshakeMessageSize
                ? Finding.Malformed(
                    kind, title, DropReason.TooLong, $"it has {message.Length} bytes, more than {ImplementationLimits.HandshakeMessageSize}")
                : null;

    // In the order in which a responder checks.
    private static (DropReason Drop, string Reason)? OfBody(in InitHelloBody body)
    {
        if (!Tai64n.TryRead(body.Timestamp, out _))
        {
            return (DropReason.Malformed, body.Timestamp.Length == Tai64n.Size
                ? "the timestamp has 10^9 nanoseconds or more"
                : $"the timestamp has {Finding.Bytes(body.Timestamp.Length)}, not {Tai64n.Size}");
        }

        if (!body.HasAuthClaim || !body.AuthClaim.IsComplete)
        {
            return (DropReason.Malformed, body.HasAuthClaim ? "the claim lacks its key or its signature" : "the claim is missing");
        }

        if (!PublicKey.TryRead(body.AuthClaim.Key, out var key))
        {
            return (DropReason.UnsupportedKey, $"the key of the claim, {Finding.Bytes(body.AuthClaim.Key.Length)}, is none that is accepted");
        }

        return Verifies(key, body) ? null : (DropReason.BadSignature, "the signature over the timestamp does not verify");
    }

    private static bool Verifies(PublicKey key, in InitHelloBody body)
        => !key.IsSmallOrder
            && P2pkeSignature.Verify(CryptoProvider.Default, key, P2pkeSignature.Timestamp, body.Timestamp, body.AuthClaim.Signature);

    private static void AddBody(Finding finding, in InitHelloBody body)
    {
        var suites = new List<string>();
        foreach (var suite in body.CipherSuites)
        {
            suites.Add(Encoding.UTF8.GetString(suite));
        }

        finding.AddForeign("suites", suites);
        if (Tai64n.TryRead(body.Timestamp, out var timestamp))
        {
            finding.Add("timestamp", UtcTime.FromTai64n(timestamp).ToString());
        }

        if (!body.AuthClaim.Key.IsEmpty)
        {
            finding.AddBytes("key", body.AuthClaim.Key);
        }

        if (PublicKey.TryRead(body.AuthClaim.Key, out var key))
        {
            finding.Add("key_type", key.Type switch
            {
                PublicKeyType.Ed25519 => "ed25519",
                PublicKeyType.EcdsaP256 => "ecdsa-p256",
                PublicKeyType.Rsa => "rsa",
            });
            finding.Add("claimed_peer_id", PeerId.FromPublicKey(key, CryptoProvider.Default).ToString());
            finding.Add("claimed_p2pke_id", P2pkePeerId.FromPublicKey(key, CryptoProvider.Default).ToString());
        }

        finding.Add("signature_length", body.AuthClaim.Signature.Length);
        if (!body.TranscriptTag.IsEmpty)
        {
            finding.AddBytes("transcript_tag", body.TranscriptTag);
        }
    }
}
