using PacketSec.Noise;

namespace PacketSec.Core.Tests.Noise;

public sealed class HandshakePatternTests
{
    [Fact]
    public void There_are_3_one_way_12_interactive_and_23_deferred_patterns()
    {
        Assert.Equal(38, HandshakePattern.KnownNames.Count);
        Assert.Equal(["N", "K", "X"], HandshakePattern.KnownNames.Where(name => HandshakePattern.FromName(name).IsOneWay));
        Assert.Equal(23, HandshakePattern.KnownNames.Count(name => name.Contains('1', StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_pattern_prints_as_what_it_is_read_from()
    {
        foreach (var name in HandshakePattern.KnownNames)
        {
            var pattern = HandshakePattern.FromName(name);
            Assert.Equal(name, pattern.Name);
            var copy = HandshakePattern.Parse("COPY", pattern.ToString());
            Assert.Equal(pattern.ToString(), copy.ToString());
        }

        Assert.Equal("-> s <- s ... -> e, es, ss <- e, ee, se", HandshakePattern.FromName("KK").ToString());
    }

    [Fact]
    public void Every_psk_modifier_of_every_pattern_gives_a_valid_pattern_whose_name_is_read_back()
    {
        foreach (var plain in HandshakePattern.KnownNames.Select(HandshakePattern.FromName))
        {
            for (var position = 0; position <= plain.Messages.Count; position++)
            {
                var pattern = plain.WithPsk(position);
                Assert.Equal($"{plain.Name}psk{position}", pattern.Name);
                Assert.Equal(1, pattern.PskCount);
                Assert.Equal(pattern.ToString(), HandshakePattern.FromName(pattern.Name).ToString());
            }

            Assert.Throws<ArgumentException>(() => plain.WithPsk(-1));
            Assert.Throws<ArgumentException>(() => plain.WithPsk(plain.Messages.Count + 1));
            Assert.Throws<ArgumentException>(() => plain.WithPsk(0).WithPsk(0));
        }
    }

    [Fact]
    public void Psk_modifiers_stand_where_their_numbers_say_and_ascend_in_the_name()
    {
        var pattern = HandshakePattern.FromName("XX").WithPsk(3).WithPsk(0).WithPsk(1);
        Assert.Equal("XXpsk0+psk1+psk3", pattern.Name);
        Assert.Equal("-> psk, e, psk <- e, ee, s, es -> s, se, psk", pattern.ToString());
        Assert.Equal(pattern.ToString(), HandshakePattern.FromName("XXpsk0+psk1+psk3").ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("xx")]
    [InlineData("XY")]
    [InlineData("XXfallback")]
    [InlineData("XXpsk")]
    [InlineData("XXpsk4")]
    [InlineData("XXpsk03")]
    [InlineData("XXpsk3+")]
    [InlineData("XX+psk3")]
    [InlineData("XXpsk3+psk0")]
    [InlineData("XXpsk0+psk0")]
    [InlineData("XXpsk0psk3")]
    [InlineData("psk0")]
    public void Other_names_are_refused(string? name) => Assert.False(HandshakePattern.TryFromName(name, out _));

    [Theory]
    [InlineData("-> e, ee", "not yet exchanged")]
    [InlineData("-> e, es", "not yet exchanged")]
    [InlineData("-> e <- e, se", "not yet exchanged")]
    [InlineData("-> e <- e, ee, ss", "not yet exchanged")]
    [InlineData("-> e, e <- e, ee", "ephemeral key once")]
    [InlineData("-> e <- e, ee -> e", "ephemeral key once")]
    [InlineData("-> e, s, s <- e, ee", "static key once")]
    [InlineData("-> s ... -> e, s <- e, ee", "static key once")]
    [InlineData("-> e <- e, ee, ee", "ee stands there twice")]
    [InlineData("<- s ... -> e, es <- e, ee, es", "es stands there twice")]
    [InlineData("-> e", "no key")]
    [InlineData("-> e <- e", "no key")]
    [InlineData("", "no key")]
    [InlineData("<- s ...", "no key")]
    [InlineData("<- e, ee", "alternate")]
    [InlineData("-> e -> e", "alternate")]
    [InlineData("-> -> e", "alternate")]
    [InlineData("-> e <- e, ee <- s", "alternate")]
    [InlineData("-> s ... -> e <- e, se", "after se the initiator")]
    [InlineData("<- s ... -> e, es <- e", "after es the responder")]
    [InlineData("-> s <- s ... -> e, ss", "after ss the initiator")]
    [InlineData("-> s <- s ... -> e, es, ss <- e, ee", "after ss the responder")]
    [InlineData("-> e <- s, es", "after es the responder")]
    public void A_pattern_that_breaks_a_rule_is_refused_by_name_of_the_rule(string notation, string words)
    {
        var error = Assert.Throws<ArgumentException>(() => HandshakePattern.Parse("CUSTOM", notation));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-> e, s <- e, se -> ee")]
    [InlineData("-> s <- s ... -> e, es, ss <- e, ee, se")]
    [InlineData("<- s ... -> e, ss, es", false)]
    [InlineData("-> s <- s ... -> e, ss, es")]
    [InlineData("-> s <- e, s, se -> e, ee, es")]
    [InlineData("-> e <- e, ee ->")]
    public void A_pattern_that_makes_good_before_it_encrypts_is_valid(string notation, bool valid = true)
        => Assert.Equal(valid, Record.Exception(() => HandshakePattern.Parse("CUSTOM", notation)) is null);

    [Fact]
    public void A_psk_that_would_encrypt_without_the_senders_ephemeral_key_is_refused()
    {
        var pattern = HandshakePattern.Parse("S", "<- s ... -> s <- e, se -> e, ee, es");
        var error = Assert.Throws<ArgumentException>(() => pattern.WithPsk(1));
        Assert.Contains("after psk the initiator", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("e <- e, ee")]
    [InlineData("-> e <- e, psk")]
    [InlineData("-> e <- e, EE")]
    [InlineData("<- ... -> e, es")]
    [InlineData("<- e ... -> e, ee")]
    [InlineData("<- s <- s ... -> e, es")]
    [InlineData("<- s, e ... -> e, es")]
    [InlineData("<- s ... ... -> e, es")]
    [InlineData("s ... -> e, es")]
    public void Malformed_notation_is_refused(string notation)
        => Assert.Equal("notation", Assert.Throws<ArgumentException>(() => HandshakePattern.Parse("CUSTOM", notation)).ParamName);

    [Theory]
    [InlineData("")]
    [InlineData("xkh")]
    [InlineData("1X")]
    [InlineData("XKHpsk3")]
    [InlineData("X_K")]
    [InlineData("X K")]
    [InlineData("X\u00c4")]
    [InlineData("XX")]
    public void A_custom_name_has_capitals_and_digits_and_is_nobody_elses(string name)
        => Assert.Equal("name", Assert.Throws<ArgumentException>(() => HandshakePattern.Parse(name, "-> e <- e, ee")).ParamName);

    [Fact]
    public void A_custom_pattern_may_be_written_on_lines()
    {
        var pattern = HandshakePattern.Parse("XKH", "<- s\n...\n-> e\r\n<- e\n->\tee,es, s,se\n<-\n");
        Assert.Equal(HandshakePair.XKH.ToString(), pattern.ToString());
        Assert.Equal(
            [PatternToken.EE, PatternToken.ES, PatternToken.S, PatternToken.SE], pattern.Messages[2].Tokens);
        Assert.Equal("<- s ... -> e <- e -> ee, es, s, se <-", pattern.ToString());
        Assert.Empty(pattern.Messages[3].Tokens);
        Assert.True(pattern.ResponderStaticIsKnown);
        Assert.False(pattern.InitiatorStaticIsKnown);
        Assert.Equal("XKHpsk3", pattern.WithPsk(3).Name);
    }
}
