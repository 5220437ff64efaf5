using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Games;
using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Suite;
using PacketSec.Adversary.Tools;
using PacketSec.Crypto;

namespace PacketSec.Simulation.Tests.Adversary;

public sealed class AdversaryToolTests
{
    [Fact]
    public void The_thief_finds_every_key_of_a_live_session()
    {
        var (alice, bob) = (Persona.Of(1, "Alice"), Persona.Of(1, "Bob"));
        foreach (var scheme in MeasuredSchemes.All)
        {
            using var scene = new Scene(scheme, 1);
            var a = scene.Join("A", alice, Scene.AliceAt, known: bob.Face);
            scene.Join("B", bob, Scene.BobAt, known: alice.Face);
            a.Dial(bob.Face, Scene.BobAt);
            scene.Run(1);
            scene.Send(a, bob.Face, "hello"u8);
            using var aead = CryptoProvider.Default.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
            var packets = scene.Recording.Where(datagram => scheme.IsTransport(datagram.Bytes)).ToArray();
            Assert.NotEmpty(packets);
            var keys = a.Memory().Where(bytes => bytes.Length == 32).ToArray();
            Assert.All(packets, packet => Assert.Contains(keys, key => scheme.OpenTransport(aead, key, packet.Bytes) is not null));
        }
    }

    [Fact]
    public void Who_has_the_secrets_of_one_side_reads_the_handshake_and_all_that_follows()
    {
        var (alice, bob) = (Persona.Of(1, "Alice"), Persona.Of(1, "Bob"));
        foreach (var scheme in MeasuredSchemes.All)
        {
            using var scene = new Scene(scheme, 1);
            var watched = new WatchedCrypto(CryptoProvider.Default);
            var a = scene.Join("A", alice, Scene.AliceAt, crypto: watched, known: bob.Face);
            scene.Join("B", bob, Scene.BobAt, known: alice.Face);
            a.Dial(bob.Face, Scene.BobAt);
            scene.Run(1);
            scene.Send(a, bob.Face, "hello"u8);
            var secrets = watched.AllAgreementKeys.Append(alice.AgreementBytes).Select(key => CryptoProvider.Default.ImportX25519PrivateKey(key)).ToArray();
            var keys = scheme.Views(scene.Recording).SelectMany(view => new NoiseReader(secrets).Read(view, alice.Face, bob.Face).TransportKeys).ToArray();
            using var aead = CryptoProvider.Default.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
            var packets = scene.Recording.Where(datagram => scheme.IsTransport(datagram.Bytes)).ToArray();
            Assert.NotEmpty(packets);
            Assert.All(packets, packet => Assert.Contains(keys, key => scheme.OpenTransport(aead, key, packet.Bytes) is not null));
            Array.ForEach(secrets, secret => secret.Dispose());
        }
    }

    [Fact]
    public void A_key_is_found_in_every_encoding_and_nobody_elses()
    {
        var (alice, bob) = (Persona.Of(1, "Alice").Face, Persona.Of(1, "Bob").Face);
        var hash = new byte[32];
        CryptoProvider.Default.Hash(HashAlgorithm.Blake2s, alice.X25519, [], hash);
        byte[][] forms =
        [
            alice.Ed25519, alice.X25519, alice.PublicKey.PublicKeyInfo.ToArray(), alice.PublicKey.ToProtobuf(), alice.PeerId.Multihash.ToArray(),
            System.Text.Encoding.ASCII.GetBytes(alice.PeerId.ToString()), System.Text.Encoding.ASCII.GetBytes(alice.PeerId.ToCidString()), hash,
        ];
        Assert.All(forms, form =>
        {
            Assert.True(alice.Search.Finds([0, 0, 0, .. form, 0]));
            Assert.False(bob.Search.Finds([0, 0, 0, .. form, 0]));
        });
    }

    [Fact]
    public void The_page_is_rewritten_between_its_markers()
    {
        const string Before = "a\n<!-- how:begin -->\n<!-- how:end -->\n<!-- matrix:begin -->\nREPLACED\n<!-- matrix:end -->\n<!-- games:begin -->\n<!-- games:end -->\n<!-- controls:begin -->\n<!-- controls:end -->\nz\n";
        var after = Page.Rewrite(Before, [new("6c", MeasuredSchemes.All[0].Name, 16, 14, null, false, "")], "by a test");
        Assert.StartsWith("a\n<!-- how:begin -->\nby a test\n<!-- how:end -->", after);
        Assert.Contains("no, 14/16", after);
        Assert.DoesNotContain("REPLACED", after);
        Assert.EndsWith("<!-- controls:end -->\nz\n", after);
        Assert.Throws<GameException>(() => Page.Rewrite("a page without markers", [], ""));
    }
}
