using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace PacketSec.Hosting;

/// <summary>
/// Whether a host's endpoint is bound and serves. <c>AddPacketSec</c> makes it a service; a host asks it by
/// <c>AddHealthChecks().AddCheck&lt;PacketSecHealthCheck&gt;("packetsec")</c>.
/// </summary>
public sealed class PacketSecHealthCheck : IHealthCheck
{
    private readonly HostedEndpoint _host;

    internal PacketSecHealthCheck(HostedEndpoint host) => _host = host;

    /// <summary>
    /// Tells the health: healthy while the endpoint serves; before it is bound, while the host stops, and after the endpoint ended, the check's failure
    /// status, which is unhealthy unless it was registered otherwise, with the reason.
    /// </summary>
    /// <param name="context">How the check is registered.</param>
    /// <param name="cancellationToken">Not looked at: the answer is there at once.</param>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(context);
        var endpoint = _host.Current;
        return Task.FromResult(endpoint switch
        {
            null => Failure("The endpoint is not bound: the host has not started."),
            { Failure: { } failure } => Failure("The endpoint has ended because of a failure: restart the host.", failure),
            { Stopped.IsCompleted: true } when !_host.IsStopping => Failure("The endpoint has ended: the application closed it while the host runs."),
            _ when _host.IsStopping => Failure("The host stops."),
            _ => HealthCheckResult.Healthy($"{endpoint.PeerId} is served on {endpoint.LocalEndPoint}."),
        });

        HealthCheckResult Failure(string reason, Exception? error = null) => new(context.Registration.FailureStatus, reason, error);
    }
}
