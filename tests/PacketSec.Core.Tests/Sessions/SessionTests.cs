using PacketSec.Crypto;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Schemes.SecretHandshake;
using PacketSec.Protocol.Sessions;
using PacketSec.Protocol.Tests.Machines;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Tests.Sessions;

public sealed class SessionTests
{
    //= spec/sessions.md#counter-limit
    [Fact]
    public void The_last_data_counter_is_sealed_and_nothing_after_it_but_the_closing_message()
    {
        using var aead = new PacketAead(CryptoProvider.Default);
        var (session, _, _) = NewSession(SpecLimits.ClosingCounter - 1);
        var packet = new byte[SpecLimits.DatagramOverhead + 1];
        Assert.True(session.MaySend(default));

        session.Seal(default, aead, [1], packet);

        Assert.Equal(0x80000000u | (SpecLimits.ClosingCounter - 1), PeerFixture.Word(packet));
        Assert.False(session.MaySend(default));
        Assert.Throws<InvalidOperationException>(() => session.Seal(default, aead, [1], packet));
        Assert.Equal(0xFFFFFFFFu, PeerFixture.Word(session.SealClosing(aead).ToArray()));
    }

    //= spec/sessions.md#rekey-start
    [Theory]
    [InlineData(SpecLimits.RekeyAtCounter - 1, false)]
    [InlineData(SpecLimits.RekeyAtCounter, true)]
    public void Half_of_the_counters_ask_for_a_renewal(uint next, bool wanted) => Assert.Equal(wanted, NewSession(next).Session.WantsRekeyByCount);

    //= spec/sessions.md#key-erasure
    //= spec/threat-model.md#forward-secrecy
    [Fact]
    public void The_keys_are_zeroed_when_the_session_ends()
    {
        var (session, send, receive) = NewSession();
        var sendBytes = send.Span;
        var receiveBytes = receive.Span;
        Assert.Contains(sendBytes.ToArray(), value => value != 0);

        session.Apply(SessionEvent.LifetimeOver);

        Assert.Equal(SessionState.Ended, session.State);
        Assert.All(sendBytes.ToArray(), value => Assert.Equal(0, value));
        Assert.All(receiveBytes.ToArray(), value => Assert.Equal(0, value));
        using var aead = new PacketAead(CryptoProvider.Default);
        Assert.Equal(DropReason.SessionEnded, session.TryOpen(default, aead, PacketCounter.FirstData, new byte[30], new byte[10]));
    }

    [Fact]
    public void A_disposed_session_neither_seals_nor_opens_with_the_zeros_that_its_keys_are()
    {
        using var aead = new PacketAead(CryptoProvider.Default);
        var (session, _, _) = NewSession();
        var packet = new byte[30];

        session.Dispose();

        Assert.Throws<ObjectDisposedException>(() => session.Seal(default, aead, new byte[10], packet));
        Assert.All(packet, value => Assert.Equal(0, value));
        Assert.Throws<ObjectDisposedException>(() => session.TryOpen(default, aead, PacketCounter.FirstData, packet, new byte[10]));
    }

    //= spec/sessions.md#window-commit
    [Fact]
    public void A_forgery_leaves_the_window_where_it_was()
    {
        using var aead = new PacketAead(CryptoProvider.Default);
        var (session, _, _) = NewSession();

        Assert.Equal(DropReason.NotAuthentic, session.TryOpen(default, aead, new PacketCounter(1_000_000), new byte[30], new byte[10]));
        Assert.Equal(DropReason.NotAuthentic, session.TryOpen(default, aead, PacketCounter.FirstData, new byte[30], new byte[10]));
    }

    [Fact]
    public void An_ended_session_stays_ended_whatever_happens()
    {
        foreach (var what in Enum.GetValues<SessionEvent>())
        {
            Assert.False(SessionTransitions.TryNext(SessionState.Ended, what, out _));
        }
    }

    [Fact]
    public void From_every_state_the_end_of_life_ends_a_session()
    {
        foreach (var state in Enum.GetValues<SessionState>().Where(state => state != SessionState.Ended))
        {
            Assert.True(SessionTransitions.TryNext(state, SessionEvent.LifetimeOver, out var next));
            Assert.Equal(SessionState.Ended, next);
        }
    }

    //= spec/sessions.md#trial-bound
    [Fact]
    public void A_forged_packet_costs_at_most_three_openings()
    {
        using var fixture = new PeerFixture();
        for (byte i = 0; i < 5; i++)
        {
            fixture.Adopt(seed: (byte)(10 * i));
        }

        using var counting = new CountingProvider();
        using var aead = new PacketAead(counting);
        var forged = new byte[100];
        new PacketHeader(Direction.InitiatorToResponder, new PacketCounter(500)).WriteTo(forged);

        var received = fixture.Machine.HandleDatagram(fixture.Now, aead, PeerFixture.Path, forged, new byte[100]);

        Assert.Equal(DropReason.NotAuthentic, received.DropReason);
        Assert.Equal(ImplementationLimits.SessionsPerRole, counting.Openings);
    }

    //= spec/sessions.md#trial-unproven
    [Fact]
    public void Beside_them_a_forged_packet_costs_four_openings_on_sessions_that_wait_for_a_proof()
    {
        using var fixture = new PeerFixture();
        fixture.Adopt(seed: 1);
        for (byte i = 1; i <= ImplementationLimits.AnswersPerFirstMessage + 1; i++)
        {
            fixture.Adopt(seed: (byte)(10 * i), scheme: SecretHandshakeScheme.SchemeName);
        }

        using var counting = new CountingProvider();
        using var aead = new PacketAead(counting);
        var forged = new byte[100];
        new PacketHeader(Direction.InitiatorToResponder, new PacketCounter(500)).WriteTo(forged);

        Assert.Equal(DropReason.NotAuthentic, fixture.Machine.HandleDatagram(fixture.Now, aead, PeerFixture.Path, forged, new byte[100]).DropReason);
        Assert.Equal(1 + ImplementationLimits.AnswersPerFirstMessage, counting.Openings);
    }

    private static (Session Session, SecretKey Send, SecretKey Receive) NewSession(uint next = SpecLimits.FirstDataCounter)
    {
        var send = new SecretKey(Enumerable.Repeat((byte)1, 32).ToArray());
        var receive = new SecretKey(Enumerable.Repeat((byte)2, 32).ToArray());
        using var identity = PeerFixture.NewIdentity(3);
        var established = new EstablishedSession(SchemeCatalogue.Default.Find(P2pkeScheme.SchemeName), SessionRole.Responder, send, receive)
        {
            RemoteKey = identity.PublicKey,
            RemotePeer = identity.PeerId,
            Path = PeerFixture.Path,
            Begun = default,
        };
        return (new Session(established, 1, SessionLifetimes.Default, next), send, receive);
    }

    /// <summary>Counts the packets it is asked to open; nothing else of a provider is used.</summary>
    private sealed class CountingProvider : ICryptoProvider, IDisposable
    {
        private readonly AeadContext _inner = CryptoProvider.Default.CreateAead(AeadAlgorithm.ChaCha20Poly1305);

        public int Openings { get; private set; }

        public string Name => "counting";

        public AeadContext CreateAead(AeadAlgorithm algorithm) => new CountingContext(this);

        public void Dispose() => _inner.Dispose();

        public X25519PrivateKey ImportX25519PrivateKey(ReadOnlySpan<byte> privateKey) => throw new NotSupportedException();

        public Ed25519PrivateKey ImportEd25519PrivateKey(ReadOnlySpan<byte> seed) => throw new NotSupportedException();

        public bool VerifyEd25519(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) => throw new NotSupportedException();

        public bool VerifyEcdsaP256(ReadOnlySpan<byte> publicKeyInfo, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature) => throw new NotSupportedException();

        public bool VerifyRsaPkcs1Raw(ReadOnlySpan<byte> publicKeyInfo, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) => throw new NotSupportedException();

        public void Hash(HashAlgorithm algorithm, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> hash) => throw new NotSupportedException();

        public void Hmac(HashAlgorithm algorithm, ReadOnlySpan<byte> key, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> mac)
            => throw new NotSupportedException();

        public void Hkdf(HashAlgorithm algorithm, ReadOnlySpan<byte> inputKey, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> info, Span<byte> output)
            => throw new NotSupportedException();

        public void CShake256(ReadOnlySpan<byte> functionName, ReadOnlySpan<byte> customization, ReadOnlySpan<byte> data, Span<byte> output)
            => throw new NotSupportedException();

        private sealed class CountingContext(CountingProvider provider) : AeadContext
        {
            public override void Seal(
                ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext)
                => provider._inner.Seal(key, nonce, associatedData, plaintext, ciphertext);

            public override bool TryOpen(
                ReadOnlySpan<byte> key, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> ciphertext, Span<byte> plaintext)
            {
                provider.Openings++;
                return provider._inner.TryOpen(key, nonce, associatedData, ciphertext, plaintext);
            }

            public override void ForgetKeys() => provider._inner.ForgetKeys();

            protected override void Dispose(bool disposing)
            {
            }
        }
    }
}
