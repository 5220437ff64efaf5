using System.Text.Json;
using PacketSec.Cli;
using PacketSec.Cli.Inspect;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.P2pke;
using PacketSec.TestSupport;
using static PacketSec.Tests.Cli.InspectSample;

namespace PacketSec.Tests.Cli;

/// <summary>What a datagram is, on both sides of each limit.</summary>
public sealed class InspectDecoderTests
{
    private static readonly byte[] AcceptFrame = [1, 7, .. "p2pke-1"u8];
    private static readonly byte[] LongAccept = [1, 20, .. "twenty-characters-xx"u8];

    /// <summary>Gets packets of <c>mychips-1</c> with one byte around each limit of their lengths.</summary>
    public static IEnumerable<byte[]> Lettered =>
    [
        .. new[] { 48, 49, 162, 163, 1701, 1702 }.Select(length => Lettered('I', length)),
        .. new[] { 48, 49, 50, 1702 }.Select(length => Lettered('K', length)),
        .. new[] { 48, 49, 50 }.Select(length => Lettered('A', length)),
        Site(0), Site(255), Site(256),
        .. new[] { 0x0000000cu, 0x8000000cu, 0x0000000bu, 0x0000000fu, 0x00000010u, 0x7fffffffu, 0xffffffffu }
            .SelectMany(word => new[] { Transport(word, 0), Transport(word, 0)[..^1] }),
        Transport(12, 1024), Transport(12, 1025), Transport(16, 1025),
    ];

    public static TheoryData<byte[], string> Letters => new()
    {
        { Lettered('I', 19), "malformed mychips_ticket TooShort" },
        { Lettered('I', 20), "ambiguous" },
        { Lettered('I', 162), "ambiguous" },
        { Lettered('I', 163), "mychips_ticket" },
        { Lettered('I', 1701), "mychips_ticket" },
        { Lettered('I', 1702), "ambiguous" },
        { Site(0), "ambiguous" },
        { Site(1), "mychips_site" },
        { Site(255), "mychips_site" },
        { Site(256), "ambiguous" },
        { Site(1)[..^1], "ambiguous" },
        { [.. Site(1), 0], "ambiguous" },
        { Lettered('K', 48), "ambiguous" },
        { Lettered('K', 49), "mychips_known" },
        { Lettered('K', 50), "ambiguous" },
        { Lettered('A', 48), "ambiguous" },
        { Lettered('A', 49), "mychips_answer" },
        { Lettered('A', 50), "ambiguous" },
        { Transport(0x0000000c, 0)[..^1], "ambiguous" },
        { Transport(0x0000000c, 0), "mychips_finish" },
        { Transport(0x0000000c, 1024), "mychips_finish" },
        { Transport(0x0000000c, 1025), "ambiguous" },
        { Transport(0x8000000c, 0), "ambiguous" },
        { Transport(0x0000000f, 0), "ambiguous" },
        { Transport(0x00000010, 0), "data" },
        { Transport(0x80000010, 2000), "data" },
        { Transport(0x7fffffff, 0), "closing" },
        { Lettered('T', 19), "malformed packet TooShort" },
        { Lettered('B', 49), "data" },
    };

    public static TheoryData<byte[], string> Headers => new()
    {
        { [0xff], "reject" },
        { [0xff, 0xff], "malformed packet TooShort" },
        { [0xff, 0xff, 0xff, 0xff, .. new byte[15]], "malformed packet TooShort" },
        { [0xff, 0xff, 0xff, 0xff, .. new byte[16]], "closing" },
        { [0x7f, 0xff, 0xff, 0xff, .. new byte[16]], "closing" },
        { [0xff, 0xff, 0xff, 0xfe, .. new byte[16]], "data" },
        { [], "malformed datagram TooShort" },
        { [0], "malformed packet TooShort" },
        { [0, 0, 0], "malformed packet TooShort" },
        { [0, 0, 0, 0], "malformed init_hello TooShort" },
        { [0, 0, 0, 1, .. new byte[60]], "malformed packet UnexpectedHandshake" },
        { [0x80, 0, 0, 0, .. new byte[60]], "malformed packet UnexpectedHandshake" },
        { [0x80, 0, 0, 2, .. new byte[60]], "malformed packet UnexpectedHandshake" },
        { [0, 0, 0, 3, .. new byte[60]], "malformed packet ReservedCounter" },
        { [0x80, 0, 0, 15, .. new byte[60]], "malformed packet ReservedCounter" },
        { [0, 0, 0, 4, .. new byte[60]], "handshake" },
        { [0, 0, 0, 5, .. new byte[60]], "malformed packet ReservedCounter" },
        { [0x80, 0, 0, 5, .. new byte[60]], "handshake" },
        { [0, 0, 0, 8, .. new byte[60]], "handshake" },
        { [0x80, 0, 0, 9, .. new byte[60]], "handshake" },
        { [0, 0, 0, 10, .. new byte[60]], "handshake" },
        { [0, 0, 0, 7, .. new byte[60]], "malformed packet ReservedCounter" },
        { [0x80, 0, 0, 16, .. new byte[16]], "data" },
        { [0, 0, 0, 16, .. new byte[16]], "data" },
        { [0, 0, 0, 16, .. new byte[15]], "malformed packet TooShort" },
        { [0, 1, 0, 0, .. new byte[16]], "data" },
        { [0x80, 0, 0, 1, .. new byte[48]], "resp_hello" },
        { [0x80, 0, 0, 1, .. new byte[47]], "malformed resp_hello TooShort" },
        { [0x80, 0, 0, 1, .. new byte[2044]], "resp_hello" },
        { [0x80, 0, 0, 1, .. new byte[2045]], "malformed resp_hello TooLong" },
        { [0, 0, 0, 2, .. new byte[16]], "init_done" },
        { [0, 0, 0, 2, .. new byte[15]], "malformed init_done TooShort" },
        { [0, 0, 0, 2, .. new byte[2044]], "init_done" },
        { [0, 0, 0, 2, .. new byte[2045]], "malformed init_done TooLong" },
        { [0, 2], "malformed proposal Malformed" },
        { [0, 2, .. new byte[17]], "malformed proposal Malformed" },
        { [0, 2, .. new byte[18]], "ambiguous" },
        { [1], "malformed accept Malformed" },
        { AcceptFrame, "accept" },
        { LongAccept, "accept" },
        { [1, 7, .. "p2pke-"u8], "malformed accept Malformed" },
        { [1, 255, .. new byte[17]], "malformed accept Malformed" },
        { [1, 255, .. new byte[18]], "data" },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public async Task A_datagram_alone_is_told_by_its_first_bytes_and_its_length(byte[] datagram, string what)
        => Assert.Equal(what, Summary(await AloneAsync(datagram)));

    [Theory]
    [MemberData(nameof(Letters))]
    public async Task A_datagram_with_a_letter_is_told_by_the_lengths_of_its_parts(byte[] datagram, string what)
        => Assert.Equal(what, Summary(await AloneAsync(datagram)));

    [Fact]
    public async Task The_sizes_of_what_is_sealed_are_told()
    {
        var ticket = await AloneAsync(Lettered('I', 200));
        Assert.Equal(("I", 103, 37), (ticket.TextOf("letter"), ticket.GetProperty("claim_size").GetInt32(), ticket.GetProperty("strings_size").GetInt32()));
        Assert.Equal(Convert.ToHexStringLower(Lettered('I', 33).AsSpan(1)), ticket.TextOf("ephemeral"));

        var site = await AloneAsync(Site(20));
        Assert.Equal(("N", 20), (site.TextOf("letter"), site.GetProperty("site_id_size").GetInt32()));
        Assert.Equal(Convert.ToHexStringLower(Filler("N", 32)), site.TextOf("name_ephemeral"));
        Assert.Equal(Convert.ToHexStringLower(Lettered('K', 33).AsSpan(1)), site.TextOf("ephemeral"));

        var finish = await AloneAsync(Transport(12, 100));
        Assert.Equal(("T", "i2r"), (finish.TextOf("letter"), finish.TextOf("direction")));
        Assert.Equal((12, 100), (finish.GetProperty("counter").GetInt32(), finish.GetProperty("certificate_size").GetInt32()));

        var data = await AloneAsync(Transport(0x80000011, 100));
        Assert.Equal(("T", "r2i"), (data.TextOf("letter"), data.TextOf("direction")));
        Assert.Equal((17, 100), (data.GetProperty("counter").GetInt32(), data.GetProperty("payload_size").GetInt32()));
    }

    [Fact]
    public async Task What_a_proposal_for_letters_carries_begins_with_one_of_a_first_message()
    {
        var peer = PeerOf(1).Multihash.ToArray();
        async Task<string> FirstAsync(byte[] first)
            => Summary((await AloneAsync(ProposalFrame.Encode(peer, ["mychips-1"], first))).GetProperty("first_packet"));

        Assert.Equal("mychips_ticket", await FirstAsync(Lettered('I', 163)));
        Assert.Equal("malformed mychips_ticket Malformed", await FirstAsync(Lettered('I', 162)));
        Assert.Equal("mychips_site", await FirstAsync(Site(1)));
        Assert.Equal("mychips_known", await FirstAsync(Lettered('K', 49)));
        Assert.Equal("malformed packet UnexpectedHandshake", await FirstAsync(Lettered('A', 49)));
        Assert.Equal("malformed packet UnexpectedHandshake", await FirstAsync(InitHello(1)));
    }

    [Fact]
    public void A_session_decides_what_a_broken_packet_with_a_letter_is()
    {
        var (broken, known) = (Lettered('A', 50), Lettered('K', 49));
        Assert.Equal(["ambiguous", "ambiguous"], Types(broken, broken));
        Assert.Equal(["mychips_known", "malformed"], Types(known, broken));
        Assert.Equal(["data", "malformed"], Types(Transport(16, 0), broken));
        Assert.Equal(["data", "data"], Types(Sealed(0x80000010, 0), broken));
        Assert.Equal(["init_hello", "mychips_known", "malformed"], Types(InitHello(1), known, broken));
        Assert.Equal(["accept", "malformed"], Types([1, 9, .. "mychips-1"u8], broken));

        // Without a letter it is of another scheme.
        Assert.Equal(["mychips_known", "malformed", "handshake", "init_hello", "data"], Types(known, Sealed(0, 40), Sealed(4, 40), InitHello(1), broken));
    }

    [Fact]
    public void Of_a_packet_whose_end_is_missing_the_header_behind_the_letter_is_told()
    {
        Assert.Contains("  counter: 17", DatagramDecoder.DecodeCut(Transport(17, 50).AsSpan(0, 20), 71, new()).Lines("  "));
        Assert.DoesNotContain(DatagramDecoder.DecodeCut(Lettered('K', 20), 49, new()).Lines(""), line => line.StartsWith("counter", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_proposal_of_2048_bytes_is_one_and_of_2049_is_too_long()
    {
        var peer = PeerOf(1).Multihash.ToArray();
        var first = new byte[2048 - (3 + peer.Length + 2) - 2];
        Assert.Equal(2048, ProposalFrame.Encode(peer, ["a"], first).Length);
        Assert.Equal("proposal", Summary(await AloneAsync(ProposalFrame.Encode(peer, ["a"], first))));
        Assert.Equal("malformed proposal TooLong", Summary(await AloneAsync(ProposalFrame.Encode(peer, ["a"], new byte[first.Length + 1]))));
    }

    [Fact]
    public void A_session_decides_what_a_broken_proposal_is()
    {
        var broken = Proposal(PeerOf(1).Multihash, "p2pke-1").Frame[..^1];
        Assert.Equal(["ambiguous", "ambiguous"], Types(broken, broken));
        Assert.Equal(["init_hello", "data"], Types(InitHello(1), broken));
        Assert.Equal(["resp_hello", "data"], Types(RespHello, broken));
        Assert.Equal(["init_done", "data"], Types(InitDone, broken));
        Assert.Equal(["data", "data"], Types(Sealed(0x80000010, 0), broken));
        Assert.Equal(["malformed", "ambiguous"], Types(InitHello([1]), broken));
        Assert.Equal(["proposal", "ambiguous"], Types(Proposal(PeerOf(1).Multihash, "p2pke-1").Frame, broken));
    }

    [Fact]
    public void A_whole_proposal_is_one_in_a_session_too()
        => Assert.Equal(["init_hello", "proposal"], Types(InitHello(1), Proposal(PeerOf(1).Multihash, "p2pke-1").Frame));

    [Fact]
    public void An_accept_in_a_session_is_doubtful_unless_the_receiver_proposed()
    {
        var proposal = Proposal(PeerOf(1).Multihash, "twenty-characters-xx").Frame;
        Assert.Equal("accept", DatagramDecoder.Decode(LongAccept, new(), 0).Type);

        var session = new FlowState { HasSession = true };
        Assert.Equal("accept", DatagramDecoder.Decode(AcceptFrame, session, 0).Type); // too short for data
        Assert.Equal("ambiguous", DatagramDecoder.Decode(LongAccept, session, 0).Type);
        Assert.Equal("proposal", DatagramDecoder.Decode(proposal, session, 0).Type);
        Assert.Equal("ambiguous", DatagramDecoder.Decode(LongAccept, session, 0).Type); // its own sender's
        Assert.Equal("accept", DatagramDecoder.Decode(LongAccept, session, 1).Type);
    }

    [Fact]
    public void After_another_scheme_was_accepted_handshakes_are_that_schemes()
    {
        Assert.Equal(["accept", "handshake", "handshake", "data"], Types(LongAccept, Sealed(0, 40), Sealed(0x80000007, 40), Sealed(0x10, 0)));
        Assert.Equal(["accept", "init_hello", "malformed"], Types(LongAccept, InitHello(1), Sealed(0x80000007, 40)));
        Assert.Equal(["accept", "malformed", "malformed"], Types(AcceptFrame, Sealed(0, 40), Sealed(0x80000007, 40)));
    }

    [Fact]
    public async Task The_faults_of_an_InitHello_are_named_in_the_order_of_a_responder()
    {
        var timestamp = new byte[12];
        Tai64n.FromUnixTime(0, 0).WriteTo(timestamp);
        byte[] late = [.. timestamp.AsSpan(0, 8), 0x3b, 0x9a, 0xca, 0x00];
        using var identity = IdentityKey.FromSeed(new byte[32], CryptoProvider.Default);
        var key = identity.PublicKey.PublicKeyInfo.ToArray();
        byte[] smallOrder = [.. key.AsSpan(0, 12), 1, .. new byte[31]];
        var signature = new byte[64];

        async Task<string> ReasonAsync(byte[] message)
        {
            var line = await AloneAsync(message);
            return $"{line.GetProperty("drop").GetString()}: {line.GetProperty("reason").GetString()}";
        }

        Assert.Equal("TooShort: it has 35 bytes, less than 36", await ReasonAsync(InitHello(1)[..35]));
        Assert.Equal("Malformed: the timestamp has 0 bytes, not 12", await ReasonAsync(InitHello(1)[..36]));
        Assert.Equal("TooLong: it has 2049 bytes, more than 2048", await ReasonAsync([.. InitHello(1), .. new byte[1859]]));
        Assert.Equal("Malformed: the payload is not proto3, or a suite is not UTF-8", await ReasonAsync([.. InitHello(1), .. new byte[1858]]));
        Assert.Equal("Malformed: the payload is not proto3, or a suite is not UTF-8", await ReasonAsync(InitHello([0x0a, 1, 0xff])));
        Assert.Equal("Malformed: the timestamp has 10^9 nanoseconds or more", await ReasonAsync(InitHello([0x12, 12, .. late])));
        Assert.Equal("Malformed: the claim is missing", await ReasonAsync(InitHello([0x12, 12, .. timestamp])));
        Assert.Equal("Malformed: the claim lacks its key or its signature", await ReasonAsync(InitHello(new InitHelloBody(timestamp, new AuthClaim(key, default)))));
        Assert.Equal("Malformed: the claim lacks its key or its signature", await ReasonAsync(InitHello(new InitHelloBody(timestamp, new AuthClaim(default, signature)))));
        Assert.Equal(
            "UnsupportedKey: the key of the claim, 43 bytes, is none that is accepted",
            await ReasonAsync(InitHello(new InitHelloBody(timestamp, new AuthClaim(key.AsSpan(0, 43), signature)))));
        Assert.Equal("BadSignature: the signature over the timestamp does not verify", await ReasonAsync(InitHello(new InitHelloBody(timestamp, new AuthClaim(key, signature)))));
        Assert.Equal("BadSignature: the signature over the timestamp does not verify", await ReasonAsync(InitHello(new InitHelloBody(timestamp, new AuthClaim(smallOrder, signature)))));
    }

    [VectorsFact]
    public async Task Published_first_messages_are_told_as_a_responder_judges_them()
    {
        var file = JsonDocument.Parse(await File.ReadAllTextAsync(TestData.Vectors("p2pke", "handshake-edge.json"))).RootElement;
        var lines = new Dictionary<string, JsonElement>();
        foreach (var vector in file.GetProperty("cases").EnumerateArray().Where(vector => vector.TextOf("name").StartsWith("init-hello", StringComparison.Ordinal)))
        {
            var line = await AloneAsync(Convert.FromHexString(vector.GetProperty("feed")[0].GetString()!));
            lines.Add(vector.TextOf("name"), line);

            // A key of low order is seen by the result of the key agreement only.
            var isRefused = vector.TextOf("recommended") is var text && text.StartsWith("reject", StringComparison.Ordinal) && text != "reject without a crash";
            Assert.Equal(isRefused || vector.TextOf("name").Contains("direction bit", StringComparison.Ordinal) ? "malformed" : "init_hello", line.TypeOf());
        }

        Assert.Equal((12, 12), (lines.Values.Count(line => line.TypeOf() == "malformed"), lines.Values.Count(line => line.TypeOf() == "init_hello")));
        var good = lines["init-hello good"];
        Assert.Equal("WUwUqCoOqG9DEP63EEST3Myl0XwEvPe707xbLlpmIIA", good.TextOf("claimed_p2pke_id"));
        Assert.Equal(("ed25519", "2022-05-22T00:00:00.000000000Z"), (good.TextOf("key_type"), good.TextOf("timestamp")));
        Assert.Equal("25519_ChaChaPoly_BLAKE2b", Assert.Single(good.GetProperty("suites").EnumerateArray()).GetString());
        Assert.Equal(2, lines["init-hello two cipher suites"].GetProperty("suites").GetArrayLength());
        Assert.Equal(0, lines["init-hello no cipher suites"].GetProperty("suites").GetArrayLength());
        var rsa = lines["init-hello RSA-2048 key"];
        Assert.Equal(("rsa", 256), (rsa.TextOf("key_type"), rsa.GetProperty("signature_length").GetInt32()));
        Assert.StartsWith("Qm", rsa.TextOf("claimed_peer_id"), StringComparison.Ordinal);
        Assert.All(lines.Values, line => Assert.False(line.TryGetProperty("transcript_tag", out _)));
    }

    [VectorsFact]
    public void Labels_of_every_vector_become_the_time_they_were_made_of()
    {
        var file = JsonDocument.Parse(File.ReadAllText(TestData.Vectors("p2pke", "tai64n.json"))).RootElement;
        var entries = file.GetProperty("encode").EnumerateArray().ToList();
        Assert.Equal(24, entries.Count);
        foreach (var entry in entries)
        {
            Assert.True(Tai64n.TryRead(Convert.FromHexString(entry.GetProperty("tai64n").GetString()!), out var label));
            var seconds = entry.GetProperty("unix_seconds").GetInt64();
            Assert.Equal(new UtcTime(seconds, label.Nanoseconds), UtcTime.FromTai64n(label));
        }
    }

    [Theory]
    [InlineData(0x4000000058684680ul + 35, "2016-12-31T23:59:59.000000005Z")]
    [InlineData(0x4000000058684680ul + 36, "2016-12-31T23:59:60.000000005Z")]
    [InlineData(0x4000000058684680ul + 37, "2017-01-01T00:00:00.000000005Z")]
    [InlineData(0x400000000000000aul, "1970-01-01T00:00:00.000000005Z")]
    [InlineData(0x4000000000000009ul, "1969-12-31T23:59:59.000000005Z")]
    [InlineData(0ul, "-4611686018427387941 s and 5 ns after 1970")]
    [InlineData(ulong.MaxValue, "13835058055282163674 s and 5 ns after 1970")]
    public void Labels_outside_the_calendar_and_leap_seconds_have_a_text_too(ulong label, string text)
    {
        byte[] bytes = [.. InspectCaptures.Number(false, 8, label), 0, 0, 0, 5];
        Assert.True(Tai64n.TryRead(bytes, out var read));
        Assert.Equal(text, UtcTime.FromTai64n(read).ToString());
    }

    [Fact]
    public void The_oldest_of_65537_pairs_of_addresses_is_forgotten()
    {
        var flows = new FlowTable();
        var home = new System.Net.IPEndPoint(0x01000000, 1);
        var first = flows.Find(home, new(1, 1)).Flow;
        for (var i = 2; i <= FlowTable.MaxFlows; i++)
        {
            flows.Find(home, new(i, 1));
        }

        Assert.Same(first, flows.Find(new(1, 1), home).Flow);
        flows.Find(home, new(FlowTable.MaxFlows + 1, 1));
        Assert.NotSame(first, flows.Find(home, new(1, 1)).Flow);
    }

    [Fact]
    public void The_two_directions_of_a_pair_are_one_flow_with_two_sides()
    {
        var flows = new FlowTable();
        System.Net.IPEndPoint one = new(1, 1), other = new(1, 2);
        var (flow, side) = flows.Find(one, other);
        Assert.Equal((flow, 1 - side), flows.Find(other, one));
        Assert.NotSame(flow, flows.Find(one, new(1, 3)).Flow);
    }

    internal static string Summary(JsonElement line)
        => line.GetProperty("type").GetString() is var type && type != "malformed" ? type!
            : $"malformed {line.GetProperty("kind").GetString()} {line.GetProperty("drop").GetString()}";

    internal static async Task<JsonElement> AloneAsync(byte[] datagram)
    {
        var run = await CliRun.InvokeAsync("inspect", "--json", Convert.ToHexString(datagram));
        Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
        var line = Assert.Single(run.JsonLines());
        Assert.Equal(datagram.Length, line.GetProperty("length").GetInt32());
        return line;
    }

    // As sent to and fro between one pair of addresses, by one side.
    private static List<string> Types(params byte[][] datagrams)
    {
        var flow = new FlowState();
        return datagrams.Select(datagram => DatagramDecoder.Decode(datagram, flow, 0).Type).ToList();
    }
}
