using System.Text.Json;
using PacketSec.Core.Tests.Wire;
using PacketSec.Crypto;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;

namespace PacketSec.Core.Tests.Negotiation;

public sealed class AgreementTests
{
    private static readonly ICryptoProvider Crypto = CryptoProvider.Default;

    //= spec/psec.md#transcript
    [Fact]
    public void The_transcripts_of_the_vectors_are_made()
    {
        var standard = PsecVectors.Of("standard_transcripts");
        Assert.Equal(15, standard.Count);
        foreach (var entry in standard)
        {
            var agreement = Agreement.Standard(Crypto, entry.Hex("normal_form"), entry.Text("scheme"), claimedPeer: null);
            Assert.Equal(entry.Text("transcript"), Convert.ToHexStringLower(agreement.Transcript));
            Assert.Equal(entry.Text("tag"), Convert.ToHexStringLower(agreement.Tag));
            Assert.Equal((entry.Text("scheme"), NegotiationCase.Standard), (agreement.Scheme, agreement.Case));
        }

        var direct = PsecVectors.Of("direct_transcripts");
        Assert.Equal(4, direct.Count);
        Assert.All(direct, entry => Assert.Equal(entry.Hex("transcript"), Agreement.DirectTranscript(Crypto, entry.Text("scheme"))));
    }

    //= spec/psec.md#choice
    //= spec/psec.md#leader
    //= spec/psec.md#transcript
    [Fact]
    public void The_choices_leaders_and_transcripts_of_the_vectors_come_out_from_either_side()
    {
        var entries = PsecVectors.Of("simultaneous");
        Assert.Equal(21, entries.Count);
        Assert.Equal(5, entries.Count(entry => entry.GetProperty("scheme").ValueKind == JsonValueKind.Null));
        foreach (var entry in entries)
        {
            var (a, b) = (FrameOf(entry.GetProperty("a")), FrameOf(entry.GetProperty("b")));
            var expected = (entry.GetProperty("leader").GetString(), entry.GetProperty("scheme").GetString(), entry.GetProperty("transcript").GetString());
            Assert.Equal(expected, Agree(a, b, "a", "b"));
            Assert.Equal(expected, Agree(b, a, "b", "a"));
        }
    }

    //= spec/psec.md#leader
    [Theory]
    [InlineData("01", "02", -1)]
    [InlineData("0002", "01", 1)]
    [InlineData("000001", "02", -1)]
    [InlineData("0001", "01", 0)]
    [InlineData("ff", "0100", -1)]
    [InlineData("80", "7f", 1)]
    [InlineData("0102", "0103", -1)]
    [InlineData("", "00", 0)]
    [InlineData("", "01", -1)]
    public void IDs_are_compared_as_unsigned_numbers_whatever_their_length(string first, string second, int expected)
    {
        Assert.Equal(expected, Math.Sign(LeaderElection.Compare(Convert.FromHexString(first), Convert.FromHexString(second))));
        Assert.Equal(-expected, Math.Sign(LeaderElection.Compare(Convert.FromHexString(second), Convert.FromHexString(first))));
    }

    [Fact]
    public void Agreements_are_equal_when_their_transcripts_are()
    {
        byte[] form = [1, 2, 3];
        var one = Agreement.Standard(Crypto, form, "a", claimedPeer: null);
        var same = Agreement.Standard(Crypto, form, "a", NegotiatorFixture.Dialled);
        Assert.True(one.Equals(same) && one.Equals((object)same));
        Assert.Equal(one.GetHashCode(), same.GetHashCode());
        Agreement[] others =
        [
            Agreement.Standard(Crypto, form, "b", null), Agreement.Standard(Crypto, [1, 2], "a", null), Agreement.Simultaneous(Crypto, form, form, "a", null),
            Agreement.Simultaneous(Crypto, [1, 2], form, "a", null), Agreement.Simultaneous(Crypto, form, [1, 2], "a", null),
        ];
        Assert.All(others, other => Assert.False(one.Equals(other)));
        Assert.Equal(5, others.Distinct().Count());
        Assert.False(one.Equals(null));
        Assert.StartsWith("a, Standard, ", one.ToString(), StringComparison.Ordinal);
    }

    private static (string? Leader, string? Scheme, string? Transcript) Agree(byte[] own, byte[] other, string ownName, string otherName)
    {
        WireMessage.TryRead<ProposalFrame>(own, out var ownFrame);
        WireMessage.TryRead<ProposalFrame>(other, out var otherFrame);
        var order = LeaderElection.Compare(ownFrame.PeerId, otherFrame.PeerId);
        if (order == 0)
        {
            return (null, null, null);
        }

        var (ownSchemes, otherSchemes) = (ReceivedProposal.ReadStrings(ownFrame).Schemes, ReceivedProposal.ReadStrings(otherFrame).Schemes);
        var scheme = order < 0 ? SchemeChoice.Simultaneous(ownSchemes, otherSchemes) : SchemeChoice.Simultaneous(otherSchemes, ownSchemes);
        var (ownForm, otherForm) = (ownFrame.ToNormalForm(), otherFrame.ToNormalForm());
        var agreement = scheme is null ? null
            : order < 0 ? Agreement.Simultaneous(Crypto, ownForm, otherForm, scheme, null)
            : Agreement.Simultaneous(Crypto, otherForm, ownForm, scheme, null);
        return (order < 0 ? ownName : otherName, scheme, agreement is null ? null : Convert.ToHexStringLower(agreement.Transcript));
    }

    private static byte[] FrameOf(JsonElement side) => ProposalFrame.Encode(side.Hex("peer_id"), side.Texts("strings"));
}
