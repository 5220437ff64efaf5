using PacketSec.Core.Tests.Schemes.SecretHandshake;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Core.Tests.Identity;

/// <summary>What compares by value does so by its operators, too.</summary>
public sealed class EqualityTests
{
    [Fact]
    public void Peer_ids_are_equal_by_what_they_are()
        => AssertOperators(
            PeerId.Parse("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"),
            PeerId.Parse("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"),
            PeerId.Parse("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"));

    [Fact]
    public void Public_keys_are_equal_by_what_they_are()
    {
        static PublicKey Key() => PeerId.Parse("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA").TryGetPublicKey(out var key) ? key : null!;
        AssertOperators(Key(), Key(), PublicKey.FromEd25519(HandshakeRig.Seed(9)));
    }

    [Fact]
    public void Hashes_of_tickets_are_equal_by_what_they_are()
        => AssertOperators(
            TicketHash.Of("a token"u8, CryptoProvider.Default), TicketHash.Of("a token"u8, CryptoProvider.Default), TicketHash.Of("another"u8, CryptoProvider.Default));

    [Fact]
    public void Agreements_are_equal_by_what_they_are()
        => AssertOperators(HandshakeRig.NewAgreement(), HandshakeRig.NewAgreement(), HandshakeRig.NewAgreement("another"));

    private static void AssertOperators<T>(T one, T same, T other)
        where T : class, IEquatable<T>
    {
        var equal = (Func<T?, T?, bool>)Delegate.CreateDelegate(typeof(Func<T?, T?, bool>), typeof(T).GetMethod("op_Equality")!);
        var differ = (Func<T?, T?, bool>)Delegate.CreateDelegate(typeof(Func<T?, T?, bool>), typeof(T).GetMethod("op_Inequality")!);
        Assert.NotSame(one, same);
        foreach (var (left, right, expected) in ((T?, T?, bool)[])[(one, same, true), (one, other, false), (one, null, false), (null, one, false), (null, null, true)])
        {
            Assert.Equal(expected, equal(left, right));
            Assert.Equal(!expected, differ(left, right));
        }
    }
}
