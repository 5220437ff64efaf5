using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using PacketSec.Cli.Net;
using PacketSec.Internal;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.SecretHandshake;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Cli.Commands;

/// <summary>The options of all commands that open an endpoint.</summary>
internal sealed class EndpointOptions
{
    private const int MostShards = 64;

    private static readonly Dictionary<string, DatagramPath> Paths = new()
    {
        ["automatic"] = DatagramPath.Automatic,
        ["batched"] = DatagramPath.Batched,
        ["portable"] = DatagramPath.Portable,
    };

    private readonly Option<string?> _key = new("--key")
    {
        Description = "The private key file, made if there is none. Without this option the identity is new and lasts for this run.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _networkKey = new("--network-key")
    {
        Description = $"The file with the key of the network that {SecretHandshakeScheme.SchemeName} is spoken in. Nobody outside is answered.",
        HelpName = "FILE",
    };

    private readonly Option<IPEndPoint> _bind;

    private readonly Option<double> _lifetime = CreateNumber(
        "--lifetime", "SECONDS", "For tests: the sessions' life, 60 s at most; keys are renewed at three quarters of it.", 60, 1, 60);

    private readonly Option<string?> _pcap = Capture.CreateOption();

    private readonly Option<string> _path = CreatePathOption();
    private readonly Option<int>? _shards;

    private readonly Option<bool> _verbose = new("--verbose") { Description = "Print the library's log on standard error." };

    public EndpointOptions(Command command, IPEndPoint defaultBind, SchemeOptions schemes, Option<int>? shards = null)
    {
        Schemes = schemes;
        _shards = shards;
        _bind = new("--bind")
        {
            Description = "The local address and port; [::] serves IPv6 and IPv4, port 0 lets the system choose.",
            HelpName = "ADDRESS:PORT",
            CustomParser = ParseBind,
            DefaultValueFactory = _ => defaultBind,
        };
        command.Options.Add(_key);
        command.Options.Add(_networkKey);
        command.Options.Add(_bind);
        command.Options.Add(_lifetime);
        command.Options.Add(_path);
        if (shards is not null)
        {
            command.Options.Add(shards);
        }

        command.Options.Add(_pcap);
        command.Options.Add(_verbose);
    }

    /// <summary>Gets the options of the same command that say how a scheme is agreed on.</summary>
    public SchemeOptions Schemes { get; }

    /// <summary>Makes the argument <c>ADDRESS</c> of the commands that dial.</summary>
    public static Argument<PeerAddress?> CreatePeerArgument() => new("ADDRESS")
    {
        Description = "PEER@host:port, the peer ID as psec id prints it and where the peer listens, IPv6 addresses in brackets; or a multiaddress as psec "
            + "listen prints them. A ticket names both, and needs no ADDRESS.",
        Arity = ArgumentArity.ZeroOrOne,
        CustomParser = result =>
        {
            if (!PeerAddress.TryParse(result.Tokens[0].Value, out var address, out var problem))
            {
                result.AddError(problem);
            }

            return address;
        },
    };

    /// <summary>Makes the option for the way of datagrams to and from the system.</summary>
    public static Option<string> CreatePathOption()
    {
        var option = new Option<string>("--path")
        {
            Description = "How datagrams go to and come from the system: the best that the machine offers, many with one call, or one call for each.",
            HelpName = string.Join('|', Paths.Keys),
            DefaultValueFactory = _ => Paths.Keys.First(),
        };
        return option.AcceptOnlyFromAmong([.. Paths.Keys]);
    }

    /// <summary>Returns the path that an option of <see cref="CreatePathOption"/> names.</summary>
    public static DatagramPath PathOf(ParseResult parsed, Option<string> option) => Paths[parsed.GetRequiredValue(option)];

    /// <summary>Makes the option for the number of sockets that share a listener's port.</summary>
    public static Option<int> CreateShardsOption() => Bounded(
        new("--shards")
        {
            Description = "How many sockets and threads share the port; peers are spread over them by the system (Linux).",
            HelpName = "N",
            DefaultValueFactory = _ => 1,
        },
        1,
        MostShards);

    /// <summary>Makes an option with a decimal number within bounds.</summary>
    public static Option<double> CreateNumber(string name, string unit, string description, double defaultValue, double lowest, double highest = 86_400)
        => new(name)
        {
            Description = description,
            HelpName = unit,
            DefaultValueFactory = _ => defaultValue,
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (!double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) || number < lowest || number > highest)
                {
                    result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} is '{text}'; it may be {lowest} to {highest}."));
                }

                return number;
            },
        };

    /// <summary>Adds bounds to an option with a whole number.</summary>
    public static Option<int> Bounded(Option<int> option, int lowest, int highest)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var value) && (value < lowest || value > highest))
            {
                result.AddError($"{option.Name} is {value}; it may be {lowest} to {highest}.");
            }
        });
        return option;
    }

    /// <summary>Returns the address to bind.</summary>
    public IPEndPoint BindOf(ParseResult parsed) => parsed.GetRequiredValue(_bind);

    /// <summary>Opens the endpoint.</summary>
    public LocalEndpoint Open(
        CliContext context, Reporter reporter, ParseResult parsed, Func<PeerIdentity, CancellationToken, ValueTask<bool>>? authorize = null,
        ITicketStore? tickets = null)
        => Open(context, reporter, parsed, authorize, tickets, LocalEndpoint.Open, local => local.Endpoint.PeerId);

    /// <summary>Opens a host of libp2p, which listens nowhere yet.</summary>
    public LocalHost OpenHost(
        CliContext context, Reporter reporter, ParseResult parsed, Func<PeerIdentity, CancellationToken, ValueTask<bool>>? authorize, ITicketStore? tickets)
        => Open(context, reporter, parsed, authorize, tickets, LocalHost.Open, local => local.Host.PeerId);

    private T Open<T>(
        CliContext context,
        Reporter reporter,
        ParseResult parsed,
        Func<PeerIdentity, CancellationToken, ValueTask<bool>>? authorize,
        ITicketStore? tickets,
        Func<string?, NetworkKey?, Capture?, Func<PacketSecIdentity, IDatagramTap?, PacketSecEndpointOptions>, T> open,
        Func<T, PeerId> peerOf)
    {
        var keyFile = parsed.GetValue(_key);
        var isNew = keyFile is not null && !File.Exists(keyFile);
        var network = OpenNetwork(parsed);
        var local = open(keyFile, network, Capture.Open(parsed.GetValue(_pcap), reporter), (identity, tap) => Schemes.Configure(
            new()
            {
                Identity = identity,
                NetworkKey = network,
                LocalEndPoint = parsed.GetRequiredValue(_bind),
                SessionLifetimes = SessionLifetimes.Shortened(TimeSpan.FromSeconds(parsed.GetValue(_lifetime))),
                TimeProvider = context.Time,
                ClosesAtOnce = context.ClosesAtOnce,
                LoggerFactory = new ErrorLog(context.Error, parsed.GetValue(_verbose)),
                Authorize = authorize,
                Tickets = tickets,
                DatagramPath = PathOf(parsed, _path),
                Shards = _shards is null ? 1 : parsed.GetValue(_shards),
                Tap = tap,
            },
            parsed));
        if (isNew)
        {
            reporter.Status(Tone.Note, "key_made", $"made a new key: {keyFile}", line =>
            {
                line.WriteString("file", keyFile);
                line.WriteString("peer", peerOf(local).ToString());
            });
        }

        return local;
    }

    private NetworkKey? OpenNetwork(ParseResult parsed)
    {
        if (parsed.GetValue(_networkKey) is not { } file)
        {
            return null;
        }

        return Schemes.Speaks(parsed, SecretHandshakeScheme.SchemeName)
            ? KeyFiles.LoadNetworkKey(file)
            : throw new CliException(ExitCodes.Usage, $"--network-key is for {SecretHandshakeScheme.SchemeName} only: name that by --scheme or --direct, or leave the key out.");
    }

    private static IPEndPoint? ParseBind(ArgumentResult result)
    {
        if (!HostPort.TryParse(result.Tokens[0].Value, out var local, out var problem))
        {
            result.AddError(problem);
            return null;
        }

        if (local.Address is null)
        {
            result.AddError($"'{local.Host}' is a name: write one of this machine's addresses, or [::] for all.");
            return null;
        }

        return new(local.Address, local.Port);
    }
}
