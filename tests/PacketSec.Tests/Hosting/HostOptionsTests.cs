using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using PacketSec.Hosting;

namespace PacketSec.Tests.Hosting;

[Collection(SocketsCollection.Name)]
public sealed class HostOptionsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, Action<PacketSecHostOptions>> BadOptions => new()
    {
        { "KeyFile", o => o.KeyFile = null },
        { "KeyFile", o => o.KeyFile = "" },
        { "Bind", o => o.Bind = null! },
        { "Bind", o => o.Bind = "4001" },
        { "Bind", o => o.Bind = "127.0.0.1" },
        { "Bind", o => o.Bind = "::1:4001" },
        { "Bind", o => o.Bind = "[::1]" },
        { "Bind", o => o.Bind = "127.0.0.1:65536" },
        { "Bind", o => o.Bind = "localhost:4001" },
        { "Schemes", o => o.Schemes = ["p2pke-2"] },
        { "AllowSchemeMixture", o => o.Schemes = ["p2pke-1", "secret-handshake-1"] },
        { "DirectScheme", o => o.DirectScheme = "p2pke-2" },
        { "Keepalive", o => o.Keepalive = TimeSpan.FromSeconds(14) },
        { "InboundChannels", o => o.InboundChannels = 0 },
    };

    [Theory]
    [MemberData(nameof(BadOptions), DisableDiscoveryEnumeration = true)]
    public async Task A_wrong_option_keeps_the_host_from_starting_and_is_named(string option, Action<PacketSecHostOptions> change)
    {
        using var host = Hosts.Build(options =>
        {
            options.KeyFile = _folder["host.key"];
            change(options);
        });

        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());

        Assert.Contains(option, Assert.Single(error.Failures).Split(':')[0], StringComparison.Ordinal);
        Assert.Empty(_folder.FileNames);
    }

    [Fact]
    public async Task Two_keys_are_one_too_many_and_all_that_is_wrong_is_told_at_once()
    {
        using var identity = PacketSecIdentity.Generate();
        using var host = Hosts.Build(options =>
        {
            options.KeyFile = _folder["host.key"];
            options.Identity = identity;
            options.Bind = "nowhere";
            options.Keepalive = TimeSpan.Zero;
        });

        var failures = (await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync())).Failures.ToList();

        Assert.Equal(3, failures.Count);
        Assert.StartsWith("KeyFile and Identity are both set", failures[0], StringComparison.Ordinal);
        Assert.StartsWith("Bind is 'nowhere'", failures[1], StringComparison.Ordinal);
        Assert.StartsWith("Keepalive", failures[2], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1:0", "127.0.0.1")]
    [InlineData("[::1]:0", "::1")]
    [InlineData("[::]:0", "::")]
    public async Task An_address_with_a_port_is_bound(string bind, string address)
    {
        using var host = Hosts.Build(options => (options.KeyFile, options.Bind) = (_folder["host.key"], bind));

        await host.StartAsync();

        Assert.Equal(IPAddress.Parse(address), host.Endpoint().LocalEndPoint.Address);
        await host.StopAsync();
    }

    [Fact]
    public async Task A_port_that_is_taken_keeps_the_host_from_starting()
    {
        using var identity = PacketSecIdentity.Generate();
        await using var taken = Hosts.BindDialler(identity);
        using var host = Hosts.Build(options => (options.KeyFile, options.Bind) = (_folder["host.key"], taken.LocalEndPoint.ToString()));

        var error = await Assert.ThrowsAnyAsync<IOException>(() => host.StartAsync());

        Assert.Contains($"UDP port {taken.LocalEndPoint.Port} is in use", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_key_is_made_once_and_stays_the_hosts()
    {
        using var first = Hosts.Build(options => options.KeyFile = _folder["host.key"]);
        using var second = Hosts.Build(options => options.KeyFile = _folder["host.key"]);

        await first.StartAsync();
        await second.StartAsync();

        Assert.Equal(["host.key"], _folder.FileNames);
        Assert.Equal(first.Endpoint().PeerId, second.Endpoint().PeerId);
    }

    [Fact]
    public async Task A_second_call_adds_to_the_options_of_the_first_and_the_last_word_is_the_applications()
    {
        using var identity = PacketSecIdentity.Generate();
        using var other = PacketSecIdentity.Generate();
        var asked = new List<PacketSecEndpointOptions>();
        using var host = Hosts.Build(
            options => options.InboundChannels = 7,
            added => added.Services.AddPacketSec(options =>
            {
                options.Identity = identity;
                options.Schemes = ["noise-xx-1"];
                options.Endpoint = endpoint =>
                {
                    asked.Add(endpoint);
                    return endpoint with { Identity = other };
                };
            }));

        await host.StartAsync();

        var endpoint = Assert.Single(asked);
        Assert.Equal((7, identity), (endpoint.InboundChannels, endpoint.Identity));
        Assert.Equal(["noise-xx-1"], endpoint.Schemes);
        Assert.Equal(other.PeerId, host.Endpoint().PeerId);
        Assert.Equal(1, host.Services.GetServices<IHostedService>().Count(service => service.GetType().Namespace == "PacketSec.Hosting"));
    }

    [Fact]
    public void All_that_text_can_say_comes_from_a_configuration()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["KeyFile"] = _folder["host.key"],
            ["Bind"] = "[::1]:4001",
            ["Schemes:0"] = "noise-xx-1",
            ["Schemes:1"] = "p2pke-1",
            ["DirectScheme"] = "p2pke-1",
            ["AllowSchemeMixture"] = "true",
            ["Keepalive"] = "00:00:20",
            ["InboundChannels"] = "9",
        }).Build();
        using var host = Hosts.Build(_ => { }, added => added.Services.Configure<PacketSecHostOptions>(configuration));

        var options = host.Services.GetRequiredService<IOptions<PacketSecHostOptions>>().Value;

        Assert.Equal((_folder["host.key"], "[::1]:4001"), (options.KeyFile, options.Bind));
        Assert.Equal(["noise-xx-1", "p2pke-1"], options.Schemes);
        Assert.Equal(("p2pke-1", true), (options.DirectScheme, options.AllowSchemeMixture));
        Assert.Equal((TimeSpan.FromSeconds(20), 9), (options.Keepalive, options.InboundChannels));
    }

    public void Dispose() => _folder.Dispose();
}
