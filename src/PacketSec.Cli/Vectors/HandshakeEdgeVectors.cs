using System.Text.Json;
using PacketSec.Crypto;

namespace PacketSec.Cli.Vectors;

/// <summary>
/// The reference's edge cases, fed to live machines. Where the file's recommendation leaves a choice, the specification's is expected
/// (spec/p2pke.md, section 12).
/// </summary>
internal static class HandshakeEdgeVectors
{
    private const string Answer = "RespHello";
    private const string Finish = "InitDone";
    private const string Confirm = "empty";
    private const string Deliver = "payload";
    private const string Close = "closed";
    private const string Silence = "nothing";

    /// <summary>What each datagram of a case draws.</summary>
    private static readonly Dictionary<string, string[]> Expected = new(StringComparer.Ordinal)
    {
        ["init-hello good"] = [Answer],
        ["init-hello twice"] = [Answer, Answer],
        ["init-hello bad signature, then good"] = [Silence, Answer],
        ["init-hello no auth claim"] = [Silence],
        ["init-hello signed with the channel-binding purpose"] = [Silence],
        ["init-hello timestamp of 11 bytes"] = [Silence],
        ["init-hello nanoseconds 1e9"] = [Silence],
        ["init-hello timestamp does not match its signature"] = [Silence],
        ["init-hello no cipher suites"] = [Answer],
        ["init-hello only an unknown cipher suite"] = [Answer],
        ["init-hello two cipher suites"] = [Answer],
        ["init-hello RSA-2048 key"] = [Answer],
        ["init-hello with an unknown field 15"] = [Answer],
        ["init-hello fields in reverse order"] = [Answer],
        ["init-hello timestamp given twice, the last one signed"] = [Answer],
        ["init-hello truncated protobuf"] = [Silence],
        ["init-hello shorter than an ephemeral key"] = [Silence],
        ["init-hello header only"] = [Silence],
        ["init-hello 3 bytes"] = [Silence],
        ["init-hello empty payload"] = [Silence],
        ["init-hello with an all-zero ephemeral key"] = [Silence],
        ["init-hello with an order-8 ephemeral key"] = [Silence],
        ["init-hello ephemeral with its top bit set"] = [Answer],
        ["init-hello with the direction bit set"] = [Silence],
        ["resp-hello good"] = [Finish],
        ["resp-hello twice"] = [Finish, Finish],
        ["resp-hello bad tag, then good"] = [Silence, Finish],
        ["resp-hello zero ephemeral, then good"] = [Silence, Finish],
        ["resp-hello signature over other data, then good"] = [Silence, Finish],
        ["resp-hello signed with the timestamp purpose"] = [Silence],
        ["resp-hello no auth claim"] = [Silence],
        ["resp-hello empty payload"] = [Silence],
        ["resp-hello unknown cipher suite"] = [Finish],
        ["resp-hello without the direction bit"] = [Silence],
        ["init-done or init-hello fed to an initiator"] = [Silence, Silence],
        ["data before the handshake is complete"] = [Silence],
        ["resp-hello, forged data, resp-hello again"] = [Finish, Silence, Finish],
        ["init-done good"] = [Answer, Confirm],
        ["init-done twice"] = [Answer, Confirm, Confirm],
        ["init-done bad tag, then good"] = [Answer, Silence, Confirm],
        ["init-done with the direction bit set (header is associated data)"] = [Answer, Silence],
        ["init-done signed over channel binding 1"] = [Answer, Silence],
        ["init-done no auth claim"] = [Answer, Silence],
        ["init-done with another key than init-hello"] = [Answer, Silence],
        ["init-done before init-hello"] = [Silence],
        ["header-only counter 1 after init-hello"] = [Answer, Silence],
        ["data good and replayed"] = [Answer, Confirm, Deliver, Silence],
        ["data with the direction bit set"] = [Answer, Confirm, Silence],
        ["data with another counter"] = [Answer, Confirm, Silence],
        ["data with an empty body"] = [Answer, Confirm, Silence],
        ["data with a 15-byte body"] = [Answer, Confirm, Silence],
        ["data before init-done"] = [Answer, Silence],
        ["data at the maximum counter (closing message)"] = [Answer, Confirm, Close],
    };

    public static void Replay(JsonElement root, VectorTally tally)
    {
        var session = tally.Sibling($"session-{root.Text("session")}.json");
        foreach (var entry in root.Items("cases"))
        {
            var name = entry.Text("name");
            tally.Check(name, crypto => Expected.TryGetValue(name, out var expected) && Holds(crypto, session, entry, expected));
        }
    }

    private static bool Holds(ICryptoProvider crypto, JsonElement session, JsonElement entry, string[] expected)
    {
        using var driver = new HandshakeEdgeDriver(crypto, session, entry.Text("role") == "responder");
        var feed = entry.Items("feed").Select(Bytes).ToArray();
        var replies = entry.Items("reference_reply").Select(Bytes).ToArray();
        if (feed.Length != expected.Length)
        {
            return false;
        }

        for (var i = 0; i < feed.Length; i++)
        {
            var drawn = driver.Feed(feed[i]);
            var holds = expected[i] switch
            {
                // Where the reference is wedged its reply is empty, and the good message draws what it always draws.
                Answer => drawn.IsOnly(replies[i].Length > 0 ? replies[i] : session.Hex("resp_hello")),
                Finish => drawn.IsOnly(replies[i].Length > 0 ? replies[i] : session.Hex("init_done")),
                Confirm => drawn.IsOnlyEmptyPacket(),
                Deliver => drawn.Sent.Count == 0 && drawn.Payloads is [var payload] && payload.AsSpan().SequenceEqual(replies[i]),
                Close => drawn.Payloads.Count == 0 && drawn.ClosedByPeer,
                Silence => drawn is { Sent.Count: 0, Payloads.Count: 0, ClosedByPeer: false },
                _ => throw new InvalidOperationException("An outcome without a meaning."),
            };
            if (!holds)
            {
                return false;
            }
        }

        return true;
    }

    private static byte[] Bytes(JsonElement hex) => Convert.FromHexString(hex.GetString()!);
}
