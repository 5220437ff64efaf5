using System.Text.Json;
using PacketSec.Cli.Inspect;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;
using PacketSec.TestSupport;

namespace PacketSec.Tests.Cli;

/// <summary>The frames of <c>spec/vectors/psec.json</c>, told as the vectors have them.</summary>
public sealed class InspectVectorTests
{
    private static readonly JsonElement Vectors
        = JsonDocument.Parse(File.ReadAllText(Path.Combine(TestData.RepositoryRoot, "spec", "vectors", "psec.json"))).RootElement;

    [Fact]
    public async Task Every_proposal_is_told_with_its_fields()
    {
        var proposals = Vectors.GetProperty("proposals").EnumerateArray().ToList();
        Assert.Equal(12, proposals.Count);
        foreach (var vector in proposals)
        {
            var line = await InspectDecoderTests.AloneAsync(Frame(vector));
            Assert.Equal("proposal", line.TypeOf());
            Assert.True(PeerId.TryRead(Convert.FromHexString(vector.TextOf("peer_id")), out var peer));
            Assert.Equal(peer.ToString(), line.TextOf("peer_id"));
            Assert.Equal(!peer.IsInline, line.GetProperty("peer_id_is_hash").GetBoolean());
            Assert.Equal(Texts(vector, "schemes"), Texts(line, "schemes"));
            Assert.Equal(Texts(vector, "strings").Except(Texts(vector, "schemes")), Texts(line, "psec_strings"));
            Assert.Equal(vector.TextOf("digest"), line.TextOf("digest"));
            Assert.Equal(vector.GetProperty("first_packet").ValueKind != JsonValueKind.Null, line.TryGetProperty("first_packet", out _));
        }
    }

    [Fact]
    public async Task Every_malformed_proposal_is_told_with_a_reason_and_is_data_only_where_it_is_long_enough()
    {
        var malformed = Vectors.GetProperty("malformed_proposals").EnumerateArray().ToList();
        Assert.Equal(30, malformed.Count);
        var types = new List<string>();
        foreach (var vector in malformed)
        {
            var frame = Frame(vector);
            var line = await InspectDecoderTests.AloneAsync(frame);
            types.Add(line.TypeOf());
            Assert.Equal(frame.Length < 20 ? "malformed" : "ambiguous", line.TypeOf());
            var told = line.TypeOf() == "malformed" ? line : line.GetProperty("frame");
            Assert.NotEmpty(told.TextOf("reason"));
        }

        Assert.Equal((6, 24), (types.Count(type => type == "malformed"), types.Count(type => type == "ambiguous")));
    }

    [Fact]
    public async Task Every_accept_and_reject_is_told()
    {
        var accepts = Vectors.GetProperty("accepts").EnumerateArray().ToList();
        Assert.Equal(10, accepts.Count);
        foreach (var vector in accepts)
        {
            var line = await InspectDecoderTests.AloneAsync(Frame(vector));
            if (!vector.GetProperty("valid").GetBoolean())
            {
                Assert.Equal("malformed accept Malformed", InspectDecoderTests.Summary(line));
                continue;
            }

            Assert.Equal(
                vector.TextOf("scheme"),
                line.TypeOf() == "retry" ? PsecFrame.RetryPrefix + line.TextOf("cookie") : line.TextOf("scheme"));
        }

        var rejects = Vectors.GetProperty("rejects").EnumerateArray().ToList();
        Assert.Equal(2, rejects.Count);
        foreach (var vector in rejects)
        {
            Assert.Equal(vector.GetProperty("valid").GetBoolean() ? "reject" : "malformed", (await InspectDecoderTests.AloneAsync(Frame(vector))).TypeOf());
        }
    }

    [Fact]
    public void A_problem_is_named_exactly_where_the_core_takes_no_frame()
    {
        var (taken, refused) = (0, 0);
        foreach (var datagram in Mutations())
        {
            var isFrame = datagram.Length > 0 && (datagram[0] == 0
                ? WireMessage.TryRead<ProposalFrame>(datagram, out _)
                : WireMessage.TryRead<AcceptFrame>(datagram, out _));
            var problem = datagram is [0, ..] ? FrameProblem.OfProposal(datagram) : FrameProblem.OfAccept(datagram);
            Assert.True(isFrame == problem is null, $"{Convert.ToHexString(datagram)}: {problem}");
            _ = isFrame ? taken++ : refused++;
        }

        Assert.True(taken > 1000 && refused > 1000, $"{taken} {refused}");
    }

    /// <summary>The frames of the vectors, each with every prefix and every byte changed.</summary>
    internal static IEnumerable<byte[]> Mutations()
    {
        var names = new[] { "proposals", "malformed_proposals", "accepts", "rejects" };
        foreach (var frame in names.SelectMany(name => Vectors.GetProperty(name).EnumerateArray()).Select(Frame).Where(frame => frame.Length < 200))
        {
            yield return frame;
            for (var i = 0; i < frame.Length; i++)
            {
                yield return frame[..i];
                foreach (var change in new byte[] { 1, 2, 0x80 })
                {
                    yield return [.. frame[..i], (byte)(frame[i] ^ change), .. frame[(i + 1)..]];
                }
            }
        }
    }

    private static byte[] Frame(JsonElement vector) => Convert.FromHexString(vector.TextOf("frame"));

    private static string[] Texts(JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray().Select(text => text.GetString()!)];
}
