using System.Text;
using System.Text.Json;
using PacketSec.Crypto;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.TestSupport;

namespace PacketSec.Protocol.Tests.Schemes.MyChips;

/// <summary>Whole handshakes byte for byte. <c>PACKETSEC_UPDATE_VECTORS=1</c> writes the file anew.</summary>
public sealed class MyChipsVectorTests
{
    private static readonly string Path = System.IO.Path.Combine(TestData.RepositoryRoot, "spec", "vectors", "mychips-1.json");
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private static readonly string[] Names = ["ticket", "site", "renewal", "ticket-certificate"];

    public static TheoryData<string> Kinds => [.. Names];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_handshake_is_byte_for_byte_that_of_the_vectors(string kind)
    {
        var made = Make(kind);
        if (Environment.GetEnvironmentVariable("PACKETSEC_UPDATE_VECTORS") == "1")
        {
            var all = Names.Select(Make).ToArray();
            File.WriteAllText(Path, JsonSerializer.Serialize(new { format = "mychips-1", version = 1, vectors = all }, Indented) + "\n");
        }

        using var stored = JsonDocument.Parse(File.ReadAllText(Path));
        var vector = stored.RootElement.GetProperty("vectors").EnumerateArray().Single(one => one.GetProperty("kind").GetString() == kind);
        Assert.Equal(made.Count, vector.EnumerateObject().Count());
        Assert.All(made, field => Assert.Equal(field.Value, vector.GetProperty(field.Key).GetString()));
    }

    /// <summary>The random bytes of each side are those of a stated string, repeated: what a second implementation can do too.</summary>
    private static Dictionary<string, string> Make(string kind)
    {
        using var rig = new MyChipsRig(new Repeating()) { Certificate = kind == "renewal" ? [] : "contact data"u8.ToArray() };
        rig.CertificateWithTicket = kind == "ticket-certificate";
        rig.SiteId = kind == "site" ? "site.example@4001" : null;
        rig.Sites["site.example@4001"] = rig.Initiator.PublicKey;
        using var ticket = kind.StartsWith("ticket", StringComparison.Ordinal) ? rig.NewTicket() : null;
        using var first = rig.First(ticket, kind == "renewal");
        using var noise = first.TakeNoise();
        using var answer = rig.Answer(first.FirstMessage, known: rig.Initiator.PublicKey);
        using var check = rig.Check(noise, answer.Answer);
        using var pending = answer.TakePendingKeys();
        using var finish = rig.Finish(pending, check.Finish);
        Assert.Equal(DropReason.None, finish.Outcome);
        var vector = new Dictionary<string, string>
        {
            ["kind"] = kind,
            ["initiator_seed"] = Hex(rig.Initiator.Seed),
            ["responder_seed"] = Hex(rig.Responder.Seed),
            ["transcript"] = Hex(Agreement.DirectTranscript(CryptoProvider.Default, MyChipsScheme.SchemeName)),
            ["certificate"] = Hex(rig.Certificate),
            ["first"] = Hex(first.FirstMessage),
            ["answer"] = Hex(answer.Answer),
            ["initiator_key"] = Hex(pending.ReceiveKey.Span),
            ["responder_key"] = Hex(pending.SendKey.Span),
            ["first_transport"] = Hex(check.Finish),
            ["confirmation"] = Hex(finish.Confirmation),
        };
        if (ticket is not null)
        {
            vector["token"] = Hex(ticket.Token);
            vector["purpose"] = Hex(Encoding.UTF8.GetBytes(ticket.Conditions.Purpose));
        }

        if (rig.SiteId is not null)
        {
            vector["site_id"] = Hex(Encoding.UTF8.GetBytes(rig.SiteId));
        }

        return vector;
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    private sealed class Repeating : IRandomSource
    {
        private byte _next = 0x40;

        public void Fill(Span<byte> destination) => destination.Fill(_next++);
    }
}
