using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Tests.Tickets;

/// <summary>Tickets and claims for tests of stores.</summary>
internal static class TicketSamples
{
    public const long NotAfter = 1_700_000_000;

    /// <summary>Returns a key of its own for each number.</summary>
    public static PublicKey Key(int number)
    {
        var seed = new byte[32];
        BitConverter.TryWriteBytes(seed, number);
        using var identity = IdentityKey.FromSeed(seed, CryptoProvider.Default);
        return identity.PublicKey;
    }

    public static TicketRecord Record(TicketConditions conditions, string token = "a token")
        => new(TicketHash.Of(System.Text.Encoding.UTF8.GetBytes(token), CryptoProvider.Default), conditions);

    public static TicketRecord Plain(int uses = 1, string token = "a token") => Record(new() { NotAfter = NotAfter, Uses = uses }, token);

    public static TicketClaim Claim(TicketRecord record, int key = 2, string? user = null, string? purpose = null, long now = NotAfter)
        => new(record.Hash, Key(key), user, purpose ?? record.Conditions.Purpose, now);
}
