using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace PacketSec.Hosting;

/// <summary>Says what a host does with its endpoint.</summary>
public sealed class PacketSecHostBuilder
{
    internal PacketSecHostBuilder(IServiceCollection services) => Services = services;

    /// <summary>Gets the services of the host.</summary>
    public IServiceCollection Services { get; }

    /// <summary>
    /// Has the channels that peers open served by a class. Without it nobody accepts them but the application, by
    /// <see cref="PacketSecEndpoint.AcceptAsync"/>.
    /// </summary>
    /// <typeparam name="THandler">The class. It is a scoped service unless it was registered otherwise before.</typeparam>
    /// <returns>This builder.</returns>
    /// <exception cref="InvalidOperationException">The host has a handler.</exception>
    public PacketSecHostBuilder OnChannel<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>()
        where THandler : class, IPacketSecChannelHandler
    {
        if (Services.Any(service => service.ServiceType == typeof(ChannelHandling)))
        {
            throw new InvalidOperationException("The host has a handler for its channels: let that one tell peers apart.");
        }

        Services.TryAddScoped<THandler>();
        Services.AddSingleton(new ChannelHandling(static provider => provider.GetRequiredService<THandler>()));
        return this;
    }
}
