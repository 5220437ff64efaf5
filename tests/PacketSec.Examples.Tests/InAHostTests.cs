using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace PacketSec.Examples.Tests;

public sealed class InAHostTests : IDisposable
{
    private static readonly TimeSpan Ceiling = TimeSpan.FromSeconds(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("packetsec-example-").FullName;

    [Fact]
    public async Task The_host_of_the_readme_echoes_and_is_healthy()
    {
        using var stop = new CancellationTokenSource(Ceiling);
        using var host = InAHost.Build(Path.Combine(_folder, "a.key"), "127.0.0.1:0");
        await host.StartAsync(stop.Token);
        var endpoint = host.Services.GetRequiredService<PacketSecEndpoint>();

        Assert.Equal("hello", await TwoPrograms.DialAsync(Path.Combine(_folder, "b.key"), endpoint.LocalEndPoint, endpoint.PeerId, stop.Token));

        var health = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(stop.Token);
        Assert.Equal(HealthStatus.Healthy, health.Status);
        await host.StopAsync(stop.Token);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
