using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using PacketSec.Hosting;

namespace PacketSec.Examples.Tests;

/// <summary>The host of the README.</summary>
internal static class InAHost
{
    // <example:host>
    public static IHost Build(string keyFile, string address)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Services
            .AddPacketSec(options =>
            {
                options.KeyFile = keyFile; // Made where there is none.
                options.Bind = address; // Such as [::]:4001.
            })
            .OnChannel<EchoHandler>();
        builder.Services.AddHealthChecks().AddCheck<PacketSecHealthCheck>("packetsec");
        return builder.Build();
    }

    // </example>
    // <example:host-handler>
    public sealed class EchoHandler : IPacketSecChannelHandler
    {
        // The channel lives as long as the call; the token tells that the host stops.
        public async Task HandleAsync(PacketSecChannel channel, CancellationToken cancellationToken)
        {
            channel.OnDatagram(datagram => channel.TrySend(datagram));
            await channel.Closed.WaitAsync(cancellationToken);
        }
    }

    // </example>
}
