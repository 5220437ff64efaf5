using System.Text;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Protocol.Tests.Schemes.MyChips;

public sealed class TicketEncodingTests
{
    public static TheoryData<string> Bindings => ["none", "key", "user"];

    [Theory]
    [MemberData(nameof(Bindings))]
    public void A_ticket_comes_back_from_its_bytes_its_text_and_its_link(string kind)
    {
        var conditions = new TicketConditions { NotAfter = Tickets.NotAfter, Uses = 3, Purpose = "a tally, für dich", Binding = Binding(kind) };
        using var ticket = Ticket.Issue(new Counting(), Tickets.Site, ["site.example:4001", "[2001:db8::1]:65535", "192.0.2.1:1"], conditions);
        var bytes = ticket.Encode();
        Assert.True(Ticket.TryRead(bytes, out var read));
        Assert.True(Ticket.TryParse(ticket.ToText(), out var fromText, out _));
        Assert.True(Ticket.TryParse(ticket.ToLink(), out var fromLink, out _));

        Assert.StartsWith("psec-ticket:", ticket.ToLink(), StringComparison.Ordinal);
        foreach (var copy in (Ticket[])[read, fromText, fromLink])
        {
            using (copy)
            {
                Assert.Equal(ticket.Addresses, copy.Addresses);
                Assert.Equal(Tickets.Site, copy.SiteKey);
                Assert.Equal(ticket.Token, copy.Token);
                Assert.Equal(conditions, copy.Conditions);
                Assert.Equal(bytes, copy.Encode());
            }
        }
    }

    [Fact]
    public void The_bytes_are_those_of_the_specification()
    {
        var conditions = new TicketConditions { NotAfter = Tickets.NotAfter, Purpose = "tally", Binding = TicketBinding.ToUser("b1@site") };
        using var ticket = Ticket.Issue(new Counting(7), Tickets.Site, ["192.0.2.1:4001"], conditions);
        var expected = new Tickets.Parts { Binding = [2, .. Tickets.Delimited("b1@site"u8.ToArray())] }.ToBytes();

        Assert.Equal(expected, ticket.Encode());
        Assert.Equal(
            Convert.ToHexStringLower(expected),
            "01010e3139322e302e322e313a34303031" + Convert.ToHexStringLower(Tickets.Site.Ed25519) + string.Concat(Enumerable.Repeat("07", 32))
                + "80e2cfaa06" + "01" + "0574616c6c79" + "020762314073697465");
    }

    //= spec/mychips.md#ticket-strict
    [Fact]
    public void No_part_of_a_ticket_is_one_nor_is_a_ticket_with_more()
    {
        var bytes = new Tickets.Parts { Binding = [1, .. Tickets.Key(3).Ed25519] }.ToBytes();
        AssertReads(true, bytes);
        Assert.All(Enumerable.Range(0, bytes.Length), length => AssertReads(false, bytes[..length]));
        AssertReads(false, [.. bytes, 0]);
    }

    //= spec/mychips.md#ticket-strict
    [Fact]
    public void Another_version_kind_of_binding_or_form_of_a_varint_is_refused()
    {
        AssertReads(false, new Tickets.Parts { Version = 0 }.ToBytes());
        AssertReads(false, new Tickets.Parts { Version = 2 }.ToBytes());
        AssertReads(false, new Tickets.Parts { Binding = [3] }.ToBytes());
        AssertReads(true, new Tickets.Parts { NotAfter = [0x80, 0x01] }.ToBytes());
        AssertReads(false, new Tickets.Parts { NotAfter = [0x81, 0x00] }.ToBytes());
        AssertReads(false, new Tickets.Parts { Uses = [0x81, 0x00] }.ToBytes());
        AssertReads(false, new Tickets.Parts { NotAfter = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01] }.ToBytes());
        AssertReads(false, new Tickets.Parts { Count = [2] }.ToBytes());
        AssertReads(false, new Tickets.Parts { Count = [0] }.ToBytes());
    }

    //= spec/mychips.md#ticket-strict
    [Fact]
    public void Mutants_of_a_ticket_never_throw_and_what_is_read_of_them_is_written_the_same()
    {
        var genuine = new Tickets.Parts { Addresses = [Tickets.Address(20), "[::1]:9"u8.ToArray()], Binding = [1, .. Tickets.Key(3).Ed25519] }.ToBytes();
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = genuine.ToArray();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            }

            bytes = bytes[..(random.Next(4) == 0 ? random.Next(bytes.Length + 1) : bytes.Length)];
            if (Ticket.TryRead(bytes, out var ticket))
            {
                using (ticket)
                {
                    Assert.Equal(bytes, ticket.Encode());
                }
            }
        }
    }

    //= spec/mychips.md#ticket-bounds
    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(8, 20, true)]
    [InlineData(9, 20, false)]
    [InlineData(1, 255, true)]
    [InlineData(1, 256, false)]
    [InlineData(8, 255, true)]
    public void Addresses_are_bounded_in_number_and_size(int count, int size, bool accepted)
    {
        byte[][] addresses = [.. Enumerable.Range(0, count).Select(_ => Tickets.Address(size))];
        AssertReads(accepted, new Tickets.Parts { Addresses = addresses }.ToBytes());

        string[] texts = [.. addresses.Select(Encoding.UTF8.GetString)];
        var error = Record.Exception(() => Issue(texts, new() { NotAfter = 1 }).Dispose());
        Assert.Equal(accepted ? null : typeof(ArgumentException), error?.GetType());
    }

    //= spec/mychips.md#ticket-bounds
    [Theory]
    [InlineData(0, 253_402_300_799, 1, 0, true)]
    [InlineData(255, 0, 65_535, 255, true)]
    [InlineData(256, 0, 1, 0, false)]
    [InlineData(0, 253_402_300_800, 1, 0, false)]
    [InlineData(0, 0, 0, 0, false)]
    [InlineData(0, 0, 65_536, 0, false)]
    [InlineData(0, 0, 1, 256, false)]
    public void Conditions_are_bounded(int purpose, long notAfter, int uses, int user, bool accepted)
    {
        var parts = new Tickets.Parts
        {
            Purpose = new byte[purpose].Select(_ => (byte)'p').ToArray(),
            NotAfter = Tickets.Varint(notAfter),
            Uses = Tickets.Varint(uses),
            Binding = user == 0 ? [0] : [2, .. Tickets.Delimited(new byte[user].Select(_ => (byte)'u').ToArray())],
        };
        AssertReads(accepted, parts.ToBytes());

        var error = Record.Exception(() => new TicketConditions
        {
            Purpose = new('p', purpose),
            NotAfter = notAfter,
            Uses = uses,
            Binding = user == 0 ? TicketBinding.None : TicketBinding.ToUser(new('u', user)),
        });
        Assert.Equal(accepted, error is null);
        Assert.True(error is null or ArgumentException);
    }

    //= spec/mychips.md#ticket-bounds
    [Fact]
    public void A_user_s_address_is_not_empty_and_not_after_not_negative()
    {
        AssertReads(false, new Tickets.Parts { Binding = [2, 0] }.ToBytes());
        AssertReads(true, new Tickets.Parts { Binding = [2, 1, (byte)'u'] }.ToBytes());
        Assert.Throws<ArgumentException>(() => TicketBinding.ToUser(""));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TicketConditions { NotAfter = -1 });
    }

    //= spec/mychips.md#ticket-bounds
    [Fact]
    public void The_largest_ticket_has_the_largest_size_there_is()
    {
        string[] addresses = [.. Enumerable.Repeat(Encoding.UTF8.GetString(Tickets.Address(255)), 8)];
        var conditions = new TicketConditions
        {
            NotAfter = TicketConditions.LatestNotAfter,
            Uses = TicketConditions.MostUses,
            Purpose = new('p', 255),
            Binding = TicketBinding.ToUser(new('u', 255)),
        };
        using var ticket = Issue(addresses, conditions);
        Assert.InRange(ticket.Encode().Length, 2600, Ticket.MaxEncodedSize);
        Assert.True(Ticket.TryParse(ticket.ToLink(), out var read, out _));
        read.Dispose();
        Assert.False(Ticket.TryParse(new string('A', 4 * Ticket.MaxEncodedSize), out _, out var problem));
        Assert.Contains("longer", problem, StringComparison.Ordinal);
    }

    //= spec/mychips.md#ticket-text-fields
    [Theory]
    [InlineData("616263", true)]
    [InlineData("c3a9", true)]
    [InlineData("611b5b32", false)] // escape
    [InlineData("0a", false)]
    [InlineData("7f", false)]
    [InlineData("c285", false)] // U+0085
    [InlineData("e280a8", false)] // U+2028
    [InlineData("e280a9", false)] // U+2029
    [InlineData("c3", false)]
    [InlineData("c080", false)]
    [InlineData("eda080", false)] // a surrogate
    public void Strings_are_utf_8_without_what_moves_a_cursor(string hex, bool accepted)
    {
        var text = Convert.FromHexString(hex);
        AssertReads(accepted, new Tickets.Parts { Purpose = text }.ToBytes());
        AssertReads(accepted, new Tickets.Parts { Binding = [2, .. Tickets.Delimited(text)] }.ToBytes());
        AssertReads(accepted, new Tickets.Parts { Addresses = [[.. text, .. ":1"u8]] }.ToBytes());
    }

    [Fact]
    public void A_caller_s_string_with_half_a_character_is_refused()
        => Assert.Throws<ArgumentException>(() => new TicketConditions { NotAfter = 1, Purpose = "a\ud800" });

    //= spec/mychips.md#ticket-text-fields
    [Theory]
    [InlineData("h:1", true)]
    [InlineData("site.example:65535", true)]
    [InlineData("[::1]:4001", true)]
    [InlineData("[fe80::1%2]:4001", true)]
    [InlineData("h:0", false)]
    [InlineData("h:65536", false)]
    [InlineData("h:01", false)]
    [InlineData("h:+1", false)]
    [InlineData("h:", false)]
    [InlineData("h", false)]
    [InlineData(":1", false)]
    [InlineData("a b:1", false)]
    [InlineData("::1:4001", false)]
    [InlineData("[::1:4001", false)]
    [InlineData("[]:4001", false)]
    [InlineData("[192.0.2.1]:4001", false)]
    [InlineData("user@h:1", false)]
    [InlineData("h/x:1", false)]
    public void An_address_is_a_host_and_a_port(string address, bool accepted)
    {
        AssertReads(accepted, new Tickets.Parts { Addresses = [Encoding.UTF8.GetBytes(address)] }.ToBytes());
        var error = Record.Exception(() => Issue([address], new() { NotAfter = 1 }).Dispose());
        Assert.Equal(accepted, error is not ArgumentException);
    }

    //= spec/mychips.md#ticket-weak-key
    [Fact]
    public void A_key_of_small_order_is_refused()
    {
        byte[] weak = [1, .. new byte[31]];
        AssertReads(false, new Tickets.Parts { SiteKey = weak }.ToBytes());
        AssertReads(false, new Tickets.Parts { Binding = [1, .. weak] }.ToBytes());
        Assert.Throws<ArgumentException>(() => TicketBinding.ToKey(PublicKey.FromEd25519(weak)));
        Assert.Throws<ArgumentException>(() => Ticket.Issue(new Counting(), PublicKey.FromEd25519(weak), [], new() { NotAfter = 1 }));
    }

    //= spec/mychips.md#ticket-text
    [Theory]
    [InlineData("{0}", true)]
    [InlineData(" \r\n{0}\n", true)]
    [InlineData("psec-ticket:{0}", true)]
    [InlineData("PSEC-Ticket:{0} ", true)]
    [InlineData("psec-ticket://{0}", false)]
    [InlineData("psec-ticket: {0}", false)]
    [InlineData("{0}=", false)]
    [InlineData("{0}A", false)]
    [InlineData("{0}+", false)]
    [InlineData("", false)]
    [InlineData("psec-ticket:", false)]
    [InlineData("\ud83d\ude00", false)]
    public void A_text_is_base64url_alone_or_behind_the_link_s_beginning(string form, bool accepted)
    {
        using var ticket = Issue(["h:1"], new() { NotAfter = 1 });
        var text = string.Format(System.Globalization.CultureInfo.InvariantCulture, form, ticket.ToText());
        Assert.Equal(accepted, Ticket.TryParse(text, out var read, out var problem));
        Assert.Equal(accepted, problem is null);
        read?.Dispose();
    }

    //= spec/mychips.md#ticket-text
    [Fact]
    public void Bits_behind_the_last_byte_are_refused()
    {
        // 74 bytes are 592 bits, and 99 characters 594.
        using var ticket = Issue(["h:1"], new() { NotAfter = 1 });
        Assert.Equal(74, ticket.Encode().Length);
        var text = ticket.ToText();
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        var last = Alphabet.IndexOf(text[^1], StringComparison.Ordinal);
        Assert.Equal(0, last & 0b11);
        var changed = text[..^1] + Alphabet[last | 1];
        Assert.False(Ticket.TryParse(changed, out _, out var problem));
        Assert.Contains("cut or changed", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_wrong_with_a_text_is_said_and_the_text_is_not()
    {
        using var ticket = Issue(["h:1"], new() { NotAfter = 1 });
        var text = ticket.ToText();
        Assert.Contains("version 2", ProblemOf(System.Buffers.Text.Base64Url.EncodeToString([2, .. ticket.Encode()[1..]])), StringComparison.Ordinal);
        Assert.Contains("characters", ProblemOf(text + "!"), StringComparison.Ordinal);
        Assert.Contains("no text", ProblemOf("  "), StringComparison.Ordinal);
        for (var length = 1; length < text.Length; length++)
        {
            Assert.DoesNotContain(text[..Math.Min(length, 12)] + " ", ProblemOf(text[..length]), StringComparison.Ordinal);
        }
    }

    //= spec/mychips.md#token-random
    [Fact]
    public void A_token_is_32_bytes_of_the_source_that_is_given_and_another_for_each_ticket()
    {
        var source = new Counting();
        using var first = Ticket.Issue(source, Tickets.Site, [], new() { NotAfter = 1 });
        using var second = Ticket.Issue(source, Tickets.Site, [], new() { NotAfter = 1 });
        Assert.Equal(Enumerable.Repeat((byte)1, 32), first.Token.ToArray());
        Assert.Equal(Enumerable.Repeat((byte)2, 32), second.Token.ToArray());
        Assert.Equal([32, 32], source.Sizes);
        Assert.NotEqual(first.ToRecord(CryptoProvider.Default).Hash, second.ToRecord(CryptoProvider.Default).Hash);
    }

    //= spec/mychips.md#token-hashed
    [Fact]
    public void What_is_kept_of_a_ticket_is_the_hash_of_its_token_and_not_the_token()
    {
        using var ticket = Issue(["h:1"], new() { NotAfter = 1, Purpose = "tally" });
        var record = ticket.ToRecord(CryptoProvider.Default);
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(ticket.Token), record.Hash.Bytes.ToArray());
        Assert.Equal(ticket.Conditions, record.Conditions);
        Assert.Equal((0, 1), (record.UsesSoFar, record.UsesLeft));
        Assert.Equal(-1, record.ToStored().AsSpan().IndexOf(ticket.Token));
        Assert.Equal(-1, record.ToStored().AsSpan().IndexOf(ticket.Token[..4]));
    }

    //= spec/mychips.md#token-not-printed
    [Fact]
    public void A_token_is_in_no_text_and_zeroed_when_its_ticket_is_disposed()
    {
        var ticket = Issue(["h:1"], new() { NotAfter = 1 });
        var token = ticket.Token;
        var hex = Convert.ToHexStringLower(token);
        Assert.DoesNotContain(hex, ticket.ToString(), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(ticket.ToText()[^20..], ticket.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(hex, ticket.ToRecord(CryptoProvider.Default).ToString(), StringComparison.OrdinalIgnoreCase);

        ticket.Dispose();
        ticket.Dispose();
        Assert.Equal(new byte[32], token.ToArray());
        Assert.Throws<ObjectDisposedException>(() => ticket.Token.Length);
        Assert.Throws<ObjectDisposedException>(ticket.Encode);
        Assert.Throws<ObjectDisposedException>(ticket.ToText);
    }

    [Theory]
    [InlineData("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", true)]
    [InlineData("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde", false)]
    [InlineData("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0", false)]
    [InlineData("0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", false)]
    [InlineData("../3456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", false)]
    public void A_hash_has_one_text(string text, bool accepted)
    {
        Assert.Equal(accepted, TicketHash.TryParse(text, out var hash));
        Assert.Equal(accepted ? text : null, hash?.ToString());
    }

    //= spec/mychips.md#store-files
    [Fact]
    public void A_stored_ticket_and_a_stored_use_are_read_whole_or_not_at_all()
    {
        var record = Tickets.Record(new() { NotAfter = 5, Binding = TicketBinding.ToKey(Tickets.Key(4)) });
        Assert.True(TicketHash.TryRead(new byte[32], out var other));
        var stored = record.ToStored();
        Assert.True(TicketRecord.TryReadStored(stored, record.Hash, out var read));
        Assert.Equal(record, read);
        Assert.False(TicketRecord.TryReadStored(stored, other, out _));

        var use = new TicketUse(Tickets.Key(2), long.MaxValue);
        var storedUse = use.ToStored(record.Hash);
        Assert.True(TicketUse.TryReadStored(storedUse, record.Hash, out var readUse));
        Assert.Equal(use, readUse);
        Assert.False(TicketUse.TryReadStored(storedUse, other, out _));
        Assert.False(TicketUse.TryReadStored(stored, record.Hash, out _));
        Assert.False(TicketRecord.TryReadStored(storedUse, record.Hash, out _));
        Assert.All(Enumerable.Range(0, stored.Length), length => Assert.False(TicketRecord.TryReadStored(stored.AsSpan(0, length), record.Hash, out _)));
        Assert.All(Enumerable.Range(0, storedUse.Length), length => Assert.False(TicketUse.TryReadStored(storedUse.AsSpan(0, length), record.Hash, out _)));
        Assert.False(TicketRecord.TryReadStored([.. stored, 0], record.Hash, out _));
        Assert.False(TicketUse.TryReadStored([.. storedUse, 0], record.Hash, out _));
    }

    private static TicketBinding Binding(string kind) => kind switch
    {
        "key" => TicketBinding.ToKey(Tickets.Key(3)),
        "user" => TicketBinding.ToUser("b1@site.example"),
        _ => TicketBinding.None,
    };

    private static Ticket Issue(IReadOnlyList<string> addresses, TicketConditions conditions)
        => Ticket.Issue(new Counting(0x5a), Tickets.Site, addresses, conditions);

    private static void AssertReads(bool accepted, byte[] bytes)
    {
        Assert.Equal(accepted, Ticket.TryRead(bytes, out var ticket));
        if (ticket is not null)
        {
            using (ticket)
            {
                Assert.Equal(bytes, ticket.Encode());
            }
        }
    }

    private static string ProblemOf(string text)
    {
        Assert.False(Ticket.TryParse(text, out _, out var problem));
        return problem;
    }

    /// <summary>Fills each span with the next number.</summary>
    private sealed class Counting(byte first = 1) : IRandomSource
    {
        private byte _next = first;

        public List<int> Sizes { get; } = [];

        public void Fill(Span<byte> destination)
        {
            Sizes.Add(destination.Length);
            destination.Fill(_next++);
        }
    }
}
