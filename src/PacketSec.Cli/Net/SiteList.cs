using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Cli.Net;

/// <summary>The sites that a listener knows by name and key, and lets in by <c>mychips-1</c> without a ticket.</summary>
internal static class SiteList
{
    /// <summary>Reads the list.</summary>
    /// <param name="sites">Sites from the command line, as <c>ADDRESS@PORT=PEER</c>.</param>
    /// <param name="file">A file with one site in each line, as <c>ADDRESS@PORT PEER</c>; blank lines, and what follows a #, do not count.</param>
    /// <returns>The list, or null when neither is given.</returns>
    /// <exception cref="CliException">Something is no site, or the file cannot be read.</exception>
    public static Dictionary<string, PublicKey>? Load(string[] sites, string? file)
    {
        if (sites.Length == 0 && file is null)
        {
            return null;
        }

        var list = new Dictionary<string, PublicKey>(StringComparer.Ordinal);
        foreach (var text in sites)
        {
            Add(list, text, text.Split('=', 2), "--site", "ADDRESS@PORT=PEER", ExitCodes.Usage);
        }

        var lines = file is null ? [] : ReadLines(file);
        for (var i = 0; i < lines.Length; i++)
        {
            var text = lines[i].Split('#')[0].Trim();
            if (text.Length > 0)
            {
                Add(list, text, text.Split(default(char[]), 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
                    $"'{file}', line {i + 1}:", "ADDRESS@PORT PEER", ExitCodes.File);
            }
        }

        return list;
    }

    /// <summary>Whether a text is a site ID as sites name themselves: a host, an @ and a port.</summary>
    public static bool IsSiteId(string text, [NotNullWhen(false)] out string? problem)
    {
        var at = text.LastIndexOf('@');
        problem = at > 0 && at + 1 < text.Length && text[at + 1] != '0' && ushort.TryParse(text.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? null
            : $"'{text}' is no site ID: write ADDRESS@PORT, such as chips.example@4001.";
        try
        {
            TicketText.Check(text, 1, nameof(text));
        }
        catch (ArgumentException)
        {
            problem = $"A site ID has 1 to {TicketText.MaxSize} bytes, and no control characters.";
        }

        return problem is null;
    }

    /// <summary>Returns what an endpoint asks about each site that is known: who else is asked about an identity, is asked about it too.</summary>
    public static Func<PublicKey, string, CancellationToken, ValueTask<bool>> Authorize(Func<PeerIdentity, CancellationToken, ValueTask<bool>>? identities)
        => (key, _, token) => identities is null
            ? ValueTask.FromResult(true)
            : identities(new(PeerId.FromPublicKey(key, CryptoProvider.Default), key, new(IPAddress.IPv6Any, 0)), token);

    private static void Add(Dictionary<string, PublicKey> list, string text, string[] parts, string where, string form, int exitCode)
    {
        if (parts.Length != 2)
        {
            throw new CliException(exitCode, $"{where} '{text}' is no site: write {form}, its site ID and its peer ID.");
        }

        if (!IsSiteId(parts[0], out var problem))
        {
            throw new CliException(exitCode, $"{where} {problem}");
        }

        if (!PeerId.TryParse(parts[1], out var peer))
        {
            throw new CliException(exitCode, $"{where} '{parts[1]}' is no peer ID: it looks like 12D3KooW..., as psec id prints it.");
        }

        if (!peer.TryGetPublicKey(out var key) || key.Type != PublicKeyType.Ed25519)
        {
            throw new CliException(exitCode, $"{where} {peer} is no Ed25519 identity: sites have such keys, and their peer IDs begin with 12D3KooW.");
        }

        if (!list.TryAdd(parts[0], key))
        {
            throw new CliException(exitCode, $"{where} the site {parts[0]} is listed twice: a site has one key.");
        }
    }

    private static string[] ReadLines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCodes.File, $"The list of sites cannot be read: {error.Message}", error);
        }
    }
}
