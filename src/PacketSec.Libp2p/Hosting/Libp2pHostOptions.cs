using Microsoft.Extensions.Logging;

namespace PacketSec.Libp2p.Hosting;

/// <summary>How a host behaves. Read once, by <see cref="Libp2pHost.Start"/>.</summary>
public sealed record Libp2pHostOptions
{
    /// <summary>Gets the name and version that others are told, up to 255 characters.</summary>
    public string AgentVersion { get; init; } = "packetsec/0.1.0";

    /// <summary>Gets the family of protocols that others are told, up to 255 characters.</summary>
    public string ProtocolVersion { get; init; } = "packetsec/1";

    /// <summary>Gets how long the agreement on a stream's protocol, an exchange of identities, and a ping may take; 10 s by default.</summary>
    public TimeSpan NegotiationTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Gets how long the side that does not choose waits for the choice of the other, where several connections may have come to be; 10 s by default.
    /// </summary>
    public TimeSpan ChoiceTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Gets how long the peer of a connection that has a rival may take to answer; 5 s by default.</summary>
    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Gets how many peers may be connected at once, 4,096 by default. Past it connections of further peers are closed.</summary>
    public int MaxPeers { get; init; } = 4096;

    /// <summary>Gets how many streams of one peer may be served at once, 256 by default. Past it further ones are reset.</summary>
    public int MaxInboundStreams { get; init; } = 256;

    /// <summary>Gets where log messages go; null logs nothing.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>Gets the clock of all deadlines.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal void Validate()
    {
        if (AgentVersion is null or { Length: > 255 } || ProtocolVersion is null or { Length: > 255 } || TimeProvider is null)
        {
            throw new ArgumentException("AgentVersion and ProtocolVersion have up to 255 characters, and TimeProvider is not null.");
        }

        if (!IsTime(NegotiationTimeout) || !IsTime(ChoiceTimeout) || !IsTime(ProbeTimeout))
        {
            throw new ArgumentException("NegotiationTimeout, ChoiceTimeout and ProbeTimeout are positive, and an hour at most.");
        }

        if (MaxPeers < 1 || MaxInboundStreams < 1)
        {
            throw new ArgumentException("MaxPeers and MaxInboundStreams are at least 1.");
        }
    }

    private static bool IsTime(TimeSpan time) => time > TimeSpan.Zero && time <= TimeSpan.FromHours(1);
}
