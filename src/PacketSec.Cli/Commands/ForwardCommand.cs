using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using PacketSec.Cli.Forward;
using PacketSec.Cli.Net;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec forward ADDRESS</c> and <c>psec forward serve</c>: ports of one side lead to targets that the other one reaches.</summary>
internal static class ForwardCommand
{
    private const int DefaultPort = 4001;

    public static Command Create(CliContext context)
    {
        var address = EndpointOptions.CreatePeerArgument();
        var local = new RuleOption("--local", "-L", "Open a TCP port here, and let it lead to a target that the peer reaches.", isUdp: false, isRemote: false);
        var remote = new RuleOption("--remote", "-R", "Let the peer open a TCP port, and let it lead to a target that this side reaches.", isUdp: false, isRemote: true);
        var udpLocal = new RuleOption("--udp-local", "--udp-L", "As -L, for UDP.", isUdp: true, isRemote: false);
        var udpRemote = new RuleOption("--udp-remote", "--udp-R", "As -R, for UDP.", isUdp: true, isRemote: true);
        RuleOption[] all = [local, remote, udpLocal, udpRemote];
        var isPublic = CreatePublicOption();
        var command = new Command("forward", "Forward TCP and UDP ports to and from a peer that runs psec forward serve, over one connection; dial again when it ends.")
        {
            address, local, remote, udpLocal, udpRemote, isPublic, CreateServe(context),
        };
        var endpoint = new EndpointOptions(command, new(IPAddress.IPv6Any, 0), SchemeOptions.ForDialler(command, address));
        command.Validators.Add(result =>
        {
            var rules = all.SelectMany(option => option.RulesOf(result.GetResult(option)?.Tokens.Select(token => token.Value))).ToList();
            if (!all.Any(option => result.GetResult(option) is { Tokens.Count: > 0 }))
            {
                result.AddError("Say what to forward: -L, -R, --udp-L or --udp-R with [BIND:]PORT:HOST:PORT.");
            }

            //= spec/forward.md#forward-loopback
            if (!result.GetValue(isPublic) && rules.Find(rule => !rule.IsRemote && !IPAddress.IsLoopback(rule.Bind)) is { } open)
            {
                result.AddError($"{open.Bind} can be reached by other machines: add --public if they may use the port.");
            }
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var reporter = new Reporter(context, parsed.GetValue(context.Json));
            await using var opened = endpoint.Open(context, reporter, parsed);
            var dial = endpoint.Schemes.ToConnectOptions(parsed);
            using var ticket = dial.Ticket;
            var rules = all.SelectMany(option => option.RulesOf(parsed.GetValue(option))).ToList();
            var policy = new ForwardPolicy { IsPublic = parsed.GetValue(isPublic), Time = context.Time };
            await new ForwardRun(opened, PeerAddress.AllOf(parsed.GetValue(address), ticket), dial, policy, rules, reporter).RunAsync(cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command CreateServe(CliContext context)
    {
        var permit = new Option<HostPort[]>("--permit")
        {
            Description = "Let peers connect to this target, TCP and UDP; can be repeated. None by default.",
            HelpName = "HOST:PORT",
            CustomParser = ParseTargets,
        };
        var permitListen = new Option<int[]>("--permit-listen")
        {
            Description = "Let peers open this port here; can be repeated. 0 lets them have one that the system chooses. None by default.",
            HelpName = "PORT",
        };
        permitListen.Validators.Add(result =>
        {
            if (result.Tokens.FirstOrDefault(token => !ushort.TryParse(token.Value, out _)) is { } wrong)
            {
                result.AddError($"'{wrong.Value}' is no port: write a number up to 65535.");
            }
        });
        var isPublic = CreatePublicOption();
        var command = new Command("serve", "Forward for peers, to the targets that are permitted. Without --allow everybody who finds this side may use them.")
        {
            permit, permitListen, isPublic,
        };
        var access = new AccessOptions(command);
        var endpoint = new EndpointOptions(command, new(IPAddress.IPv6Any, DefaultPort), SchemeOptions.ForListener(command), EndpointOptions.CreateShardsOption());
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var reporter = new Reporter(context, parsed.GetValue(context.Json));
            var list = access.Load(parsed);
            var tickets = await endpoint.Schemes.OpenTicketsAsync(context, parsed);
            await using var opened = endpoint.Open(context, reporter, parsed, AccessOptions.Authorize(list), tickets);
            ListenCommand.PrintListening(reporter, opened.Endpoint.PeerId, opened.Endpoint.LocalEndPoint, endpoint.Schemes, parsed, list?.Count, "forward to");
            var policy = new ForwardPolicy
            {
                Targets = parsed.GetValue(permit) ?? [],
                ListenPorts = parsed.GetValue(permitListen) ?? [],
                IsPublic = parsed.GetValue(isPublic),
                Time = context.Time,
            };
            return await new ForwardServe(opened.Endpoint, policy, reporter).RunAsync(cancellationToken);
        });
        return command;
    }

    private static HostPort[] ParseTargets(ArgumentResult result)
    {
        var targets = new List<HostPort>();
        foreach (var token in result.Tokens)
        {
            if (ForwardRule.TryParseTarget(token.Value, out var target, out var problem))
            {
                targets.Add(target);
            }
            else
            {
                result.AddError(problem);
            }
        }

        return [.. targets];
    }

    private static Option<bool> CreatePublicOption() => new("--public") { Description = "Ports may be opened on addresses that other machines reach, and not on loopback only." };

    /// <summary>Forwardings of one kind.</summary>
    private sealed class RuleOption : Option<string[]>
    {
        private readonly bool _isUdp;
        private readonly bool _isRemote;

        public RuleOption(string name, string alias, string description, bool isUdp, bool isRemote)
            : base(name, alias)
        {
            (_isUdp, _isRemote) = (isUdp, isRemote);
            Description = $"{description} Can be repeated.";
            HelpName = "[BIND:]PORT:HOST:PORT";
            Validators.Add(static result =>
            {
                foreach (var token in result.Tokens)
                {
                    if (!ForwardRule.TryParse(token.Value, out _, out var problem))
                    {
                        result.AddError(problem);
                    }
                }
            });
        }

        /// <summary>Returns the rules that texts are; what is none has been told.</summary>
        public IEnumerable<ForwardRule> RulesOf(IEnumerable<string>? texts)
        {
            foreach (var text in texts ?? [])
            {
                if (ForwardRule.TryParse(text, out var rule, out _))
                {
                    yield return rule with { IsUdp = _isUdp, IsRemote = _isRemote };
                }
            }
        }
    }
}
