using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using PacketSec.Cli.Net;
using PacketSec.Cli.Tickets;
using PacketSec.Crypto;
using PacketSec.Internal;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec ticket</c>: issues tickets, lists and revokes them.</summary>
internal static class TicketCommand
{
    private const string Revoked = "revoked";
    private const int ShortHash = 12;
    private const int ShortestPrefix = 4;

    public static Command Create(CliContext context) => new(
        "ticket", "Issue, list and revoke tickets, by which somebody unknown can connect once. Whoever has a ticket can use it: hand it over like a key.")
    {
        CreateIssue(context),
        CreateList(context),
        CreateRevoke(context),
    };

    private static Command CreateIssue(CliContext context)
    {
        var tickets = CreateFolderOption();
        var key = new Option<string>("--key")
        {
            Description = "The key that the ticket leads to: a private key file, or its public key in X.509.",
            HelpName = "FILE",
            Required = true,
        };
        var address = new Option<string[]>("--address")
        {
            Description = $"Where the ticket leads to; can be repeated up to {Ticket.MostAddresses} times, the first choice first.",
            HelpName = "HOST:PORT",
            CustomParser = ParseAddresses,
        };
        var expires = new Option<TimeSpan>("--expires")
        {
            Description = "How long the ticket is valid, as in 90s, 15m, 1h or 7d.",
            HelpName = "TIME",
            DefaultValueFactory = _ => TimeSpan.FromHours(1),
            CustomParser = ParseTime,
        };
        var purpose = new Option<string>("--purpose")
        {
            Description = "What the ticket is for; who uses it must say the same.",
            HelpName = "TEXT",
            DefaultValueFactory = _ => "",
        };
        var bind = new Option<PublicKey?>("--bind")
        {
            Description = "Only this peer can use the ticket.",
            HelpName = "PEERID",
            CustomParser = ParsePeer,
        };
        var uses = EndpointOptions.Bounded(
            new("--uses") { Description = "How often the ticket can be used.", HelpName = "N", DefaultValueFactory = _ => 1 }, 1, TicketConditions.MostUses);
        var qr = new Option<bool>("--qr") { Description = "Also print the link as a QR code." };
        var command = new Command("issue", "Make a ticket, and print its text and its link. They are not kept, and cannot be printed again.")
        {
            tickets, key, address, expires, purpose, bind, uses, qr,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var ticket = Issue(
                KeyFiles.LoadPublic(parsed.GetRequiredValue(key)),
                parsed.GetRequiredValue(key),
                parsed.GetValue(address) ?? [],
                () => new()
                {
                    NotAfter = (DateTimeOffset.UtcNow + parsed.GetValue(expires)).ToUnixTimeSeconds(),
                    Purpose = parsed.GetValue(purpose) ?? "",
                    Binding = parsed.GetValue(bind) is { } peer ? TicketBinding.ToKey(peer) : TicketBinding.None,
                    Uses = parsed.GetValue(uses),
                });
            var picture = parsed.GetValue(qr) ? TicketPicture.Of(ticket.ToLink()) : null;
            var record = ticket.ToRecord(CryptoProvider.Default);
            var folder = parsed.GetRequiredValue(tickets);
            await TicketFolder.GuardAsync(folder, async () => await TicketFolder.Open(context, folder).AddAsync(record, cancellationToken));
            Print(context, parsed.GetValue(context.Json), ticket, record, picture);
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command CreateList(CliContext context)
    {
        var tickets = CreateFolderOption();
        var command = new Command("list", "List the tickets that were issued, those that are used up or have expired too.") { tickets };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var folder = parsed.GetRequiredValue(tickets);
            var records = await TicketFolder.GuardAsync(
                folder, async () => await TicketFolder.OpenExisting(context, folder).ListAsync(cancellationToken));
            var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
            foreach (var record in records)
            {
                PrintRecord(context, parsed.GetValue(context.Json), "ticket", record, now);
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static Command CreateRevoke(CliContext context)
    {
        var tickets = CreateFolderOption();
        var prefix = new Argument<string>("PREFIX") { Description = "The beginning of the ticket's hash, as psec ticket list prints it." };
        prefix.Validators.Add(result =>
        {
            var text = result.Tokens[0].Value;
            if (text.Length is < ShortestPrefix or > 2 * TicketHash.Size || text.Any(character => !char.IsAsciiHexDigitLower(character)))
            {
                result.AddError($"'{text}' is no beginning of a hash: write {ShortestPrefix} or more of the digits that psec ticket list prints.");
            }
        });
        var command = new Command("revoke", "Make a ticket worthless.") { tickets, prefix };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var folder = parsed.GetRequiredValue(tickets);
            var text = parsed.GetRequiredValue(prefix);
            var revoked = await TicketFolder.GuardAsync(folder, async () =>
            {
                var store = TicketFolder.OpenExisting(context, folder);
                var found = (await store.ListAsync(cancellationToken))
                    .Where(record => record.Hash.ToString().StartsWith(text, StringComparison.Ordinal))
                    .ToList();
                return found.Count == 1 && await store.RevokeAsync(found[0].Hash, cancellationToken)
                    ? found[0]
                    : throw new CliException(
                        ExitCodes.Failed,
                        found.Count > 1
                            ? $"The hashes of {found.Count} tickets begin with {text}: write more digits."
                            : $"The hash of no ticket begins with {text}: psec ticket list prints what there is.");
            });
            PrintRecord(context, parsed.GetValue(context.Json), Revoked, revoked, DateTimeOffset.UtcNow.ToUnixTimeSeconds());
            return ExitCodes.Success;
        });
        return command;
    }

    private static Option<string> CreateFolderOption() => new("--tickets")
    {
        Description = "The folder of the tickets that were issued. Only its owner may have rights to it; psec ticket issue makes it.",
        HelpName = "DIR",
        Required = true,
    };

    private static Ticket Issue(PublicKey site, string keyFile, string[] addresses, Func<TicketConditions> conditions)
    {
        if (site.Type != PublicKeyType.Ed25519 || site.IsSmallOrder)
        {
            throw new CliException(ExitCodes.KeyFile, $"'{keyFile}' holds no Ed25519 key that can be an identity. Make one: psec keygen FILE");
        }

        try
        {
            return Ticket.Issue(SystemRandomSource.Instance, site, addresses, conditions());
        }
        catch (ArgumentException error)
        {
            // The parameter's name is for programmers.
            throw new CliException(ExitCodes.Usage, error.Message.Split(" (Parameter", 2)[0], error);
        }
    }

    private static void Print(CliContext context, bool json, Ticket ticket, TicketRecord record, string? picture)
    {
        if (json)
        {
            context.PrintJson("ticket", line =>
            {
                WriteRecord(line, record, 0);
                line.WriteString("text", ticket.ToText());
                line.WriteString("link", ticket.ToLink());
                if (picture is not null)
                {
                    line.WriteString("qr", picture);
                }
            });
            return;
        }

        context.Output.WriteLine(ticket.ToText());
        context.Output.WriteLine(ticket.ToLink());
        if (picture is not null)
        {
            context.Output.WriteLine(picture);
        }
    }

    private static void PrintRecord(CliContext context, bool json, string type, TicketRecord record, long now)
    {
        if (json)
        {
            context.PrintJson(type, line => WriteRecord(line, record, now));
            return;
        }

        var conditions = record.Conditions;
        var purpose = conditions.Purpose.Length > 0 ? $"for \"{conditions.Purpose}\"" : "for no purpose";
        var state = conditions.IsExpired(now) ? "expired" : "expires";
        context.Output.WriteLine(
            $"{(type == Revoked ? "revoked " : "")}{record.Hash.ToString()[..ShortHash]}  {state} {TimeOf(conditions)}  {record.UsesLeft} of {conditions.Uses} uses left  {purpose}  {Describe(conditions.Binding)}");
    }

    private static void WriteRecord(Utf8JsonWriter line, TicketRecord record, long now)
    {
        var conditions = record.Conditions;
        line.WriteString("hash", record.Hash.ToString());
        line.WriteString("expires", TimeOf(conditions));
        line.WriteBoolean("expired", conditions.IsExpired(now));
        line.WriteNumber("uses", conditions.Uses);
        line.WriteNumber("uses_left", record.UsesLeft);
        line.WriteString("purpose", conditions.Purpose);
        if (conditions.Binding.Key is { } key)
        {
            line.WriteString("bound_peer", PeerId.FromPublicKey(key, CryptoProvider.Default).ToString());
        }

        if (conditions.Binding.UserAddress is { } address)
        {
            line.WriteString("bound_user", address);
        }
    }

    private static string Describe(TicketBinding binding)
        => binding.Key is { } key ? $"only by {PeerId.FromPublicKey(key, CryptoProvider.Default)}"
            : binding.UserAddress is { } address ? $"only by who says to be {address}"
            : "by whoever has it";

    private static string TimeOf(TicketConditions conditions)
        => DateTimeOffset.FromUnixTimeSeconds(conditions.NotAfter).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string[] ParseAddresses(ArgumentResult result)
    {
        foreach (var token in result.Tokens)
        {
            if (!HostPort.TryParse(token.Value, out var address, out var problem))
            {
                result.AddError(problem);
            }
            else if (address.Port == 0)
            {
                result.AddError("Port 0 is nobody's: write the port that this side listens on.");
            }
        }

        return [.. result.Tokens.Select(token => token.Value)];
    }

    private static TimeSpan ParseTime(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        var unit = text.Length > 1 ? text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86_400, _ => 0 } : 0;
        const int Longest = 100_000_000;
        if (unit > 0 && int.TryParse(text.AsSpan(..^1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= 1 && (long)number * unit <= Longest)
        {
            return TimeSpan.FromSeconds((long)number * unit);
        }

        result.AddError($"--expires is '{text}'; write a number and s, m, h or d, as in 90s, 15m, 1h or 7d, up to three years.");
        return default;
    }

    private static PublicKey? ParsePeer(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (PeerId.TryParse(text, out var peer) && peer.TryGetPublicKey(out var key) && key.Type == PublicKeyType.Ed25519 && !key.IsSmallOrder)
        {
            return key;
        }

        result.AddError($"'{text}' is no peer ID with an Ed25519 key: it looks like 12D3KooW..., as psec id prints it.");
        return null;
    }
}
