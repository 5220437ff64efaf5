using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using PacketSec;
using PacketSec.Hosting;

// Where every host looks for what adds services, whatever assembly it is in.
namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds PacketSec to a host.</summary>
public static class PacketSecServiceCollectionExtensions
{
    /// <summary>
    /// Adds an endpoint that is bound when the host starts, or before if a service asks for it, and closed when the host stops. Services take it as
    /// <see cref="PacketSecEndpoint"/>, and its health as <see cref="PacketSecHealthCheck"/>. A host has one: a second call adds to the options of the first.
    /// </summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="configure">Sets options; null where they are set elsewhere.</param>
    /// <returns>What says more.</returns>
    public static PacketSecHostBuilder AddPacketSec(this IServiceCollection services, Action<PacketSecHostOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = services.AddOptions<PacketSecHostOptions>().ValidateOnStart();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<PacketSecHostOptions>, HostOptionsValidation>());
        services.TryAddSingleton<HostedEndpoint>();
        services.TryAddSingleton(static provider => provider.GetRequiredService<HostedEndpoint>().Bind());
        services.TryAddSingleton(static provider => new PacketSecHealthCheck(provider.GetRequiredService<HostedEndpoint>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, HostedEndpointService>());
        return new PacketSecHostBuilder(services);
    }
}
