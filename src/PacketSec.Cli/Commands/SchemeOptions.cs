using System.CommandLine;
using System.CommandLine.Parsing;
using PacketSec.Cli.Net;
using PacketSec.Cli.Tickets;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Schemes.P2pke;

namespace PacketSec.Cli.Commands;

/// <summary>The options that say how a scheme is agreed on.</summary>
internal sealed class SchemeOptions
{
    private static readonly SchemeCatalogue Known = SchemeCatalogue.Default;
    private static readonly string[] Default = [P2pkeScheme.SchemeName];
    private static readonly string[] BySite = [MyChipsScheme.SchemeName];

    private readonly Option<string[]> _schemes;
    private readonly Option<string?> _direct;
    private readonly Option<bool>? _hidden;

    // A listener has a folder of tickets, a dialler the file of one.
    private readonly Option<string?> _tickets;

    // A listener lists sites by name and key, a dialler says its own name.
    private readonly Option<string[]> _site;
    private readonly Option<string?>? _siteFile;

    // Where a dialler goes; a ticket says it too.
    private readonly Argument<PeerAddress?>? _address;

    private SchemeOptions(
        Command command, string schemes, string direct, string? hidden, Option<string?> tickets, Option<string[]> site, Argument<PeerAddress?>? address = null)
    {
        _address = address;
        _site = site;
        _tickets = tickets;
        _schemes = new("--scheme")
        {
            Description = $"{schemes} Can be repeated, the first choice first. Known: {NamesOf(Known.Names)}; default: {NamesOf(Default)}.",
            HelpName = "NAME",
        };
        _direct = new("--direct") { Description = direct, HelpName = "NAME" };
        command.Options.Add(_schemes);
        command.Options.Add(_direct);
        command.Options.Add(_tickets);
        command.Options.Add(_site);
        if (address is null)
        {
            _siteFile = new("--site-file")
            {
                Description = "Let the sites in that the file lists as --site does, ADDRESS@PORT PEER in each line; # begins a comment.",
                HelpName = "FILE",
            };
            command.Options.Add(_siteFile);
        }

        if (hidden is not null)
        {
            _hidden = new("--hidden") { Description = hidden };
            command.Options.Add(_hidden);
        }

        command.Validators.Add(Check);
    }

    public static SchemeOptions ForListener(Command command) => new(
        command,
        "A scheme that proposals of others are accepted for.",
        "Serve this scheme also to peers that do not negotiate. None by default.",
        hidden: null,
        new("--tickets")
        {
            Description = $"With {MyChipsScheme.SchemeName}: let in who has a ticket of this folder, which psec ticket issue makes.",
            HelpName = "DIR",
        },
        new("--site")
        {
            Description = $"With {MyChipsScheme.SchemeName}: let the site of this name and peer ID in without a ticket; can be repeated. With --allow, that must "
                + "name it too.",
            HelpName = "ADDRESS@PORT=PEER",
        });

    public static SchemeOptions ForDialler(Command command, Argument<PeerAddress?> address) => new(
        command,
        "A scheme to propose.",
        "Do not negotiate: the peer is known to serve this scheme directly (psec listen --direct NAME).",
        "Hide this side's peer ID in the proposal. All schemes proposed must hide identities.",
        new("--ticket")
        {
            Description = $"Dial by {MyChipsScheme.SchemeName} with the ticket in this file: its text or link, as psec ticket issue prints it.",
            HelpName = "FILE",
        },
        CreateOwnSite(),
        address);

    public static string NamesOf(IEnumerable<string> names) => string.Join(", ", names);

    /// <summary>Returns the scheme to dial without negotiation; null negotiates.</summary>
    public string? DirectOf(ParseResult parsed) => parsed.GetValue(_direct);

    /// <summary>Whether an endpoint speaks a scheme, agreed on or directly.</summary>
    public bool Speaks(ParseResult parsed, string scheme) => DirectOf(parsed) == scheme || SchemesOf(parsed).Contains(scheme);

    public IReadOnlyList<string> SchemesOf(ParseResult parsed)
        => ListedOrDefault(parsed.GetValue(_schemes), IsBySite(parsed.GetResult(_tickets), parsed.GetResult(_site)));

    /// <summary>Sets what an endpoint serves. One that dials directly serves nobody, and one that proposes serves what it proposes.</summary>
    public PacketSecEndpointOptions Configure(PacketSecEndpointOptions options, ParseResult parsed)
    {
        var direct = parsed.GetValue(_direct);
        var sites = parsed.GetValue(_site) ?? [];
        if (_siteFile is null)
        {
            options = options with { SiteId = sites is [var own] ? own : null };
        }
        else if (SiteList.Load(sites, parsed.GetValue(_siteFile)) is { } known)
        {
            options = options with { Sites = known, AuthorizePeer = SiteList.Authorize(options.Authorize) };
        }

        return _hidden is null ? options with { Schemes = SchemesOf(parsed), DirectScheme = direct }
            : direct is null ? options with { Schemes = SchemesOf(parsed) }
            : options with { Schemes = [] };
    }

    /// <summary>Returns the options of a dial; whoever dials disposes the ticket in it.</summary>
    /// <exception cref="CliException">The file of the ticket cannot be read, or holds none.</exception>
    public PacketSecConnectOptions ToConnectOptions(ParseResult parsed) => new()
    {
        DirectScheme = parsed.GetValue(_direct),

        // Where nothing is said, what hides identities hides the peer ID too.
        HidePeerId = _hidden is not null && parsed.GetValue(_hidden) ? true : null,
        Ticket = parsed.GetValue(_tickets) is { } file ? TicketFile.Read(file) : null,
    };

    /// <summary>Opens the folder of tickets that a listener is given; null without one.</summary>
    /// <exception cref="CliException">There is none, or it cannot be used.</exception>
    public async Task<ITicketStore?> OpenTicketsAsync(CliContext context, ParseResult parsed) => parsed.GetValue(_tickets) is { } folder
        ? await TicketFolder.GuardAsync(folder, () => Task.FromResult(TicketFolder.OpenExisting(context, folder)))
        : null;

    private static Option<string[]> CreateOwnSite()
    {
        var site = new Option<string[]>("--site")
        {
            Description = $"With {MyChipsScheme.SchemeName}: the name by which the other side knows this one, which needs no ticket then.",
            HelpName = "ADDRESS@PORT",
        };
        site.Validators.Add(result =>
        {
            if (result.Tokens.Count != 1)
            {
                result.AddError("--site is given once: this side has one name.");
            }
            else if (!SiteList.IsSiteId(result.Tokens[0].Value, out var problem))
            {
                result.AddError(problem);
            }
        });
        return site;
    }

    // A dialler with a ticket or a name need not name the only scheme that takes them.
    private bool IsBySite(OptionResult? ticket, OptionResult? site) => _address is not null && (ticket is { Implicit: false } || site is { Implicit: false });

    private static IReadOnlyList<string> ListedOrDefault(IReadOnlyList<string>? listed, bool bySite) => listed is { Count: > 0 } ? listed : bySite ? BySite : Default;

    private void Check(CommandResult command)
    {
        string[] listed = [.. command.GetResult(_schemes)?.Tokens.Select(token => token.Value) ?? []];
        var direct = command.GetResult(_direct) is { Tokens: [.., var last] } ? last.Value : null;
        var proposed = ListedOrDefault(listed, IsBySite(command.GetResult(_tickets), command.GetResult(_site)));
        string[] named = direct is null ? listed : [.. listed, direct];
        var unknown = named.Where(name => !Known.Names.Contains(name)).Distinct().ToList();
        if (unknown.Count > 0)
        {
            command.AddError($"No scheme is named {string.Join(" or ", unknown.Select(name => $"'{name}'"))}; there is: {NamesOf(Known.Names)}.");
            return;
        }

        CheckTickets(command, direct is not null && _hidden is not null ? [direct] : direct is null ? proposed : [.. proposed, direct]);
        if (_hidden is null)
        {
            Report(command, () => Known.CheckServed(proposed, direct, allowMixture: false));
            return;
        }

        var isHidden = command.GetResult(_hidden) is { Implicit: false };
        if (direct is not null)
        {
            if (listed.Length > 0 || isHidden)
            {
                command.AddError("--direct proposes nothing: leave it out to negotiate, or leave out --scheme and --hidden.");
            }

            return;
        }

        var open = proposed.Where(name => !Known.Hides(name)).Distinct().ToList();
        if (isHidden && open.Count > 0)
        {
            var hiding = Known.Names.Where(Known.Hides);
            command.AddError(
                $"--hidden proposes only schemes that hide identities, and {NamesOf(open)} shows them: list such as hide by --scheme ({NamesOf(hiding)}).");
            return;
        }

        Report(command, () => Known.CheckProposal(new ProposalOptions { Schemes = proposed, HidePeerId = isHidden }));
    }

    /// <summary>Without tickets and names the scheme lets nobody in, and others take none.</summary>
    private void CheckTickets(CommandResult command, IReadOnlyList<string> named)
    {
        const string Scheme = MyChipsScheme.SchemeName;
        var ticketGiven = command.GetResult(_tickets) is { Implicit: false };
        var siteGiven = command.GetResult(_site) is { Implicit: false };
        var fileGiven = _siteFile is not null && command.GetResult(_siteFile) is { Implicit: false };
        var given = ticketGiven || siteGiven || fileGiven;
        if (_address is not null && !ticketGiven && command.GetResult(_address) is not { Tokens.Count: > 0 })
        {
            command.AddError("Say whom to dial: PEER@host:port, or --ticket FILE with a ticket that names both.");
            return;
        }

        if (given && !named.Contains(Scheme))
        {
            command.AddError(ticketGiven
                ? $"{_tickets.Name} needs --scheme {Scheme} or --direct {Scheme}: other schemes take no tickets."
                : $"{(siteGiven ? _site.Name : _siteFile!.Name)} needs --scheme {Scheme} or --direct {Scheme}: other schemes know no sites by name.");
        }
        else if (!given && named.Contains(Scheme))
        {
            command.AddError($"{Scheme} needs {_tickets.Name} {_tickets.HelpName} or {_site.Name} {_site.HelpName}: without ticket and name nobody is let in.");
        }
    }

    private static void Report(CommandResult command, Action check)
    {
        try
        {
            check();
        }
        catch (ArgumentException error)
        {
            command.AddError(error.Message);
        }
    }
}
