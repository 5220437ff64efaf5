using System.Diagnostics;
using System.Reflection;
using PacketSec.Cli;
using PacketSec.Cli.Demo;
using PacketSec.Cli.Net;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;

namespace PacketSec.Tests.Cli;

public sealed class NetPartsTests
{
    private const string Peer = "12D3KooWKdt4DBEpCjxUcQU1C2Xx8xnaQbp6VgVGe3LfuekTSWSJ";

    [Theory]
    [InlineData("192.0.2.1:1", "192.0.2.1", 1)]
    [InlineData("[2001:db8::1]:65535", "2001:db8::1", 65535)]
    [InlineData("peer.example:4001", "peer.example", 4001)]
    [InlineData("localhost:4001", "localhost", 4001)]
    public void An_address_is_read_and_printed_as_it_was_written(string location, string host, int port)
    {
        Assert.True(PeerAddress.TryParse($"{Peer}@{location}", out var address, out _));
        Assert.Equal((host, port, Peer), (address.Location.Host, address.Location.Port, address.Peer.ToString()));
        Assert.Equal($"{Peer}@{location}", address.ToString());
    }

    [Theory]
    [InlineData("127.0.0.1:1", "names no identity")]
    [InlineData("@127.0.0.1:1", "'' is no peer ID")]
    [InlineData("12D3@127.0.0.1:1", "'12D3' is no peer ID")]
    [InlineData(Peer + "@127.0.0.1", "no port")]
    [InlineData(Peer + "@[::1]", "no port")]
    [InlineData(Peer + "@127.0.0.1:", "'' is no port")]
    [InlineData(Peer + "@127.0.0.1:65536", "'65536' is no port")]
    [InlineData(Peer + "@127.0.0.1:+1", "'+1' is no port")]
    [InlineData(Peer + "@127.0.0.1:0", "Port 0")]
    [InlineData(Peer + "@::1:4001", "in brackets")]
    [InlineData(Peer + "@[127.0.0.1]:4001", "no IPv6 address")]
    [InlineData(Peer + "@127.1:4001", "four numbers")]
    [InlineData(Peer + "@a b:4001", "no host name")]
    [InlineData(Peer + "@:4001", "no host name")]
    [InlineData(Peer + "@x@y:4001", "no host name")]
    public void What_is_no_address_is_told_with_the_reason(string text, string words)
    {
        Assert.False(PeerAddress.TryParse(text, out _, out var problem));
        Assert.Contains(words, problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(1200)]
    public void A_numbered_payload_tells_its_number_and_every_changed_byte(int size)
    {
        var payload = new byte[size];
        NumberedPayload.Write(0x0102030405060708, payload);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], payload[..8]);
        Assert.True(NumberedPayload.TryRead(payload, size, out var number));
        Assert.Equal(0x0102030405060708, number);
        Assert.False(NumberedPayload.TryRead(payload.AsSpan(..^1), size, out _));
        for (var i = NumberedPayload.MinSize; i < size; i++)
        {
            payload[i] ^= 1;
            Assert.False(NumberedPayload.TryRead(payload, size, out _));
            payload[i] ^= 1;
        }

        payload[0] = 0x80;
        Assert.False(NumberedPayload.TryRead(payload, size, out _));
    }

    [Fact]
    public void What_could_steer_a_terminal_is_escaped()
        => Assert.Equal("a\tb\\u{1b}[1m\\u{a}\\u{202e}\\u{e0001}ü😀", DatagramText.Of("a\tb\u001b[1m\n\u202e\U000e0001ü😀"u8));

    [Fact]
    public void The_ledger_counts_late_lost_and_doubled_echoes()
    {
        var ledger = new EchoLedger(4);
        ledger.OnSent(0, now: 100);
        ledger.OnSent(1, now: 110);
        Assert.Equal((2, 2, 100L), (ledger.Sent, ledger.Waiting, ledger.UnansweredSince));
        Assert.False(ledger.OnEchoed(2, now: 120));
        Assert.False(ledger.OnEchoed(-1, now: 120));
        Assert.False(ledger.OnEchoed(long.MaxValue, now: 120));
        Assert.True(ledger.OnEchoed(0, now: 120));
        Assert.Null(ledger.UnansweredSince);
        Assert.True(ledger.OnEchoed(0, now: 121));
        Assert.Equal((1, 1L, 1), (ledger.Echoed, ledger.Duplicated, ledger.Waiting));
        Assert.Equal(Stopwatch.GetElapsedTime(100, 120), ledger.RoundTrips!.Value.Longest);

        // At the limit and not before it.
        Assert.False(ledger.TryExpire(109, out _));
        Assert.True(ledger.TryExpire(110, out var lost));
        Assert.Equal((1, 0), (lost, ledger.Waiting));

        // An echo that comes late counts; nothing is waited for twice.
        Assert.True(ledger.OnEchoed(1, now: 500));
        Assert.Equal((2, 0), (ledger.Echoed, ledger.Waiting));
    }

    [Fact]
    public void Each_sending_of_a_number_may_be_echoed_once()
    {
        var ledger = new EchoLedger(1);
        ledger.OnSent(0, now: 1);
        Assert.True(ledger.TryExpire(1, out _));
        ledger.OnSent(0, now: 2);
        Assert.Equal((1, 1L, 1), (ledger.Sent, ledger.Resent, ledger.Waiting));
        for (var i = 0; i < 3; i++)
        {
            Assert.True(ledger.OnEchoed(0, now: 3));
        }

        Assert.Equal((1, 1L, 0), (ledger.Echoed, ledger.Duplicated, ledger.Waiting));
        Assert.Null(ledger.RoundTrips);
    }

    [Fact]
    public void The_demo_counts_by_hashes_what_is_lost_doubled_and_foreign()
    {
        var ledger = new PayloadLedger();
        Assert.False(ledger.Count().IsPerfect);
        ledger.OnSent([1]);
        ledger.OnReceived([1]);
        Assert.True(ledger.Count().IsPerfect);
        ledger.OnSent([2]);
        Assert.Equal(new PayloadCounts(2, 1, 1, 0, 0), ledger.Count());
        ledger.OnReceived([1]);
        Assert.Equal(new PayloadCounts(2, 2, 1, 1, 0), ledger.Count());
        ledger.OnReceived([3]);
        Assert.Equal(new PayloadCounts(2, 3, 1, 1, 1), ledger.Count());
        Assert.False(ledger.Count().IsPerfect);
    }

    [Theory]
    [InlineData("00000000", true)]
    [InlineData("80000001", true)]
    [InlineData("0000000f", true)]
    [InlineData("00000010", false)]
    [InlineData("80000010", false)]
    [InlineData("000000", false)]
    [InlineData("", false)]
    [InlineData("01077032706b652d31", true)]
    [InlineData("ff", true)]
    [InlineData("0003000161017032706b652d31", false)]
    [InlineData("000300016101077032706b652d31", true)]
    public void The_demo_knows_what_leads_to_a_session(string datagram, bool leads)
        => Assert.Equal(leads, HandshakeFilter.LeadsToSession(Convert.FromHexString(datagram)));

    [Fact]
    public void The_demo_makes_an_identity_the_largest_and_changes_nothing_else_of_a_proposal()
    {
        Assert.True(PeerId.TryParse(Peer, out var id));
        var proposal = ProposalFrame.Encode(id.Multihash, ["p2pke-1"], [1, 2, 3]);
        var altered = proposal.ToArray();
        MeetingRelay.EnlargeId(altered);
        Assert.True(WireMessage.TryRead<ProposalFrame>(altered, out var frame));
        Assert.True(LeaderElection.Compare(id.Multihash, frame.PeerId) < 0);
        Assert.Equal(id.Multihash[..^32], frame.PeerId[..^32]);
        Assert.Equal(proposal.AsSpan(2 + id.Multihash.Length), altered.AsSpan(2 + id.Multihash.Length));
    }

    [Fact]
    public async Task Help_tells_every_exit_code_and_help_of_a_command_needs_no_arguments()
    {
        var help = await CliRun.InvokeAsync("--help");
        Assert.Equal(ExitCodes.Success, help.ExitCode);
        var codes = typeof(ExitCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.IsLiteral)
            .Select(field => (int)field.GetRawConstantValue()!).ToList();
        Assert.Equal(codes.Order(), ExitCodes.Meanings.Select(entry => entry.Code));
        Assert.Equal(codes.Count, codes.Distinct().Count());
        Assert.All(ExitCodes.Meanings, entry => Assert.Contains($"  {entry.Code,-4} {entry.Meaning}\n", help.Output, StringComparison.Ordinal));

        var dial = await CliRun.InvokeAsync("dial", "--help");
        Assert.Equal((ExitCodes.Success, ""), (dial.ExitCode, dial.Error));
        Assert.Contains("--require-all", dial.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Exit codes", dial.Output, StringComparison.Ordinal);
    }
}
