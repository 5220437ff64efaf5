using System.Text;
using PacketSec.Core.Tests.Schemes;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Tests.Schemes.MyChips;

public sealed class MyChipsHandshakeTests
{
    public static TheoryData<char, int> Kinds => new() { { 'I', 0 }, { 'I', 3 }, { 'N', 0 }, { 'N', 3 }, { 'K', 0 }, { 'K', 3 } };

    //= spec/mychips.md#packet-layout
    //= spec/mychips.md#finish-once
    //= spec/mychips.md#answer-fits
    //= spec/mychips.md#static-keys
    [Theory]
    [MemberData(nameof(Kinds))]
    public void Two_sites_agree_on_keys_and_the_certificate_arrives(char kind, int transcript)
    {
        using var rig = new MyChipsRig { Certificate = "b1@site, some street"u8.ToArray() };
        var agreement = MyChipsRig.AgreementOf(transcript);
        using var first = Begin(rig, kind, agreement);
        using var answer = rig.Answer(first.FirstMessage, [null, MyChipsRig.AgreementOf(9), agreement], rig.Initiator.PublicKey);

        Assert.Equal(DropReason.None, answer.Outcome);
        Assert.Equal(kind, (char)first.FirstMessage[0]);
        Assert.Equal(rig.Initiator.PublicKey, answer.RemoteKey);
        Assert.Equal(agreement, answer.Agreement);
        Assert.Equal(49, answer.Answer.Length);
        Assert.Equal((byte)'A', answer.Answer[0]);
        Assert.True(answer.Answer.Length <= first.FirstMessage.Length);
        Assert.Equal(kind == 'K', answer.Question is null);

        using var noise = first.TakeNoise();
        using var check = rig.Check(noise, answer.Answer);
        Assert.Equal(DropReason.None, check.Outcome);
        Assert.Equal(rig.Responder.PublicKey, check.RemoteKey);
        using var pending = answer.TakePendingKeys();
        using var finish = rig.Finish(pending, check.Finish);
        var (send, receive) = check.TakeKeys();

        Assert.Equal(DropReason.None, finish.Outcome);
        Assert.Equal("540000000c", Convert.ToHexStringLower(check.Finish.AsSpan(0, 5)));
        Assert.Equal(rig.Certificate, finish.Certificate);
        Assert.Equal(rig.Initiator.PublicKey, finish.RemoteKey);
        Assert.Equal("5480000010", Convert.ToHexStringLower(finish.Confirmation.AsSpan(0, 5)));
        Assert.Equal(21, finish.Confirmation.Length);
        Assert.Equal(send.Span, pending.ReceiveKey.Span);
        Assert.Equal(receive.Span, pending.SendKey.Span);
    }

    [Fact]
    public void The_claim_says_which_ticket_for_what_and_for_whom()
    {
        using var rig = new MyChipsRig();
        using var ticket = rig.NewTicket("a tally, für dich", TicketBinding.ToUser("b1@site"));
        using var first = rig.First(ticket);
        using var answer = rig.Answer(first.FirstMessage);

        Assert.Equal(new PresentedTicket(ticket.ToRecord(CryptoProvider.Default).Hash, "b1@site", "a tally, für dich"), answer.Question!.Ticket);
        Assert.Null(answer.Question.SiteId);
    }

    //= spec/mychips.md#key-proven
    [Theory]
    [InlineData(false, DropReason.KeyMismatch)]
    [InlineData(true, DropReason.OwnKey)]
    public void A_key_that_the_handshake_does_not_prove_or_that_is_ones_own_draws_nothing(bool own, DropReason expected)
    {
        using var rig = new MyChipsRig();
        using var other = IdentityKey.FromSeed([.. Enumerable.Repeat((byte)8, 32)], CryptoProvider.Default);
        using var ticket = rig.NewTicket();
        using var pass = new TicketPass(ticket);
        var sender = own ? rig.Responder : rig.Initiator;
        using var answer = rig.Answer(Introduce(rig, sender, ClaimPayload.Write(pass, own ? sender.PublicKey : other.PublicKey)));

        Assert.Equal(expected, answer.Outcome);
        Assert.Empty(answer.Answer);
    }

    //= spec/mychips.md#own-key
    [Fact]
    public void A_site_that_calls_itself_by_name_draws_nothing()
    {
        using var rig = new MyChipsRig { SiteId = "self@port" };
        rig.Sites["self@port"] = rig.Responder.PublicKey;
        var request = new FirstMessageRequest(1, null, rig.Responder.PeerId, TimeSpan.Zero);
        using var first = MyChipsRig.Scheme.BeginFirst(rig.ContextOf(rig.Responder), request);
        first.Run();
        using var answer = rig.Answer(first.FirstMessage);

        Assert.Equal(DropReason.OwnKey, answer.Outcome);
    }

    //= spec/mychips.md#silence
    [Fact]
    public void A_site_that_is_unknown_or_has_another_key_draws_nothing()
    {
        using var rig = new MyChipsRig { SiteId = "b@4000" };
        using var first = rig.First();
        using var unknown = rig.Answer(first.FirstMessage);
        rig.Sites["b@4000"] = rig.Responder.PublicKey;
        using var another = rig.Answer(first.FirstMessage);
        rig.Sites["b@4000"] = rig.Initiator.PublicKey;
        using var known = rig.Answer(first.FirstMessage);

        Assert.Equal(DropReason.UnknownSite, unknown.Outcome);
        Assert.Equal(DropReason.NotAuthentic, another.Outcome);
        Assert.Equal(DropReason.None, known.Outcome);
        Assert.Equal("b@4000", known.Question!.SiteId);
    }

    //= spec/mychips.md#prologue
    [Fact]
    public void The_name_of_one_site_does_not_stand_before_the_message_of_another()
    {
        using var rig = new MyChipsRig { SiteId = "b@4000" };
        rig.Sites["b@4000"] = rig.Sites["c@4000"] = rig.Initiator.PublicKey;
        using var first = rig.First();
        rig.SiteId = "c@4000";
        using var other = rig.First();
        var at = first.FirstMessage.Length - 49;
        using var mixed = rig.Answer([.. other.FirstMessage.AsSpan(0, at), .. first.FirstMessage.AsSpan(at)]);

        Assert.Equal(DropReason.NotAuthentic, mixed.Outcome);
    }

    //= spec/mychips.md#no-tag
    [Theory]
    [InlineData('I')]
    [InlineData('N')]
    [InlineData('K')]
    public void A_first_message_of_another_transcript_draws_nothing(char kind)
    {
        using var rig = new MyChipsRig();
        using var first = Begin(rig, kind, MyChipsRig.AgreementOf(3));
        using var answer = rig.Answer(first.FirstMessage, [null, MyChipsRig.AgreementOf(4)], rig.Initiator.PublicKey);

        Assert.Equal(DropReason.NotAuthentic, answer.Outcome);
        Assert.Null(answer.Question?.SiteId);
    }

    [Fact]
    public void A_renewal_of_somebody_without_a_channel_draws_nothing()
    {
        using var rig = new MyChipsRig();
        using var first = rig.First(renews: true);
        using var nobody = rig.Answer(first.FirstMessage);
        using var another = rig.Answer(first.FirstMessage, known: Tickets.Key(3));

        Assert.Equal(DropReason.NoHandshake, nobody.Outcome);
        Assert.Equal(DropReason.NotAuthentic, another.Outcome);
    }

    //= spec/mychips.md#zero-dh
    [Theory]
    [InlineData('I')]
    [InlineData('N')]
    [InlineData('K')]
    public void An_ephemeral_key_of_small_order_draws_nothing(char kind)
    {
        using var rig = new MyChipsRig();
        using var first = Begin(rig, kind, null);
        var packet = first.FirstMessage.ToArray();
        packet.AsSpan(kind == 'N' ? packet.Length - 48 : 1, 32).Clear();
        using var answer = rig.Answer(packet, known: rig.Initiator.PublicKey);

        Assert.Equal(DropReason.NotAuthentic, answer.Outcome);
    }

    //= spec/mychips.md#packet-layout
    [Theory]
    [InlineData('I')]
    [InlineData('N')]
    [InlineData('K')]
    public void Each_changed_byte_each_cut_and_each_byte_more_draws_nothing(char kind)
    {
        using var rig = new MyChipsRig();
        using var first = Begin(rig, kind, null);
        for (var i = 1; i < first.FirstMessage.Length; i += 7)
        {
            var changed = first.FirstMessage.ToArray();
            changed[i] ^= 1;
            using var answer = rig.Answer(changed, known: rig.Initiator.PublicKey);
            Assert.NotEqual(DropReason.None, answer.Outcome);
        }

        using var cut = rig.Answer(first.FirstMessage[..^1], known: rig.Initiator.PublicKey);
        using var more = rig.Answer([.. first.FirstMessage, 0], known: rig.Initiator.PublicKey);
        Assert.NotEqual(DropReason.None, cut.Outcome);
        Assert.NotEqual(DropReason.None, more.Outcome);
    }

    //= spec/mychips.md#packet-layout
    [Fact]
    public void A_claim_is_read_to_its_last_byte_and_no_further()
    {
        using var rig = new MyChipsRig();
        using var ticket = rig.NewTicket(new string('p', 255), TicketBinding.ToUser(new string('u', 255)));
        using var pass = new TicketPass(ticket);
        var payload = ClaimPayload.Write(pass, rig.Initiator.PublicKey);
        byte[] weak = [.. payload.AsSpan(0, 32), .. new byte[32], .. payload.AsSpan(64)];

        Assert.Equal(ClaimPayload.MaxSize - 1026, payload.Length);
        Assert.True(ClaimPayload.TryRead(payload, out var claim));
        Assert.Equal(new string('u', 255), claim.UserAddress);
        Assert.True(claim.Certificate.IsEmpty);
        Assert.False(ClaimPayload.TryRead([.. payload, 0], out _));
        Assert.False(ClaimPayload.TryRead([.. payload, 1], out _));
        Assert.False(ClaimPayload.TryRead(weak, out _));
        Assert.All(Enumerable.Range(0, payload.Length), length => Assert.False(ClaimPayload.TryRead(payload.AsSpan(0, length), out _)));

        using var answer = rig.Answer(Introduce(rig, rig.Initiator, payload));
        Assert.Equal(DropReason.None, answer.Outcome);
    }

    //= spec/mychips.md#certificate-in-first
    [Fact]
    public void A_claim_may_end_with_a_certificate_of_1_to_1024_bytes()
    {
        using var rig = new MyChipsRig();
        using var ticket = rig.NewTicket();
        using var pass = new TicketPass(ticket);
        var bare = ClaimPayload.Write(pass, rig.Initiator.PublicKey);
        foreach (var length in (int[])[1, 127, 128, 1024])
        {
            var certificate = Enumerable.Repeat((byte)7, length).ToArray();
            var payload = ClaimPayload.Write(pass, rig.Initiator.PublicKey, certificate);
            Assert.True(ClaimPayload.TryRead(payload, out var claim));
            Assert.Equal(certificate, claim.Certificate);
            Assert.Equal("tally", claim.Purpose);
            Assert.False(ClaimPayload.TryRead([.. payload, 0], out _));
            Assert.False(ClaimPayload.TryRead(payload.AsSpan(0, payload.Length - 1), out _));
        }

        Assert.False(ClaimPayload.TryRead([.. bare, 0x81, 0x08, .. new byte[1025]], out _));
        Assert.False(ClaimPayload.TryRead([.. bare, 0x81, 0x00, 7], out _));
        Assert.False(ClaimPayload.TryRead([.. bare, 0], out _));
    }

    //= spec/mychips.md#certificate-in-first
    //= spec/mychips.md#certificate-once
    [Theory]
    [InlineData('I', true)]
    [InlineData('N', false)]
    [InlineData('K', false)]
    public void With_the_option_the_certificate_stands_beside_a_ticket_and_not_again_in_the_first_transport_packet(char kind, bool inFirst)
    {
        using var rig = new MyChipsRig { Certificate = "b1@site"u8.ToArray() };
        using var without = Begin(rig, kind, null);
        rig.CertificateWithTicket = true;
        using var first = Begin(rig, kind, null);
        using var answer = rig.Answer(first.FirstMessage, known: rig.Initiator.PublicKey);
        using var noise = first.TakeNoise();
        using var check = rig.Check(noise, answer.Answer);
        using var pending = answer.TakePendingKeys();
        using var finish = rig.Finish(pending, check.Finish);

        Assert.Equal(without.FirstMessage.Length + (inFirst ? 1 + rig.Certificate.Length : 0), first.FirstMessage.Length);
        Assert.Equal(21 + (inFirst ? 0 : rig.Certificate.Length), check.Finish.Length);
        Assert.Equal(rig.Certificate, finish.Certificate);
    }

    //= spec/mychips.md#certificate-once
    [Fact]
    public void Of_two_certificates_the_one_in_the_first_transport_packet_counts()
    {
        using var rig = new MyChipsRig { Certificate = "early"u8.ToArray(), CertificateWithTicket = true };
        using var first = Begin(rig, 'I', null);
        using var answer = rig.Answer(first.FirstMessage);
        using var noise = first.TakeNoise();
        (rig.Certificate, rig.CertificateWithTicket) = ("late"u8.ToArray(), false);
        using var check = rig.Check(noise, answer.Answer);
        using var pending = answer.TakePendingKeys();
        using var finish = rig.Finish(pending, check.Finish);

        Assert.Equal("late"u8.ToArray(), finish.Certificate);
    }

    //= spec/mychips.md#packet-layout
    [Fact]
    public void A_site_id_has_1_to_255_bytes_of_text()
    {
        using var rig = new MyChipsRig { SiteId = new string('s', 255) };
        rig.Sites[rig.SiteId] = rig.Initiator.PublicKey;
        using var longest = rig.First();
        using var answer = rig.Answer(longest.FirstMessage);

        Assert.Equal(355, longest.FirstMessage.Length);
        Assert.Equal(DropReason.None, answer.Outcome);
        Assert.True(SitePacket.TryReadId(Encoding.UTF8.GetBytes("é"), out _));
        Assert.False(SitePacket.TryReadId([], out _));
        Assert.False(SitePacket.TryReadId(new byte[256].AsSpan(), out _));
        Assert.False(SitePacket.TryReadId("a\nb"u8, out _));
        Assert.False(SitePacket.TryReadId([0xff], out _));
    }

    //= spec/mychips.md#equal-work
    [Theory]
    [InlineData('I')]
    [InlineData('N')]
    public void A_first_message_that_fails_costs_the_same_operations(char kind)
    {
        var crypto = new CountingProvider(CryptoProvider.Default);
        using var rig = new MyChipsRig(crypto: crypto);
        using var first = Begin(rig, kind, null);
        var genuine = CostOf(first.FirstMessage, DropReason.None);
        var name = first.FirstMessage.ToArray();
        name[40] ^= 1;
        var payload = first.FirstMessage.ToArray();
        payload[^1] ^= 1;

        var lowOrder = first.FirstMessage.ToArray();
        lowOrder.AsSpan(kind == 'I' ? 1 : 2, 32).Clear();

        Assert.Contains(kind == 'I' ? "4 agreements" : "5 agreements", genuine, StringComparison.Ordinal);
        Assert.Equal(genuine, CostOf(name, DropReason.NotAuthentic));
        Assert.Equal(genuine, CostOf(payload, DropReason.NotAuthentic));
        Assert.Equal(genuine, CostOf(lowOrder, DropReason.NotAuthentic));
        if (kind == 'N')
        {
            rig.Sites.Clear();
            Assert.Equal(genuine, CostOf(first.FirstMessage, DropReason.UnknownSite));
        }

        string CostOf(byte[] message, DropReason expected)
        {
            crypto.Reset();
            using var answer = rig.Answer(message);
            Assert.Equal(expected, answer.Outcome);
            return crypto.ToString();
        }
    }

    //= spec/mychips.md#answer-proves
    [Fact]
    public void An_answer_of_another_site_or_to_another_message_proves_nothing()
    {
        using var rig = new MyChipsRig();
        using var ticket = rig.NewTicket();
        using var first = rig.First(ticket);
        using var second = rig.First(ticket);
        using var answer = rig.Answer(first.FirstMessage);
        using var noise = second.TakeNoise();
        using var check = rig.Check(noise, answer.Answer);

        Assert.Equal(DropReason.NotAuthentic, check.Outcome);
    }

    [Theory]
    [InlineData((int)HandshakeStep.First, 49, 1701)]
    [InlineData((int)HandshakeStep.Answer, 49, 49)]
    [InlineData((int)HandshakeStep.Finish, 21, 1045)]
    public void Lengths_have_two_ends(int step, int shortest, int longest)
    {
        Assert.Equal(DropReason.TooShort, MyChipsRig.Scheme.CheckLength((HandshakeStep)step, shortest - 1));
        Assert.Equal(DropReason.None, MyChipsRig.Scheme.CheckLength((HandshakeStep)step, shortest));
        Assert.Equal(DropReason.None, MyChipsRig.Scheme.CheckLength((HandshakeStep)step, longest));
        Assert.Equal(DropReason.TooLong, MyChipsRig.Scheme.CheckLength((HandshakeStep)step, longest + 1));
    }

    private static FirstMessageWork Begin(MyChipsRig rig, char kind, Agreement? agreement)
    {
        rig.SiteId = kind == 'N' ? "b@4000" : null;
        rig.Sites["b@4000"] = rig.Initiator.PublicKey;
        using var ticket = kind == 'I' ? rig.NewTicket() : null;
        return rig.First(ticket, kind == 'K', agreement);
    }

    /// <summary>A true introduction but for the claim.</summary>
    private static byte[] Introduce(MyChipsRig rig, IdentityKey sender, byte[] claim)
    {
        var context = new MyChipsContext(rig.ContextOf(sender), Agreement.DirectTranscript(CryptoProvider.Default, MyChipsScheme.SchemeName));
        Assert.True(MyChipsContext.TryMap(rig.Responder.PublicKey, out var responder));
        using var noise = context.NewWithTicket(null, responder);
        var packet = new byte[1 + MyChipsScheme.TicketOverhead + claim.Length];
        packet[0] = Letters.Ticket;
        noise.WriteMessage(claim, packet.AsSpan(1));
        return packet;
    }
}
