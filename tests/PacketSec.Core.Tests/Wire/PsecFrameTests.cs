using System.Security.Cryptography;
using System.Text;
using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;

namespace PacketSec.Core.Tests.Wire;

public sealed class PsecFrameTests
{
    private const string Id = "0024080112208174099687a26621f4e2cdd7cc03b3dacedb3fb962255b1aafd033cabe831530";

    [Fact]
    public void The_vectors_hold_what_these_tests_read()
        => Assert.Equal(
            ["proposals", "malformed_proposals", "accepts", "rejects", "simultaneous", "standard_transcripts", "direct_transcripts", "cookies"],
            PsecVectors.Members());

    [Fact]
    public void Each_valid_proposal_is_read_field_by_field_and_written_the_same()
    {
        var proposals = PsecVectors.Of("proposals");
        Assert.Equal(12, proposals.Count);
        foreach (var entry in proposals)
        {
            var bytes = entry.Hex("frame");
            Assert.True(WireMessage.TryRead<ProposalFrame>(bytes, out var frame), entry.Text("name"));
            Assert.Equal(entry.Hex("peer_id"), frame.PeerId.ToArray());
            Assert.Equal(entry.Texts("strings"), StringsOf(frame));
            Assert.Equal(entry.Texts("strings").Length, frame.Count);
            Assert.Equal(entry.Texts("schemes"), ReceivedProposal.ReadStrings(frame).Schemes);
            Assert.Equal(entry.GetProperty("first_packet").GetString() ?? "", Convert.ToHexStringLower(frame.FirstPacket));
            Assert.Equal(entry.Text("normal_form"), Convert.ToHexStringLower(frame.ToNormalForm()));
            Assert.Equal(entry.Hex("digest"), SHA256.HashData(frame.ToNormalForm()));
            Assert.Equal(bytes, Write(frame));
            Assert.Equal(bytes, ProposalFrame.Encode(frame.PeerId, StringsOf(frame), frame.FirstPacket));
            Assert.True(PsecFrame.IsFrame(bytes) && PsecFrame.LooksLikeProposal(bytes));
        }
    }

    [Fact]
    public void What_a_proposal_says_of_retries_is_read_from_its_strings()
    {
        var said = new List<(bool, string)>();
        foreach (var entry in PsecVectors.Of("proposals"))
        {
            WireMessage.TryRead<ProposalFrame>(entry.Hex("frame"), out var frame);
            var (_, takesRetry, cookie) = ReceivedProposal.ReadStrings(frame);
            said.Add((takesRetry, Encoding.UTF8.GetString(cookie)));
        }

        Assert.Equal(
            [
                (false, ""), (true, ""), (true, "AAECAwQFBgcICQoLDA0ODxAREhM"), (true, ""), (true, ""), (false, ""), (true, "x"), (true, ""),
                (false, ""), (false, ""), (false, ""), (false, ""),
            ],
            said);
    }

    //= spec/psec.md#frame-strict
    [Fact]
    public void Each_malformed_proposal_is_refused()
    {
        var malformed = PsecVectors.Of("malformed_proposals");
        Assert.Equal(30, malformed.Count);
        Assert.All(malformed, entry =>
        {
            Assert.False(WireMessage.TryRead<ProposalFrame>(entry.Hex("frame"), out _));
            Assert.False(PsecFrame.IsFrame(entry.Hex("frame")));
        });
    }

    //= spec/psec.md#frame-strict
    [Fact]
    public void Each_accept_is_read_or_refused_as_the_vectors_say()
    {
        var accepts = PsecVectors.Of("accepts");
        Assert.Equal(10, accepts.Count);
        Assert.Equal(4, accepts.Count(entry => entry.GetProperty("valid").GetBoolean()));
        foreach (var entry in accepts)
        {
            var bytes = entry.Hex("frame");
            var valid = WireMessage.TryRead<AcceptFrame>(bytes, out var frame);
            Assert.True(valid == entry.GetProperty("valid").GetBoolean(), entry.Text("name"));
            Assert.Equal(valid, PsecFrame.IsFrame(bytes));
            if (valid)
            {
                Assert.Equal(entry.Text("scheme"), Encoding.UTF8.GetString(frame.Scheme));
                Assert.Equal(bytes, Write(frame));
                Assert.Equal(bytes, Write(new AcceptFrame(PsecFrame.ToBytes(entry.Text("scheme")))));
            }
        }
    }

    //= spec/psec.md#frame-strict
    [Fact]
    public void A_reject_is_one_byte_and_nothing_else()
    {
        var rejects = PsecVectors.Of("rejects");
        Assert.Equal(2, rejects.Count);
        Assert.All(rejects, entry => Assert.Equal(entry.GetProperty("valid").GetBoolean(), PsecFrame.IsFrame(entry.Hex("frame"))));
        Assert.Equal(rejects[0].Hex("frame"), PsecFrame.Reject.ToArray());
    }

    [Fact]
    public void A_cookie_is_carried_by_a_string_that_belongs_to_retries_and_may_be_taken_up()
    {
        var cookies = PsecVectors.Of("cookies");
        Assert.Equal(3, cookies.Count);
        Assert.All(cookies, entry =>
        {
            var text = PsecFrame.ToBytes(entry.Text("string"));
            Assert.True(PsecFrame.IsRetry(text) && text.Length == 52 && text.Length <= ImplementationLimits.RetryTextSize);
            Assert.Equal(PsecFrame.RetryPrefix + System.Buffers.Text.Base64Url.EncodeToString([.. entry.Hex("digest")[..9], .. entry.Hex("cookie")]), entry.Text("string"));
            Assert.Equal(PsecVectors.Of("proposals")[1].Text("digest"), entry.Text("digest"));
        });
    }

    //= spec/psec.md#frame-strict
    [Fact]
    public void A_proposal_cut_anywhere_is_refused_but_where_its_first_packet_begins()
    {
        foreach (var entry in PsecVectors.Of("proposals"))
        {
            var bytes = entry.Hex("frame");
            var packet = entry.GetProperty("first_packet").GetString();
            var whole = packet is null ? bytes.Length : bytes.Length - 1 - (packet.Length / 2);
            for (var length = 0; length < bytes.Length; length++)
            {
                Assert.Equal(length == whole, WireMessage.TryRead<ProposalFrame>(bytes.AsSpan(0, length), out _));
            }

            Assert.False(WireMessage.TryRead<ProposalFrame>([.. bytes, 0], out _));
        }
    }

    //= spec/psec.md#frame-strict
    [Fact]
    public void A_frame_with_one_byte_changed_is_refused_or_is_another_frame_written_the_same()
    {
        var (taken, refused) = (0, 0);
        foreach (var entry in PsecVectors.Of("proposals").Where(entry => entry.Text("frame").Length < 400))
        {
            var bytes = entry.Hex("frame");
            for (var i = 0; i < bytes.Length * 255; i++)
            {
                byte[] edited = [.. bytes];
                edited[i / 255] ^= (byte)(1 + (i % 255));
                if (WireMessage.TryRead<ProposalFrame>(edited, out var frame))
                {
                    taken++;
                    Assert.Equal(edited, Write(frame));
                    Assert.Equal(frame.Count, StringsOf(frame).Length);
                    frame.ToNormalForm();
                }
                else
                {
                    refused++;
                    Assert.False(PsecFrame.IsFrame(edited) && PsecFrame.LooksLikeProposal(edited));
                }
            }
        }

        Assert.True(taken > 10_000 && refused > 10_000, $"{taken} taken, {refused} refused");
    }

    //= spec/psec.md#frame-strict
    [Fact]
    public void An_accept_with_one_byte_changed_or_cut_off_is_refused_or_is_another_one()
    {
        foreach (var entry in PsecVectors.Of("accepts").Where(entry => entry.GetProperty("valid").GetBoolean()))
        {
            var bytes = entry.Hex("frame");
            for (var i = 0; i < bytes.Length * 255; i++)
            {
                byte[] edited = [.. bytes];
                edited[i / 255] ^= (byte)(1 + (i % 255));
                Assert.True(!WireMessage.TryRead<AcceptFrame>(edited, out var frame) || Write(frame).AsSpan().SequenceEqual(edited));
            }

            Assert.All(Enumerable.Range(0, bytes.Length), length => Assert.False(WireMessage.TryRead<AcceptFrame>(bytes.AsSpan(0, length), out _)));
        }
    }

    //= spec/psec.md#frame-strict
    [Theory]
    [InlineData("000100", true)]
    [InlineData("0000", false)]
    [InlineData("002a", true)]
    [InlineData("002b", false)]
    [InlineData("1220", true)]
    [InlineData("121f", false)]
    [InlineData("1221", false)]
    [InlineData("1120", false)]
    [InlineData("0124", false)]
    public void A_peer_id_is_an_identity_multihash_of_1_to_42_bytes_or_a_sha_256_one(string head, bool valid)
    {
        var bytes = Convert.FromHexString(head);
        byte[] id = [.. bytes, .. new byte[2 + bytes[1] - bytes.Length]];
        Assert.Equal(valid, WireMessage.TryRead<ProposalFrame>([0, (byte)id.Length, .. id, 1, 1, 0x61], out _));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(1900)]
    public void Strings_and_first_packets_of_any_length_come_back(int length)
    {
        var text = new string('x', length);
        var frame = ProposalFrame.Encode(Convert.FromHexString(Id), [text, "y"], [7]);
        Assert.True(WireMessage.TryRead<ProposalFrame>(frame, out var read));
        Assert.Equal([text, "y"], StringsOf(read));

        var other = ProposalFrame.Encode(Convert.FromHexString(Id), ["y"], new byte[length]);
        Assert.True(WireMessage.TryRead<ProposalFrame>(other, out read));
        Assert.Equal(length, read.FirstPacket.Length);

        Assert.True(WireMessage.TryRead<AcceptFrame>(Write(new AcceptFrame(PsecFrame.ToBytes(text))), out var accept));
        Assert.Equal(length, accept.Scheme.Length);
    }

    [Fact]
    public void A_proposal_has_1_to_255_strings()
    {
        var id = Convert.FromHexString(Id);
        Assert.Throws<ArgumentOutOfRangeException>(() => ProposalFrame.Encode(id, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => ProposalFrame.Encode(id, [.. Enumerable.Repeat("a", 256)]));
        foreach (var count in new[] { 1, 255 })
        {
            Assert.True(WireMessage.TryRead<ProposalFrame>(ProposalFrame.Encode(id, [.. Enumerable.Repeat("a", count)]), out var frame));
            Assert.Equal(count, frame.Count);
            Assert.Equal(count, StringsOf(frame).Length);
        }
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("00", false)]
    [InlineData("0000", false)]
    [InlineData("0001", false)]
    [InlineData("0002", true)]
    [InlineData("00ff", true)]
    [InlineData("0102", false)]
    [InlineData("ff02", false)]
    public void A_proposal_begins_with_zero_and_two_or_more(string hex, bool looksLikeOne)
        => Assert.Equal(looksLikeOne, PsecFrame.LooksLikeProposal(Convert.FromHexString(hex)));

    [Theory]
    [InlineData("", false)]
    [InlineData("00000000", false)]
    [InlineData("0003000107010178", true)]
    [InlineData("000300010701017800", false)]
    [InlineData("00030001070101780161", true)]
    [InlineData("0003000107010178016100", false)]
    [InlineData("0003000107010178020102", true)]
    [InlineData("010161", true)]
    [InlineData("0101", false)]
    [InlineData("ff", true)]
    [InlineData("ffff", false)]
    [InlineData("02", false)]
    [InlineData("80000010", false)]
    [InlineData("fe", false)]
    public void What_is_a_frame_is_one_from_the_first_byte_to_the_last(string hex, bool isFrame)
        => Assert.Equal(isFrame, PsecFrame.IsFrame(Convert.FromHexString(hex)));

    [Theory]
    [InlineData("psec-retry-1", true)]
    [InlineData("psec-retry-1:", true)]
    [InlineData("psec-retry-1:x", true)]
    [InlineData("psec-retry-1::", true)]
    [InlineData("psec-retry-1x", false)]
    [InlineData("psec-retry-11", false)]
    [InlineData("psec-retry-1;", false)]
    [InlineData("psec-retry-", false)]
    [InlineData("psec-retry-2", false)]
    [InlineData("Psec-retry-1", false)]
    [InlineData("xpsec-retry-1", false)]
    [InlineData("", false)]
    public void What_belongs_to_retries_is_the_string_itself_or_has_a_colon_behind_it(string text, bool isRetry)
    {
        Assert.Equal(isRetry, PsecFrame.IsRetry(PsecFrame.ToBytes(text)));
        if (text.Length > 0)
        {
            // The normal form has what is no retry.
            var frame = ProposalFrame.Encode(Convert.FromHexString(Id), ["a", text, "b"]);
            WireMessage.TryRead<ProposalFrame>(frame, out var read);
            string[] kept = isRetry ? ["a", "b"] : ["a", text, "b"];
            Assert.Equal(ProposalFrame.Encode(Convert.FromHexString(Id), kept), read.ToNormalForm());
        }
    }

    [Theory]
    [InlineData("psec-", false)]
    [InlineData("psec-x", false)]
    [InlineData("psec-attempt-1:abc", false)]
    [InlineData("psec", true)]
    [InlineData("Psec-x", true)]
    [InlineData("p2pke-1", true)]
    public void What_begins_with_the_prefix_is_no_scheme(string text, bool isScheme)
        => Assert.Equal(isScheme, PsecFrame.IsScheme(PsecFrame.ToBytes(text)));

    [Fact]
    public void A_normal_form_without_any_string_left_has_none()
    {
        var frame = ProposalFrame.Encode(Convert.FromHexString(Id), ["psec-retry-1", "psec-retry-1:x"], [1, 2]);
        WireMessage.TryRead<ProposalFrame>(frame, out var read);
        Assert.Equal("0026" + Id + "00", Convert.ToHexStringLower(read.ToNormalForm()));
    }

    private static string[] StringsOf(in ProposalFrame frame)
    {
        var strings = new List<string>();
        foreach (var text in frame)
        {
            strings.Add(Encoding.UTF8.GetString(text));
        }

        return [.. strings];
    }

    private static byte[] Write<T>(in T frame)
        where T : struct, IWireMessage<T>, allows ref struct
    {
        var bytes = new byte[frame.EncodedLength];
        Assert.Equal(bytes.Length, WireMessage.Write(frame, bytes));
        return bytes;
    }
}
