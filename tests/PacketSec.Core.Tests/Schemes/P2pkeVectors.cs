using System.Text.Json;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Wire;
using PacketSec.TestSupport;

namespace PacketSec.Protocol.Tests.Schemes;

/// <summary>A session of the vectors, with works whose ephemeral keys and clock are the file's.</summary>
internal sealed class P2pkeVectors : IDisposable
{
    private readonly JsonDocument _file;

    private P2pkeVectors(string name)
    {
        _file = JsonDocument.Parse(File.ReadAllText(TestData.Vectors("p2pke", name)));
        Initiator = IdentityKey.FromSeed(Bytes("initiator_seed"), CryptoProvider.Default);
        Responder = IdentityKey.FromSeed(Bytes("responder_seed"), CryptoProvider.Default);
    }

    public static IEnumerable<object[]> Sessions => Enumerable.Range(0, 8).Select(i => new object[] { $"s{i:00}" });

    public IdentityKey Initiator { get; }

    public IdentityKey Responder { get; }

    public JsonElement Root => _file.RootElement;

    public static P2pkeVectors Load(string id) => new($"session-{id}.json");

    public byte[] Bytes(string name) => Convert.FromHexString(Root.GetProperty(name).GetString()!);

    public InitHelloWork NewInitHello()
    {
        var time = Tai64n.FromUnixTime(Root.GetProperty("unix_seconds").GetInt64(), Root.GetProperty("unix_nanoseconds").GetUInt32());
        return new(Context(Initiator, "initiator_ephemeral_private"), time);
    }

    public InitHelloResponse NewResponse(byte[] initHello) => new(Context(Responder, "responder_ephemeral_private"), initHello);

    public P2pkeContext Context(IdentityKey identity, string ephemeral) => new(CryptoProvider.Default, new FixedSource(Bytes(ephemeral)), identity);

    public void Dispose()
    {
        _file.Dispose();
        Initiator.Dispose();
        Responder.Dispose();
    }

    /// <summary>Gives the one ephemeral key of the file.</summary>
    private sealed class FixedSource(byte[] bytes) : IRandomSource
    {
        public void Fill(Span<byte> destination) => bytes.CopyTo(destination);
    }
}
