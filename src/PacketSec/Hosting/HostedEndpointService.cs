using Microsoft.Extensions.Hosting;

namespace PacketSec.Hosting;

/// <summary>Starts and stops the endpoint with the host. A service of its own, so that the host has it once however often it is added.</summary>
internal sealed class HostedEndpointService(HostedEndpoint endpoint) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        endpoint.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => endpoint.StopAsync(cancellationToken);
}
