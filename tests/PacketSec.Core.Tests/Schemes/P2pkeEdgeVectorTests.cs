using System.Buffers.Binary;
using System.Text.Json;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Wire;
using PacketSec.TestSupport;

namespace PacketSec.Protocol.Tests.Schemes;

/// <summary>
/// The reference's edge cases on the handshake's works: each names the reason of every message fed and the replies, which are the outcomes the
/// file recommends and, where it leaves a choice, those that the specification picks.
/// </summary>
public sealed class P2pkeEdgeVectorTests
{
    private static readonly P2pkeScheme Scheme = new();

    private const DropReason Good = DropReason.None;

    private static readonly Dictionary<string, DropReason[]> Responder = new()
    {
        ["init-hello good"] = [Good],
        ["init-hello twice"] = [Good, Good],
        ["init-hello bad signature, then good"] = [DropReason.BadSignature, Good],
        ["init-hello no auth claim"] = [DropReason.Malformed],
        ["init-hello signed with the channel-binding purpose"] = [DropReason.BadSignature],
        ["init-hello timestamp of 11 bytes"] = [DropReason.Malformed],
        ["init-hello nanoseconds 1e9"] = [DropReason.Malformed],
        ["init-hello timestamp does not match its signature"] = [DropReason.BadSignature],
        ["init-hello no cipher suites"] = [Good],
        ["init-hello only an unknown cipher suite"] = [Good],
        ["init-hello two cipher suites"] = [Good],
        ["init-hello RSA-2048 key"] = [Good],
        ["init-hello with an unknown field 15"] = [Good],
        ["init-hello fields in reverse order"] = [Good],
        ["init-hello timestamp given twice, the last one signed"] = [Good],
        ["init-hello truncated protobuf"] = [DropReason.Malformed],
        ["init-hello shorter than an ephemeral key"] = [DropReason.TooShort],
        ["init-hello header only"] = [DropReason.TooShort],
        ["init-hello 3 bytes"] = [DropReason.TooShort],
        ["init-hello empty payload"] = [DropReason.Malformed],
        ["init-hello with an all-zero ephemeral key"] = [DropReason.LowOrderKey],
        ["init-hello with an order-8 ephemeral key"] = [DropReason.LowOrderKey],
        ["init-hello ephemeral with its top bit set"] = [Good],
        ["init-hello with the direction bit set"] = [DropReason.UnexpectedHandshake],
        ["init-done good"] = [Good, Good],
        ["init-done twice"] = [Good, Good, Good],
        ["init-done bad tag, then good"] = [Good, DropReason.NotAuthentic, Good],
        ["init-done with the direction bit set (header is associated data)"] = [Good, DropReason.UnexpectedHandshake],
        ["init-done signed over channel binding 1"] = [Good, DropReason.BadSignature],
        ["init-done no auth claim"] = [Good, DropReason.Malformed],
        ["init-done with another key than init-hello"] = [Good, DropReason.KeyMismatch],
        ["init-done before init-hello"] = [DropReason.NoHandshake],
        ["header-only counter 1 after init-hello"] = [Good, DropReason.UnexpectedHandshake],
    };

    private static readonly Dictionary<string, DropReason[]> Initiator = new()
    {
        ["resp-hello good"] = [Good],
        ["resp-hello twice"] = [Good, Good],
        ["resp-hello bad tag, then good"] = [DropReason.NotAuthentic, Good],
        ["resp-hello zero ephemeral, then good"] = [DropReason.LowOrderKey, Good],
        ["resp-hello signature over other data, then good"] = [DropReason.BadSignature, Good],
        ["resp-hello signed with the timestamp purpose"] = [DropReason.BadSignature],
        ["resp-hello no auth claim"] = [DropReason.Malformed],
        ["resp-hello empty payload"] = [DropReason.Malformed],
        ["resp-hello unknown cipher suite"] = [Good],
        ["resp-hello without the direction bit"] = [DropReason.UnexpectedHandshake],
        ["init-done or init-hello fed to an initiator"] = [DropReason.UnexpectedHandshake, DropReason.UnexpectedHandshake],
    };

    // Cases about data are the session's and the channel's; PeerMachineTests and the scenarios have them.
    private static readonly string[] DataCases =
    [
        "data before the handshake is complete", "resp-hello, forged data, resp-hello again", "data good and replayed", "data with the direction bit set",
        "data with another counter", "data with an empty body", "data with a 15-byte body", "data before init-done",
        "data at the maximum counter (closing message)",
    ];

    //= spec/p2pke.md#init-hello-claim
    //= spec/p2pke.md#missing-claim
    //= spec/p2pke.md#payload-malformed
    //= spec/p2pke.md#payload-parsing
    //= spec/p2pke.md#suites-ignored
    //= spec/p2pke.md#timestamp-parsing
    //= spec/p2pke.md#zero-dh
    //= spec/p2pke.md#signature-prehash
    //= spec/p2pke.md#handshake-size
    //= spec/p2pke.md#reserved-counters
    //= spec/p2pke.md#init-done-tag
    //= spec/p2pke.md#init-done-key
    //= spec/p2pke.md#init-done-signature
    //= spec/p2pke.md#resp-hello-unauthentic
    //= spec/p2pke.md#sealed-once
    [VectorsFact]
    public void Every_case_ends_as_recommended()
    {
        using var file = JsonDocument.Parse(File.ReadAllText(TestData.Vectors("p2pke", "handshake-edge.json")));
        using var session = P2pkeVectors.Load(file.RootElement.GetProperty("session").GetString()!);
        var run = 0;
        foreach (var entry in file.RootElement.GetProperty("cases").EnumerateArray())
        {
            var name = entry.GetProperty("name").GetString()!;
            if (DataCases.Contains(name))
            {
                continue;
            }

            var isResponder = entry.GetProperty("role").GetString() == "responder";
            var expected = (isResponder ? Responder : Initiator)[name];
            var feed = entry.GetProperty("feed").EnumerateArray().Select(text => Convert.FromHexString(text.GetString()!)).ToArray();
            var replies = entry.GetProperty("reference_reply").EnumerateArray().Select(text => text.GetString()!).ToArray();
            var outcomes = isResponder ? FeedResponder(session, feed, replies) : FeedInitiator(session, feed, replies);
            Assert.True(expected.SequenceEqual(outcomes), $"{name}: expected {string.Join(", ", expected)}, was {string.Join(", ", outcomes)}");
            run++;
        }

        Assert.Equal(44, run);
        Assert.Equal(53, run + DataCases.Length);
    }

    private static List<DropReason> FeedResponder(P2pkeVectors session, byte[][] feed, string[] replies)
    {
        var outcomes = new List<DropReason>();
        ResponderKeys? keys = null;
        foreach (var (datagram, reply) in feed.Zip(replies))
        {
            var reason = Precheck(datagram, P2pkeScheme.InitHelloWord, P2pkeScheme.InitDoneWord);
            if (reason == Good && IsWord(datagram, P2pkeScheme.InitHelloWord))
            {
                using var work = session.NewResponse(datagram);
                work.Run();
                reason = work.Outcome;
                if (reason == Good)
                {
                    keys?.Dispose();
                    keys = work.TakeKeys();

                    // Where the reference wedges itself its reply is empty, and ours is the one that the good message draws.
                    Assert.Equal(reply.Length > 0 ? reply : session.Root.GetProperty("resp_hello").GetString(), Convert.ToHexStringLower(work.RespHello));
                }
            }
            else if (reason == Good)
            {
                reason = keys is null ? DropReason.NoHandshake : Finish(session, keys, datagram);
            }

            outcomes.Add(reason);
        }

        keys?.Dispose();
        return outcomes;
    }

    private static DropReason Finish(P2pkeVectors session, ResponderKeys keys, byte[] datagram)
    {
        using var work = new InitDoneWork(session.Context(session.Responder, "responder_ephemeral_private"), default, datagram, [(1, keys.Copy())]);
        work.Run();
        return work.Outcome;
    }

    private static List<DropReason> FeedInitiator(P2pkeVectors session, byte[][] feed, string[] replies)
    {
        using var hello = session.NewInitHello();
        hello.Run();
        using var noise = hello.TakeNoise();
        var outcomes = new List<DropReason>();
        foreach (var (datagram, reply) in feed.Zip(replies))
        {
            var reason = Precheck(datagram, P2pkeScheme.RespHelloWord, P2pkeScheme.RespHelloWord);
            if (reason == Good)
            {
                using var work = new RespHelloWork(
                    session.Context(session.Initiator, "initiator_ephemeral_private"), [new(1, 1, noise.Clone())], datagram, session.Responder.PeerId)
                {
                    Path = default,
                };
                work.Run();
                reason = work.Outcome;
                if (reason == Good && reply.Length > 0)
                {
                    Assert.Equal(reply, Convert.ToHexStringLower(work.InitDone));
                }
            }

            outcomes.Add(reason);
        }

        return outcomes;
    }

    private static DropReason Precheck(byte[] datagram, uint first, uint second)
    {
        if (!PacketHeader.TryRead(datagram, out var header))
        {
            return DropReason.TooShort;
        }

        return header.Word == first || header.Word == second
            ? Scheme.CheckLength(Scheme.StepOf(datagram), datagram.Length)
            : SchemeCatalogue.Default.ReasonFor(header.Counter);
    }

    private static bool IsWord(byte[] datagram, uint word) => BinaryPrimitives.ReadUInt32BigEndian(datagram) == word;
}
