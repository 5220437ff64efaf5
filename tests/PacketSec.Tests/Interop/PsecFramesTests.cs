using System.Text;
using PacketSec.Interop.Faults;

namespace PacketSec.Tests.Interop;

public class PsecFramesTests
{
    private static readonly byte[] InlineId = [0x00, 38, 0x00, 36, .. new byte[36]];
    private static readonly byte[] HashedId = [0x00, 34, 0x12, 32, .. new byte[32]];

    [Fact]
    public void A_proposal_is_one_with_either_form_of_peer_id()
    {
        Assert.Equal(PsecFrame.Proposal, PsecFrames.Read(Proposal(InlineId, "p2pke-1", "psec-retry-1")));
        Assert.Equal(PsecFrame.Proposal, PsecFrames.Read(Proposal(HashedId, "p2pke-1")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(200)]
    public void The_first_packet_inside_is_seen(int size)
    {
        byte[] packet = size < 128 ? [(byte)size, .. new byte[size]] : [(byte)(size | 0x80), (byte)(size >> 7), .. new byte[size]];
        byte[] proposal = [.. Proposal(InlineId, "p2pke-1"), .. packet];

        Assert.Equal(PsecFrame.ProposalWithFirstPacket, PsecFrames.Read(proposal));
        Assert.Equal(PsecFrame.None, PsecFrames.Read(proposal.AsSpan(..^1)));
        Assert.Equal(PsecFrame.None, PsecFrames.Read([.. proposal, 0]));
    }

    [Fact]
    public void An_accept_with_a_cookie_is_a_retry()
    {
        Assert.Equal(PsecFrame.Accept, PsecFrames.Read([1, .. Text("p2pke-1")]));
        Assert.Equal(PsecFrame.Accept, PsecFrames.Read([1, .. Text("psec-retry-1:")]));
        Assert.Equal(PsecFrame.Retry, PsecFrames.Read([1, .. Text("psec-retry-1:c")]));
    }

    [Fact]
    public void A_proposal_that_is_cut_short_or_goes_on_is_none()
    {
        var proposal = Proposal(HashedId, "p2pke-1", "psec-retry-1");

        Assert.All(Enumerable.Range(1, proposal.Length - 1), size => Assert.Equal(PsecFrame.None, PsecFrames.Read(proposal.AsSpan(0, size))));
        Assert.Equal(PsecFrame.None, PsecFrames.Read([.. proposal, 0]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("fe")]
    [InlineData("00000000")]
    [InlineData("80000001")]
    [InlineData("00000010aabbccdd")]
    public void Packets_of_the_scheme_are_no_frames(string datagram) => Assert.Equal(PsecFrame.None, PsecFrames.Read(Convert.FromHexString(datagram)));

    [Theory]
    [InlineData("0000000001", true)]
    [InlineData("00000000", false)]
    [InlineData("8000000001", false)]
    [InlineData("0000000101", false)]
    public void The_first_packet_has_an_initiators_counter_of_0(string datagram, bool expected)
        => Assert.Equal(expected, PsecFrames.IsFirstPacket(Convert.FromHexString(datagram)));

    private static byte[] Proposal(byte[] start, params string[] strings) => [.. start, (byte)strings.Length, .. strings.SelectMany(Text)];

    private static byte[] Text(string text) => [(byte)text.Length, .. Encoding.UTF8.GetBytes(text)];
}
