using System.Globalization;
using PacketSec.Core.Tests.Wire;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;

namespace PacketSec.Core.Tests.Negotiation;

public sealed class RetryCookieTests
{
    private static readonly NetworkAddress Address = new(5, 6);
    private static readonly byte[] Digest = [.. Enumerable.Repeat((byte)7, 32)];

    private static ReadOnlySpan<byte> Characters => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8;

    private readonly KeySource _random = new();
    private Instant _now = new(1_000_000_000_000);

    [Fact]
    public void The_cookies_of_the_vectors_are_made_and_are_valid()
    {
        var entries = PsecVectors.Of("cookies");
        Assert.Equal(3, entries.Count);
        foreach (var entry in entries)
        {
            _random.Next = entry.Hex("key");
            using var cookies = new RetryCookies(CryptoProvider.Default, _random);
            var address = new NetworkAddress(
                UInt128.Parse(entry.Text("address"), NumberStyles.HexNumber, CultureInfo.InvariantCulture), entry.GetProperty("port").GetUInt16());
            var now = new Instant(entry.GetProperty("milliseconds").GetInt64() * 1_000_000);
            Assert.Equal(NegotiatorFixture.Accept(entry.Text("string")), cookies.MakeRetry(now, address, entry.Hex("digest")));
            Assert.True(cookies.IsValid(now, address, entry.Hex("digest"), TextOf(entry.Text("string"))));
        }
    }

    //= spec/psec.md#cookie-life
    [Fact]
    public void A_cookie_is_valid_for_10_s_for_its_address_port_and_normal_form()
    {
        using var cookies = new RetryCookies(CryptoProvider.Default, _random);
        var text = Make(cookies);
        _now += TimeSpan.FromSeconds(10);
        Assert.True(cookies.IsValid(_now, Address, Digest, text));
        Assert.False(cookies.IsValid(_now, Address with { Port = 7 }, Digest, text));
        Assert.False(cookies.IsValid(_now, Address with { Address = 4 }, Digest, text));
        Assert.False(cookies.IsValid(_now, Address, [.. Digest[..31], 8], text));
        _now += TimeSpan.FromMilliseconds(1);
        Assert.False(cookies.IsValid(_now, Address, Digest, text));

        // Nor is one from the time to come.
        text = Make(cookies);
        Assert.False(cookies.IsValid(_now - TimeSpan.FromMilliseconds(1), Address, Digest, text));
    }

    //= spec/psec.md#cookie-life
    [Fact]
    public void A_cookie_with_a_character_changed_added_or_missing_is_not_valid()
    {
        using var cookies = new RetryCookies(CryptoProvider.Default, _random);
        var text = Make(cookies);
        Assert.Equal(12 + 27, text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            byte[] edited = [.. text];
            edited[i] = (byte)(edited[i] == 'A' ? 'Q' : 'A');
            Assert.False(cookies.IsValid(_now, Address, Digest, edited));
            edited[i] = (byte)'=';
            Assert.False(cookies.IsValid(_now, Address, Digest, edited));
            Assert.False(cookies.IsValid(_now, Address, Digest, text.AsSpan(0, i)));
        }

        // The last character has two bits that are of no byte.
        var last = Characters.IndexOf(text[^1]);
        Assert.Equal(0, last % 4);
        for (var spare = 1; spare < 4; spare++)
        {
            Assert.False(cookies.IsValid(_now, Address, Digest, [.. text.AsSpan(0, text.Length - 1), Characters[last + spare]]));
        }

        Assert.False(cookies.IsValid(_now, Address, Digest, [.. text, (byte)'A']));
        Assert.True(cookies.IsValid(_now, Address, Digest, text));
    }

    //= spec/psec.md#cookie-keys
    [Fact]
    public void A_key_makes_cookies_for_15_s_checks_them_for_15_s_more_and_is_gone()
    {
        using var cookies = new RetryCookies(CryptoProvider.Default, _random);
        Assert.Null(cookies.NextDeadline);
        Make(cookies);
        Assert.Equal(1, _random.Drawn);
        Assert.Equal(_now + TimeSpan.FromSeconds(15), cookies.NextDeadline);
        _now += TimeSpan.FromSeconds(15) - TimeSpan.FromMilliseconds(1);
        var last = Make(cookies);
        Assert.Equal(1, _random.Drawn);

        _now += TimeSpan.FromMilliseconds(1);
        Make(cookies);
        Assert.Equal(2, _random.Drawn);
        Assert.True(cookies.IsValid(_now, Address, Digest, last));

        // With nothing to make, keys go all the same.
        _now += TimeSpan.FromSeconds(15);
        cookies.Rotate(_now);
        Assert.Equal(_now + TimeSpan.FromSeconds(15), cookies.NextDeadline);
        _now += TimeSpan.FromSeconds(15);
        cookies.Rotate(_now);
        Assert.Null(cookies.NextDeadline);
        Assert.Equal(2, _random.Drawn);
    }

    //= spec/psec.md#cookie-keys
    [Fact]
    public void An_old_key_is_due_to_go_before_the_one_after_it()
    {
        using var cookies = new RetryCookies(CryptoProvider.Default, _random);
        var begun = _now;
        Make(cookies);
        _now += TimeSpan.FromSeconds(29);
        Make(cookies);
        Assert.Equal(begun + TimeSpan.FromSeconds(30), cookies.NextDeadline);
        cookies.Rotate(begun + TimeSpan.FromSeconds(30));
        Assert.Equal(begun + TimeSpan.FromSeconds(44), cookies.NextDeadline);
    }

    private byte[] Make(RetryCookies cookies)
    {
        Assert.True(WireMessage.TryRead<AcceptFrame>(cookies.MakeRetry(_now, Address, Digest), out var frame));
        return frame.Scheme[PsecFrame.RetryPrefix.Length..].ToArray();
    }

    private static byte[] TextOf(string text) => PsecFrame.ToBytes(text[PsecFrame.RetryPrefix.Length..]);

    private sealed class KeySource : IRandomSource
    {
        public byte[]? Next { get; set; }

        public int Drawn { get; private set; }

        public void Fill(Span<byte> destination)
        {
            Drawn++;
            destination.Fill((byte)Drawn);
            Next?.CopyTo(destination);
        }
    }
}
