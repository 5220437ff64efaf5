using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PacketSec.Hosting;
using PacketSec.Tests.Api;

namespace PacketSec.Tests.Hosting;

/// <summary>Hosts with an endpoint on this machine's loopback, and nothing else of the platform's defaults.</summary>
internal static class Hosts
{
    public static IHost Build(Action<PacketSecHostOptions> configure, Action<PacketSecHostBuilder>? more = null, LogRecorder? logs = null, TimeSpan? patience = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = patience ?? TimeSpan.FromMilliseconds(SocketsCollection.CeilingMilliseconds));
        builder.Services.AddHealthChecks().AddCheck<PacketSecHealthCheck>("packetsec");
        if (logs is not null)
        {
            builder.Services.AddSingleton<ILoggerFactory>(logs);
        }

        var added = builder.Services.AddPacketSec(options =>
        {
            options.Bind = "127.0.0.1:0";
            configure(options);
        });
        more?.Invoke(added);
        return builder.Build();
    }

    public static PacketSecEndpoint Endpoint(this IHost host) => host.Services.GetRequiredService<PacketSecEndpoint>();

    public static PacketSecEndpoint BindDialler(PacketSecIdentity identity)
        => PacketSecEndpoint.Bind(new() { Identity = identity, LocalEndPoint = new(IPAddress.Loopback, 0) });
}
