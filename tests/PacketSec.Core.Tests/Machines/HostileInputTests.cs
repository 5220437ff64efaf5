using System.Buffers.Binary;
using PacketSec.Crypto;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.P2pke;

namespace PacketSec.Protocol.Tests.Machines;

/// <summary>What anybody may send, in any order, to live machines.</summary>
public sealed class HostileInputTests
{
    //= spec/threat-model.md#no-throw
    //= spec/sessions.md#drop-reasons
    [Theory]
    [InlineData(1u)]
    [InlineData(2u)]
    [InlineData(3u)]
    public void No_sequence_of_datagrams_throws_and_each_is_counted_once(uint seed)
    {
        using var fixture = new EndpointFixture(ask: true);
        var stranger = fixture.NewStranger();
        var genuine = new List<byte[]> { stranger.NewInitHello(), stranger.NewBadInitHello(), new byte[40] };
        var state = seed;
        var early = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var datagram = Mutate(genuine[Next(ref state, genuine.Count)], ref state);
            var remote = EndpointFixture.Address(200 + Next(ref state, 3));
            early += fixture.Receive(remote, datagram).Kind == ReceivedKind.EarlyData ? 1 : 0;
            fixture.RunWork(Next(ref state, 3));
            fixture.Sent().ForEach(sent => genuine[2] = sent.Packet);
            fixture.Now += TimeSpan.FromMilliseconds(Next(ref state, 20));
            fixture.Machine.HandleTimeout(fixture.Now);
        }

        fixture.RunWork();
        fixture.Now += SpecLimits.DialDeadline;
        fixture.Machine.HandleTimeout(fixture.Now);
        var machine = fixture.Machine;
        Assert.Equal(0, machine.HalfOpen);
        Assert.Equal(20_000, machine.Drops.Total + machine.HandshakesBegun + machine.HandshakesFinished + machine.CachedAnswers);
        Assert.True(early > 0);
    }

    //= spec/threat-model.md#no-throw
    [Theory]
    [InlineData(1u)]
    [InlineData(2u)]
    public void A_live_channel_takes_any_sequence_and_stays_as_it_was(uint seed)
    {
        using var fixture = new PeerFixture();
        var remote = fixture.AdoptKnown();
        var genuine = new List<byte[]> { fixture.Seal(remote, [1, 2, 3]), fixture.Seal(remote, []), PeerFixture.Finish(7), PeerFixture.FirstMessage(7) };
        genuine.ForEach(packet => fixture.Receive(packet));
        fixture.Sent();
        var before = fixture.Machine.StateDigest();
        var state = seed;
        for (var i = 0; i < 20_000; i++)
        {
            var received = fixture.Receive(Mutate(genuine[Next(ref state, genuine.Count)], ref state));
            Assert.NotEqual(ReceivedKind.Payload, received.Kind);
        }

        Assert.Equal(before, fixture.Machine.StateDigest());
        Assert.Equal([9], fixture.Receive(fixture.Seal(remote, [9])).Payload);
    }

    //= spec/threat-model.md#flood-bounded
    [Fact]
    public void A_flood_of_first_messages_from_everywhere_stays_within_the_bounds()
    {
        using var fixture = new EndpointFixture();
        var hello = fixture.NewStranger().NewInitHello();
        var state = 1u;
        for (var i = 0; i < 5_000; i++)
        {
            fixture.Receive(EndpointFixture.Address(Next(ref state, 1 << 24)), hello);
            fixture.RunWork(1);
            Assert.True(fixture.Machine.HalfOpen <= ImplementationLimits.Handshakes);
        }

        Assert.True(fixture.Machine.Drops[DropReason.HandshakesFull] + fixture.Machine.Drops[DropReason.WorkFull] > 0);
        fixture.RunWork();
        fixture.Sent();
        fixture.Now += SpecLimits.DialDeadline;
        fixture.Machine.HandleTimeout(fixture.Now);
        Assert.Equal(0, fixture.Machine.HalfOpen);
    }

    //= spec/threat-model.md#no-plaintext
    [Theory]
    [InlineData("")]
    [InlineData("none")]
    [InlineData("null")]
    [InlineData("plaintext")]
    [InlineData("plaintext-1")]
    [InlineData("/plaintext/2.0.0")]
    public void There_is_no_scheme_that_protects_nothing(string name) => Assert.Throws<ArgumentException>(() => new EndpointFixture(directScheme: name));

    //= spec/threat-model.md#no-secrets-printed
    [Fact]
    public void No_text_form_shows_a_secret()
    {
        var secret = Enumerable.Range(1, 32).Select(i => (byte)i).ToArray();
        using var key = new SecretKey(secret);
        using var identity = Identity.IdentityKey.FromSeed(secret, CryptoProvider.Default);
        using var signing = CryptoProvider.Default.ImportEd25519PrivateKey(secret);
        using var agreement = CryptoProvider.Default.ImportX25519PrivateKey(secret);
        using var session = new EstablishedSession(SchemeCatalogue.Default.Find(P2pkeScheme.SchemeName), SessionRole.Initiator, new SecretKey(secret), new SecretKey(secret))
        {
            RemoteKey = identity.PublicKey,
            RemotePeer = identity.PeerId,
            Path = PeerFixture.Path,
            Begun = default,
        };
        string[] forms = [Convert.ToHexString(secret), Convert.ToBase64String(secret), string.Join(", ", secret), string.Join("-", secret.Select(b => $"{b:X2}"))];

        foreach (var text in new object[] { key, identity, signing, agreement, session, new PeerEvent.Opened() }.Select(item => item.ToString()!))
        {
            Assert.All(forms, form => Assert.DoesNotContain(form[..16], text, StringComparison.OrdinalIgnoreCase));
        }
    }

    private static byte[] Mutate(byte[] packet, ref uint state)
    {
        var copy = packet.ToArray();
        switch (Next(ref state, 5))
        {
            case 0 when copy.Length > 0:
                copy[Next(ref state, copy.Length)] ^= (byte)(1 << Next(ref state, 8));
                break;
            case 1:
                copy = copy[..Next(ref state, copy.Length + 1)];
                break;
            case 2:
                copy = [.. copy, .. new byte[Next(ref state, 2500)]];
                break;
            case 3 when copy.Length >= 4:
                BinaryPrimitives.WriteUInt32BigEndian(copy, (uint)Next(ref state, 40) | (Next(ref state, 2) == 0 ? 0 : 0x80000000));
                break;
            default:
                break;
        }

        return copy;
    }

    private static int Next(ref uint state, int bound)
    {
        state = unchecked((state * 1664525) + 1013904223);
        return (int)((state >> 8) % (uint)bound);
    }
}
