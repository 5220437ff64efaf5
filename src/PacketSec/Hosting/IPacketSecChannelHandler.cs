namespace PacketSec.Hosting;

/// <summary>Serves the channels that peers open to a host. One scope of services, and so one instance of a scoped handler, for each channel.</summary>
public interface IPacketSecChannelHandler
{
    /// <summary>
    /// Serves one channel, which is closed when the call is over. What it throws is logged and ends that channel only; that the channel ended is a debug
    /// message.
    /// </summary>
    /// <param name="channel">The channel. The host disposes it.</param>
    /// <param name="cancellationToken">
    /// Cancelled when the host stops. The channel is open still: the handler may say what is left to say, for as long as the host's shutdown timeout
    /// lasts. Past that the channel is closed under it.
    /// </param>
    Task HandleAsync(PacketSecChannel channel, CancellationToken cancellationToken);
}
