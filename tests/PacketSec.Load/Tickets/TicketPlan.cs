using System.Diagnostics;
using System.Globalization;
using System.Text;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Load.Tickets;

/// <summary>Tickets and keys by their numbers, so that processes need not tell them to each other.</summary>
internal static class TicketPlan
{
    public const long Now = 1_700_000_000;

    // Every fourth ticket serves three times.
    public static int UsesOf(int number) => number % 4 == 3 ? 3 : 1;

    public static TicketRecord Record(int number)
        => new(TicketHash.Of(Encoding.ASCII.GetBytes($"ticket {number}"), CryptoProvider.Default), new() { NotAfter = Now, Uses = UsesOf(number) });

    public static PublicKey Key(int number)
    {
        var seed = new byte[IdentityKey.SeedSize];
        BitConverter.TryWriteBytes(seed, number);
        using var identity = IdentityKey.FromSeed(seed, CryptoProvider.Default);
        return identity.PublicKey;
    }

    public static Process Start(params string[] arguments)
    {
        // Inside of tests the process is their host.
        var own = Path.Combine(AppContext.BaseDirectory, "PacketSec.Load.dll");
        var host = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        return Process.Start(new ProcessStartInfo(host, [own, "tickets-sides", .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
    }

    public static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
