using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Schemes.MyChips;

/// <summary>Makes a first message: with a ticket, with the name of a known site, or within a channel.</summary>
internal sealed class MyChipsFirstWork(MyChipsContext context, Agreement? agreement, PeerId remote, TicketPass? pass, string? siteId) : FirstMessageWork
{
    public override void Run()
    {
        // Connect has refused keys that have no X25519 form.
        if (!remote.TryGetPublicKey(out var key) || !MyChipsContext.TryMap(key, out var responder))
        {
            throw new InvalidOperationException("The identity cannot be called; Connect says so.");
        }

        if (pass is not null)
        {
            MakeWithTicket(pass, responder);
        }
        else
        {
            var front = siteId is null ? [] : MakeFront(siteId, responder);
            var noise = context.NewKnown(initiator: true, agreement, responder, front);
            Finish(noise, [.. front, Letters.Known, .. Write(noise, [])]);
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        pass?.Dispose();
    }

    private void MakeWithTicket(TicketPass ticket, byte[] responder)
    {
        var payload = ClaimPayload.Write(
            ticket, context.Identity.PublicKey, context.Shared.CertificateWithTicket ? context.Shared.Certificate.Span : default);
        var noise = context.NewWithTicket(agreement, responder);
        Finish(noise, [Letters.Ticket, .. Write(noise, payload)]);
        CryptographicOperations.ZeroMemory(payload);
    }

    private byte[] MakeFront(string site, byte[] responder)
    {
        using var noise = context.NewOneWay(agreement, responder);
        return SitePacket.WriteFront(Write(noise, PsecFrame.ToBytes(site)));
    }

    private static byte[] Write(HandshakeState noise, ReadOnlySpan<byte> payload)
    {
        var message = new byte[noise.MessageOverhead + payload.Length];
        noise.WriteMessage(payload, message);
        return message;
    }
}

/// <summary>Checks an answer against the first messages that wait for one, and makes the first transport packet.</summary>
internal sealed class MyChipsCheckWork(MyChipsContext context, IReadOnlyList<AnswerCandidate> candidates, byte[] answer, PeerId expected)
    : AnswerCheckWork(candidates, answer)
{
    public override void Run() => Outcome = Check();

    //= spec/mychips.md#answer-proves
    private DropReason Check()
    {
        foreach (var candidate in Candidates)
        {
            if (candidate.Noise.TryReadMessage(Answer.AsSpan(1), [], out _))
            {
                Matched = candidate;
                RemotePeer = expected;
                RemoteKey = expected.TryGetPublicKey(out var key) ? key : null;
                MakeFinish(candidate.Noise);
                return DropReason.None;
            }
        }

        return DropReason.NotAuthentic;
    }

    //= spec/mychips.md#finish-once
    private void MakeFinish(HandshakeState noise)
    {
        Span<byte> keys = stackalloc byte[64];
        try
        {
            noise.Split(keys[..32], keys[32..]);
            //= spec/mychips.md#certificate-in-first
            var isTold = context.Shared.CertificateWithTicket && MyChipsContext.IsWithTicket(noise);
            var certificate = isTold ? default : context.Shared.Certificate.Span;
            var packet = new byte[MyChipsScheme.MinFinish + certificate.Length];
            var header = new PacketHeader(Direction.InitiatorToResponder, new PacketCounter(MyChipsScheme.FinishCounter));
            Letters.WriteHeader(header, Letters.HeaderSize, packet);
            using var aead = context.Crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
            PacketAead.Seal(aead, keys[..32], header.Counter, certificate, packet, Letters.HeaderSize);
            Succeed(packet, new SecretKey(keys[..32]), new SecretKey(keys[32..]));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(keys);
        }
    }
}
