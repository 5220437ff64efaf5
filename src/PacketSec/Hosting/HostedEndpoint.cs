using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using PacketSec.Diagnostics;

namespace PacketSec.Hosting;

/// <summary>The one endpoint of a host: bound when first asked for, served by the host's handler from its start to its stop.</summary>
internal sealed class HostedEndpoint : IAsyncDisposable
{
    private readonly IServiceProvider _services;
    private readonly ILogger _log;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private PacketSecIdentity? _ownIdentity;
    private PacketSecEndpoint? _endpoint;
    private Task _accepting = Task.CompletedTask;
    private bool _stopped;

    // The handlers that run, and one for the host until it stops.
    private int _running = 1;

    public HostedEndpoint(IServiceProvider services)
    {
        _services = services;
        _log = services.GetService<ILoggerFactory>()?.CreateLogger("PacketSec.Host") ?? NullLogger.Instance;
    }

    public bool IsStopping => _stopping.IsCancellationRequested;

    /// <summary>Gets the endpoint; null before it is bound.</summary>
    public PacketSecEndpoint? Current => Volatile.Read(ref _endpoint);

    /// <summary>Binds the endpoint, or returns the one that is bound. Services that take it are made before the host starts them.</summary>
    public PacketSecEndpoint Bind()
    {
        lock (_gate)
        {
            if (_endpoint is not null)
            {
                return _endpoint;
            }

            if (_stopped)
            {
                throw new InvalidOperationException("The host has stopped, and its endpoint is not bound any more: take it from the services before.");
            }

            var options = _services.GetRequiredService<IOptions<PacketSecHostOptions>>().Value;
            var identity = options.Identity ?? (_ownIdentity ??= PacketSecIdentity.LoadOrCreate(options.KeyFile!));
            var endpointOptions = options.ToEndpointOptions(identity, PacketSecHostOptions.ParseAddress(options.Bind)!) with
            {
                LoggerFactory = _services.GetService<ILoggerFactory>(),
                TimeProvider = _services.GetService<TimeProvider>() ?? TimeProvider.System,
            };
            _endpoint = PacketSecEndpoint.Bind(options.Endpoint?.Invoke(endpointOptions) ?? endpointOptions);
            return _endpoint;
        }
    }

    public void Start()
    {
        var endpoint = Bind();
        if (_services.GetService<ChannelHandling>() is { } handling)
        {
            _accepting = Task.Run(() => AcceptAsync(endpoint, handling));
        }
    }

    /// <summary>Tells the handlers to end, waits for them, and closes the endpoint, at the latest when the host's patience ends.</summary>
    public async Task StopAsync(CancellationToken patience)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(false);
        if (!Interlocked.Exchange(ref _stopped, true))
        {
            Leave();
        }

        await _idle.Task.WaitAsync(patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (Volatile.Read(ref _running) is > 0 and var left)
        {
            _log.HandlersGoOn(left);
        }

        await CloseAsync().ConfigureAwait(false);
    }

    /// <summary>Ends what a host that failed to start, or was never stopped, left behind.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        Volatile.Write(ref _stopped, true);
        await CloseAsync().ConfigureAwait(false);
    }

    private async Task AcceptAsync(PacketSecEndpoint endpoint, ChannelHandling handling)
    {
        try
        {
            await foreach (var channel in endpoint.AcceptAllAsync(_stopping.Token).ConfigureAwait(false))
            {
                Interlocked.Increment(ref _running);
                _ = Task.Run(() => HandleAsync(channel, handling));
            }
        }
        catch (OperationCanceledException) when (IsStopping)
        {
            // The host stops.
        }
        catch (PacketSecException) when (IsStopping)
        {
            // The host was disposed without a stop.
        }
        catch (PacketSecException)
        {
            _log.HostedEndpointEnded();
        }
    }

    private async Task HandleAsync(PacketSecChannel channel, ChannelHandling handling)
    {
        try
        {
            var scope = _services.CreateAsyncScope();
            await using (scope.ConfigureAwait(false))
            {
                await handling.Resolve(scope.ServiceProvider).HandleAsync(channel, _stopping.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (IsStopping)
        {
            // It did as it was told.
        }
        catch (PacketSecException ended) when (channel.Closed.IsCompleted)
        {
            _log.ChannelHandlerEnded(channel.RemotePeerId, ended.Error);
        }
        catch (Exception error)
        {
            _log.ChannelHandlerFailed(error, channel.RemotePeerId);
        }
        finally
        {
            await channel.DisposeAsync().ConfigureAwait(false);
            Leave();
        }
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _running) == 0)
        {
            _idle.TrySetResult();
        }
    }

    private async Task CloseAsync()
    {
        if (Current is { } endpoint)
        {
            await endpoint.DisposeAsync().ConfigureAwait(false);
        }

        _ownIdentity?.Dispose();
    }
}
