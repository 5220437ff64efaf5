using System.Text;
using System.Text.Json;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.P2pke;
using PacketSec.TestSupport;

namespace PacketSec.Core.Tests.Wire;

public sealed class P2pkeBodyTests
{
    private const string Suite = "0a1832353531395f436861436861506f6c795f424c414b453262";
    private const string Time = "120c4000000062897d2500000000";
    private const string Claim = "1a060a01aa1201bb";

    //= spec/p2pke.md#payload-encoding
    [VectorsFact]
    public void The_payloads_of_the_published_sessions_are_rewritten_byte_for_byte()
    {
        var files = Directory.GetFiles(TestData.Vectors("p2pke"), "session-s*.json");
        Assert.Equal(8, files.Length);
        foreach (var file in files)
        {
            using var session = JsonDocument.Parse(File.ReadAllBytes(file));
            var hello = Hex(session, "init_hello_payload");
            Assert.True(WireMessage.TryRead<InitHelloBody>(hello, out var initHello));
            Assert.True(initHello.HasAuthClaim && initHello.AuthClaim.IsComplete);
            Assert.Equal(Hex(session, "initiator_key_x509"), initHello.AuthClaim.Key.ToArray());
            Assert.Equal(Hex(session, "timestamp_tai64n"), initHello.Timestamp.ToArray());
            Assert.True(initHello.TranscriptTag.IsEmpty);
            Assert.Equal(hello, Write(new InitHelloBody(initHello.Timestamp, initHello.AuthClaim)));
            Assert.Equal(hello, Write(initHello));

            var answer = Hex(session, "resp_hello_payload");
            Assert.True(WireMessage.TryRead<RespHelloBody>(answer, out var respHello));
            Assert.Equal(Hex(session, "responder_key_x509"), respHello.AuthClaim.Key.ToArray());
            Assert.Equal(answer, Write(new RespHelloBody(respHello.AuthClaim)));
            Assert.Equal(answer, Write(respHello));

            var done = Hex(session, "init_done_payload");
            Assert.True(WireMessage.TryRead<InitDoneBody>(done, out var initDone));
            Assert.Equal(Hex(session, "initiator_key_x509"), initDone.AuthClaim.Key.ToArray());
            Assert.Equal(done, Write(new InitDoneBody(initDone.AuthClaim)));
            Assert.Equal(done, Write(initDone));
        }
    }

    //= spec/p2pke.md#payload-parsing
    [Theory]
    [InlineData(Claim + Time + Suite, "fields in reverse order")]
    [InlineData(Suite + "120c000000000000000000000000" + Time + Claim, "a timestamp twice: the last wins")]
    [InlineData(Suite + Time + "1a030a01cc" + Claim, "a claim twice: merged, the last key wins")]
    [InlineData(Suite + Time + "1a030a01aa" + "1a031201bb", "a claim in two halves")]
    [InlineData(Suite + Time + Claim + "7805" + "7a0161", "field 15 as a varint, and with one byte")]
    [InlineData(Suite + Time + Claim + "2105060708090a0b0c" + "2d01020304" + "320161" + "b80601", "unknown fields of each wire type")]
    [InlineData(Suite + Time + "1a070a01aa" + "1202bb0000", null)]
    [InlineData(Suite + "9200" + "8c00" + "4000000062897d2500000000" + Claim, "padded tag and length")]
    [InlineData(Suite + Time + "1801" + Claim, "a claim with another wire type is unknown")]
    public void A_receiver_takes_what_proto3_takes(string hex, string? what)
    {
        var read = WireMessage.TryRead<InitHelloBody>(Convert.FromHexString(hex), out var body);
        Assert.Equal(what is not null, read);
        if (what is not null)
        {
            Assert.Equal("4000000062897d2500000000", Convert.ToHexStringLower(body.Timestamp));
            Assert.Equal("aa", Convert.ToHexStringLower(body.AuthClaim.Key));
            Assert.Equal("bb", Convert.ToHexStringLower(body.AuthClaim.Signature));
            Assert.True(body.TranscriptTag.IsEmpty);
        }
    }

    //= spec/p2pke.md#payload-malformed
    [Theory]
    [InlineData("0a")]
    [InlineData("0a02aa")]
    [InlineData("0a01ff")]
    [InlineData("80808080808080808080" + "01")]
    [InlineData("0001")]
    [InlineData("8080808010" + "00")]
    [InlineData("230a01612c")]
    [InlineData("24")]
    [InlineData("26")]
    [InlineData("27")]
    [InlineData("2101020304050607")]
    [InlineData("2d010203")]
    [InlineData("1a010a")]
    [InlineData("78ffffffffffffffffffff01")]
    public void What_is_not_proto3_is_refused(string hex)
    {
        Assert.False(WireMessage.TryRead<InitHelloBody>(Convert.FromHexString(hex), out _));
        Assert.False(WireMessage.TryRead<InitHelloBody>(Convert.FromHexString(Suite + Time + Claim + hex), out _));
    }

    [Theory]
    [InlineData("0a01ff", "12010a", "0a010a")]
    public void The_other_bodies_refuse_bad_names_and_bad_claims(string badSuite, string badClaim, string badDoneClaim)
    {
        Assert.False(WireMessage.TryRead<RespHelloBody>(Convert.FromHexString(badSuite), out _));
        Assert.False(WireMessage.TryRead<RespHelloBody>(Convert.FromHexString(badClaim), out _));
        Assert.False(WireMessage.TryRead<InitDoneBody>(Convert.FromHexString(badDoneClaim), out _));
    }

    [Fact]
    public void The_largest_field_number_is_an_unknown_field()
        => Assert.True(WireMessage.TryRead<InitHelloBody>(Convert.FromHexString("f8ffffff0f" + "00"), out _));

    //= spec/p2pke.md#missing-claim
    [Theory]
    [InlineData("", false, false)]
    [InlineData("0a00", true, false)]
    [InlineData("0a030a01aa", true, false)]
    [InlineData("0a031201bb", true, false)]
    [InlineData("0a060a01aa1201bb", true, true)]
    public void A_missing_or_partial_claim_is_visible(string hex, bool has, bool complete)
    {
        Assert.True(WireMessage.TryRead<InitDoneBody>(Convert.FromHexString(hex), out var body));
        Assert.Equal((has, complete), (body.HasAuthClaim, body.AuthClaim.IsComplete));
    }

    //= spec/p2pke.md#psec-tag
    [Fact]
    public void A_transcript_tag_of_eight_bytes_stands_last()
    {
        var plain = Convert.FromHexString(Suite + Time + Claim);
        Assert.True(WireMessage.TryRead<InitHelloBody>(plain, out var body));
        var tagged = Write(new InitHelloBody(body.Timestamp, body.AuthClaim, "01234567"u8));
        Assert.Equal([.. plain, 0x7a, 0x08, .. "01234567"u8], tagged);
        Assert.True(WireMessage.TryRead<InitHelloBody>(tagged, out var read));
        Assert.True(read.TranscriptTag.SequenceEqual("01234567"u8));
        Assert.True(WireMessage.TryRead<InitHelloBody>([.. plain, 0x7a, 0x09, .. "012345678"u8], out var nine));
        Assert.True(nine.TranscriptTag.IsEmpty);
        Assert.Throws<ArgumentException>(() => new InitHelloBody(new byte[12], default, new byte[7]).EncodedLength);
        Assert.Throws<ArgumentException>(() => new InitHelloBody(new byte[11], default).EncodedLength);
    }

    //= spec/p2pke.md#suites-ignored
    [Fact]
    public void Every_suite_of_a_list_is_kept_in_order()
    {
        var hex = "0a0161" + Time + "0a00" + Claim + "0a026263";
        Assert.True(WireMessage.TryRead<InitHelloBody>(Convert.FromHexString(hex), out var body));
        var names = new List<string>();
        foreach (var suite in body.CipherSuites)
        {
            names.Add(Encoding.UTF8.GetString(suite));
        }

        Assert.Equal(["a", "", "bc"], names);
        Assert.Equal(Convert.FromHexString("0a01610a000a026263" + Time + Claim), Write(body));
    }

    private static byte[] Hex(JsonDocument session, string name) => Convert.FromHexString(session.RootElement.GetProperty(name).GetString()!);

    private static byte[] Write<T>(T message)
        where T : struct, IWireMessage<T>, allows ref struct
    {
        var buffer = new byte[message.EncodedLength];
        Assert.Equal(buffer.Length, WireMessage.Write(message, buffer));
        return buffer;
    }
}
