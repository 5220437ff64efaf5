namespace PacketSec.Hosting;

/// <summary>Gets the handler of a channel from its scope.</summary>
internal sealed record ChannelHandling(Func<IServiceProvider, IPacketSecChannelHandler> Resolve);
