using System.Text;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Protocol.Tests.Schemes.MyChips;

/// <summary>Tickets for tests, and tickets byte by byte.</summary>
internal static class Tickets
{
    public const long NotAfter = 1_700_000_000;

    public static PublicKey Site { get; } = Key(1);

    /// <summary>Returns a key of its own for each number.</summary>
    public static PublicKey Key(byte number)
    {
        using var identity = IdentityKey.FromSeed([.. Enumerable.Repeat(number, 32)], CryptoProvider.Default);
        return identity.PublicKey;
    }

    public static TicketRecord Record(TicketConditions conditions)
        => new(TicketHash.Of("a token"u8, CryptoProvider.Default), conditions);

    public static TicketClaim Claim(TicketRecord record, byte key = 2, string? user = null, string? purpose = null, long now = NotAfter)
        => new(record.Hash, Key(key), user, purpose ?? record.Conditions.Purpose, now);

    /// <summary>The bytes of a ticket, of which a test changes one part.</summary>
    public sealed record Parts
    {
        public byte Version { get; init; } = 1;

        public byte[]? Count { get; init; }

        public IReadOnlyList<byte[]> Addresses { get; init; } = ["192.0.2.1:4001"u8.ToArray()];

        public byte[] SiteKey { get; init; } = Site.Ed25519.ToArray();

        public byte[] Token { get; init; } = [.. Enumerable.Repeat((byte)7, 32)];

        public byte[] NotAfter { get; init; } = Varint(Tickets.NotAfter);

        public byte[] Uses { get; init; } = [1];

        public byte[] Purpose { get; init; } = "tally"u8.ToArray();

        public byte[] Binding { get; init; } = [0];

        public byte[] Behind { get; init; } = [];

        public byte[] ToBytes() =>
        [
            Version, .. Count ?? [(byte)Addresses.Count], .. Addresses.SelectMany(Delimited), .. SiteKey, .. Token, .. NotAfter, .. Uses,
            .. Delimited(Purpose), .. Binding, .. Behind,
        ];
    }

    public static byte[] Varint(long value)
    {
        var bytes = new byte[Wire.Varint.Length((ulong)value)];
        Wire.Varint.Write(bytes, (ulong)value);
        return bytes;
    }

    public static byte[] Delimited(byte[] bytes) => [.. Varint(bytes.Length), .. bytes];

    /// <summary>Returns an address of a number of bytes.</summary>
    public static byte[] Address(int size) => Encoding.UTF8.GetBytes(new string('h', size - 2) + ":1");
}
