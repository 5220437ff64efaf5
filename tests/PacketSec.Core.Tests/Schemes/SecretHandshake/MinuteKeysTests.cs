using System.Buffers.Binary;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.SecretHandshake;

namespace PacketSec.Core.Tests.Schemes.SecretHandshake;

public sealed class MinuteKeysTests : IDisposable
{
    private static readonly NetworkAddress Address = HandshakeRig.CallerAddress;
    private static readonly byte[] Ephemeral = HandshakeRig.Seed(3);
    private static readonly byte[] Transcript = HandshakeRig.Seed(4);
    private static readonly byte[] Network = HandshakeRig.Seed(5);

    private readonly ScriptedRandom _random = new(1);
    private readonly MinuteKeys _keys;
    private Instant _now = new(1_000_000_000_000);

    public MinuteKeysTests() => _keys = new MinuteKeys(CryptoProvider.Default, _random);

    public void Dispose() => _keys.Dispose();

    //= spec/secret-handshake.md#cookie
    [Fact]
    public void A_cookie_is_valid_for_20_s_and_not_a_millisecond_longer_nor_before_it_was_made()
    {
        var (cookie, seed) = Answer();
        Assert.Equal(seed, Check(cookie));
        _now += TimeSpan.FromSeconds(20);
        Assert.Equal(seed, Check(cookie));
        _now += TimeSpan.FromMilliseconds(1);
        Assert.Null(Check(cookie));

        (cookie, _) = Answer();
        _now += TimeSpan.FromMilliseconds(-1);
        Assert.Null(Check(cookie));
    }

    //= spec/secret-handshake.md#cookie
    //= spec/secret-handshake.md#e-r
    [Fact]
    public void A_cookie_is_for_one_key_address_port_transcript_and_network()
    {
        var (cookie, seed) = Answer();
        Assert.Null(Check(cookie, address: Address with { Port = 4243 }));
        Assert.Null(Check(cookie, address: Address with { Address = Address.Address ^ 1 }));
        Assert.Null(Check(cookie, ephemeral: MessageTests.Flip(Ephemeral, 255)));
        Assert.Null(Check(cookie, transcript: MessageTests.Flip(Transcript, 255)));
        Assert.Null(Check(cookie, network: MessageTests.Flip(Network, 255)));
        Assert.Equal(seed, Check(cookie));
    }

    //= spec/secret-handshake.md#cookie
    [Fact]
    public void A_cookie_with_one_wrong_bit_is_not_valid()
    {
        var (cookie, _) = Answer();
        Assert.Equal(36, cookie.Length);
        for (var bit = 0; bit < cookie.Length * 8; bit++)
        {
            Assert.Null(Check(MessageTests.Flip(cookie, bit)));
        }
    }

    //= spec/secret-handshake.md#e-r
    [Fact]
    public void Each_answer_has_a_nonce_a_cookie_and_a_key_of_its_own()
    {
        var answers = Enumerable.Range(0, 100).Select(_ => Answer()).ToList();
        Assert.Equal(100, answers.Select(answer => Convert.ToHexString(answer.Cookie.AsSpan(4, 16))).Distinct().Count());
        Assert.Equal(100, answers.Select(answer => Convert.ToHexString(answer.Seed)).Distinct().Count());

        // The key depends on all that the cookie is bound to, not on the nonce alone.
        byte[] nonce = HandshakeRig.Seed(7)[..16];
        var seeds = new List<byte[]>();
        foreach (var (address, ephemeral, transcript, network) in new[]
        {
            (Address, Ephemeral, Transcript, Network), (Address with { Port = 1 }, Ephemeral, Transcript, Network), (default, Ephemeral, Transcript, Network),
            (Address, Transcript, Transcript, Network), (Address, Ephemeral, Ephemeral, Network), (Address, Ephemeral, Transcript, Ephemeral),
        })
        {
            _random.Next(nonce);
            var seed = new byte[32];
            _keys.Answer(_now, new Caller(address, ephemeral, transcript, network), new byte[36], seed);
            seeds.Add(seed);
        }

        Assert.Equal(seeds.Count, seeds.Select(Convert.ToHexString).Distinct().Count());
    }

    //= spec/secret-handshake.md#minute-keys
    [Fact]
    public void Keys_answer_for_60_s_check_for_60_s_more_and_are_gone()
    {
        Assert.Null(_keys.NextDeadline);
        var begun = _now;
        Answer();
        Assert.Equal(2, _random.Drawn);
        Assert.Equal(begun + TimeSpan.FromSeconds(60), _keys.NextDeadline);

        _now = begun + TimeSpan.FromSeconds(60) + TimeSpan.FromTicks(-1);
        var last = Answer();
        Assert.Equal(3, _random.Drawn);

        // The last answer of a minute lives its 20 s in the next one, beside answers by new keys.
        _now = begun + TimeSpan.FromSeconds(60);
        var next = Answer();
        Assert.Equal(5, _random.Drawn);
        Assert.Equal(last.Seed, Check(last.Cookie));
        Assert.Equal(next.Seed, Check(next.Cookie));
        Assert.Equal(begun + TimeSpan.FromSeconds(120), _keys.NextDeadline);

        _now = begun + TimeSpan.FromSeconds(120);
        _keys.Rotate(_now);
        Assert.Equal(_now + TimeSpan.FromSeconds(60), _keys.NextDeadline);
        _now += TimeSpan.FromSeconds(60);
        _keys.Rotate(_now);
        Assert.Null(_keys.NextDeadline);
        Assert.Equal(5, _random.Drawn);
    }

    //= spec/secret-handshake.md#minute-keys
    //= spec/secret-handshake.md#accepted-once
    [Fact]
    public void A_record_goes_with_the_keys_of_its_minute_120_s_after_they_were_made()
    {
        var begun = _now;
        Answer();
        _now = begun + TimeSpan.FromSeconds(59);
        var ticket = TicketOf(Answer().Cookie);
        Assert.Equal(DropReason.None, _keys.TryAccept(_now, ticket));
        _now = begun + TimeSpan.FromSeconds(120) + TimeSpan.FromTicks(-1);
        _keys.Rotate(_now);
        Assert.True(_keys.IsKnown(ticket));
        Assert.Equal(DropReason.NoHandshake, _keys.TryAccept(_now, ticket));
        _now += TimeSpan.FromTicks(1);
        Assert.Equal(DropReason.NoHandshake, _keys.TryAccept(_now, ticket with { Nonce = 1 }));
        Assert.Equal(DropReason.NoHandshake, _keys.TryReserve(_now, ticket with { Nonce = 1 }));
        Assert.False(_keys.IsKnown(ticket));
    }

    //= spec/secret-handshake.md#accepted-once
    [Fact]
    public void A_cookie_leads_to_one_session()
    {
        var (first, second) = (TicketOf(Answer().Cookie), TicketOf(Answer().Cookie));
        Assert.False(_keys.IsKnown(first));
        Assert.Equal(DropReason.None, _keys.TryReserve(_now, first));
        Assert.True(_keys.IsKnown(first));
        Assert.Equal(DropReason.NoHandshake, _keys.TryReserve(_now, first));
        Assert.Equal(DropReason.None, _keys.TryAccept(_now, first));
        Assert.Equal(DropReason.NoHandshake, _keys.TryAccept(_now, first));
        Assert.Equal(DropReason.NoHandshake, _keys.TryReserve(_now, first));
        Assert.False(_keys.IsKnown(second));
        Assert.Equal(DropReason.None, _keys.TryAccept(_now, second));
        Assert.Equal(DropReason.NoHandshake, _keys.TryReserve(_now, second));
    }

    //= spec/secret-handshake.md#accepted-bound
    [Fact]
    public void Questions_beyond_their_bound_are_forgotten_and_sessions_are_not()
    {
        var ticket = TicketOf(Answer().Cookie);
        var accepted = ticket with { Nonce = UInt128.MaxValue };
        Assert.Equal(DropReason.None, _keys.TryReserve(_now, accepted));
        Assert.Equal(DropReason.None, _keys.TryAccept(_now, accepted));
        for (var i = 0; i < ImplementationLimits.AskedPerMinute; i++)
        {
            Assert.Equal(DropReason.None, _keys.TryReserve(_now, ticket with { Nonce = (UInt128)(uint)i }));
        }

        Assert.True(_keys.IsKnown(ticket with { Nonce = 0 }));
        Assert.Equal(DropReason.None, _keys.TryReserve(_now, ticket));
        Assert.False(_keys.IsKnown(ticket with { Nonce = 0 }));
        Assert.True(_keys.IsKnown(ticket with { Nonce = 1 }));
        Assert.True(_keys.IsKnown(accepted));
        Assert.Equal(DropReason.NoHandshake, _keys.TryAccept(_now, accepted));
    }

    //= spec/secret-handshake.md#accepted-bound
    [Fact]
    public void A_full_record_takes_no_more_until_the_next_minute()
    {
        var ticket = TicketOf(Answer().Cookie);
        for (var i = 0; i < ImplementationLimits.AcceptedPerMinute; i++)
        {
            Assert.Equal(DropReason.None, _keys.TryAccept(_now, ticket with { Nonce = (UInt128)(uint)i }));
        }

        Assert.Equal(DropReason.HandshakesFull, _keys.TryAccept(_now, ticket));
        _now += TimeSpan.FromSeconds(60);
        Assert.Equal(DropReason.None, _keys.TryAccept(_now, TicketOf(Answer().Cookie)));
    }

    [Fact]
    public void A_ticket_tells_when_its_cookie_was_made()
    {
        var made = _now;
        var (cookie, _) = Answer();
        _now += TimeSpan.FromMilliseconds(1234.5);
        Assert.InRange((TicketOf(cookie).MadeAt - made).TotalMilliseconds, -1, 1);
    }

    [Fact]
    public void The_time_in_a_cookie_begins_at_a_random_number_in_each_minute()
    {
        _random.Next([.. new byte[64], 0xFF, 0xFF, 0xFF, 0xFE]);
        var (cookie, _) = Answer();
        Assert.Equal(0xFFFFFFFE, BinaryPrimitives.ReadUInt32BigEndian(cookie));
        _now += TimeSpan.FromMilliseconds(3);
        (cookie, var seed) = Answer();
        Assert.Equal(1u, BinaryPrimitives.ReadUInt32BigEndian(cookie));
        _now += TimeSpan.FromSeconds(20);
        Assert.Equal(seed, Check(cookie));
        _now += TimeSpan.FromMilliseconds(1);
        Assert.Null(Check(cookie));
    }

    //= spec/secret-handshake.md#answer
    [Fact]
    public void Answers_leave_no_state_and_acceptance_does()
    {
        var before = Digest();
        var cookies = Enumerable.Range(0, 50).Select(_ => Answer().Cookie).ToList();
        cookies.ForEach(cookie => Check(cookie));
        Assert.Equal(before, Digest());
        Assert.Equal(DropReason.None, _keys.TryReserve(_now, TicketOf(cookies[0])));
        var asked = Digest();
        Assert.NotEqual(before, asked);
        Assert.Equal(DropReason.None, _keys.TryAccept(_now, TicketOf(cookies[0])));
        Assert.NotEqual(asked, Digest());
    }

    [Fact]
    public void Answers_and_checks_allocate_nothing()
    {
        var cookie = new byte[36];
        var seed = new byte[32];
        AnswerInto(cookie, seed);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            AnswerInto(cookie, seed);
            Assert.True(_keys.TryCheck(_now, new Caller(Address, Ephemeral, Transcript, Network), cookie, seed, out _));
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private void AnswerInto(Span<byte> cookie, Span<byte> seed) => _keys.Answer(_now, new Caller(Address, Ephemeral, Transcript, Network), cookie, seed);

    private (byte[] Cookie, byte[] Seed) Answer()
    {
        var (cookie, seed) = (new byte[36], new byte[32]);
        AnswerInto(cookie, seed);
        return (cookie, seed);
    }

    private byte[]? Check(
        byte[] cookie, NetworkAddress? address = null, byte[]? ephemeral = null, byte[]? transcript = null, byte[]? network = null)
    {
        var seed = new byte[32];
        var caller = new Caller(address ?? Address, ephemeral ?? Ephemeral, transcript ?? Transcript, network ?? Network);
        return _keys.TryCheck(_now, caller, cookie, seed, out _) ? seed : null;
    }

    private StatelessTicket TicketOf(byte[] cookie)
    {
        Assert.True(_keys.TryCheck(_now, new Caller(Address, Ephemeral, Transcript, Network), cookie, new byte[32], out var ticket));
        return ticket;
    }

    private byte[] Digest()
    {
        var digest = new StateDigestBuilder();
        _keys.AddTo(digest);
        return digest.ToDigest(CryptoProvider.Default);
    }
}
