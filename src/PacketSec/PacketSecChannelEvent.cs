using System.Net;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;

namespace PacketSec;

/// <summary>What happened to a channel, for those who watch it: see <see cref="PacketSecChannel.ReadEventsAsync"/>.</summary>
public abstract record PacketSecChannelEvent
{
    private PacketSecChannelEvent()
    {
    }

    /// <summary>A session is confirmed and carries the channel's datagrams from here on.</summary>
    /// <param name="Number">Its number within the channel, from 1.</param>
    /// <param name="Role">One's own role in its handshake.</param>
    /// <param name="Remote">The peer's address.</param>
    public sealed record SessionConfirmed(long Number, SessionRole Role, IPEndPoint Remote) : PacketSecChannelEvent
    {
        /// <summary>Gets the scheme and the transcript that were agreed on, the same at both ends; null in direct mode.</summary>
        public Agreement? Agreement { get; init; }
    }

    /// <summary>A session has ended and its keys are wiped.</summary>
    /// <param name="Number">Its number within the channel.</param>
    public sealed record SessionEnded(long Number) : PacketSecChannelEvent;

    /// <summary>Datagrams go to another address of the peer from here on.</summary>
    /// <param name="Remote">The address.</param>
    public sealed record AddressChanged(IPEndPoint Remote) : PacketSecChannelEvent;

    /// <summary>Another identity answers at the peer's address. The channel lives on as long as its last session does.</summary>
    /// <param name="Proven">The identity that answers there.</param>
    public sealed record IdentityMismatch(PeerId Proven) : PacketSecChannelEvent;

    /// <summary>A handshake was not answered within 10 s, or found no common scheme. The channel tries again while there is something to send.</summary>
    public sealed record AttemptFailed : PacketSecChannelEvent;

    /// <summary>The channel is over: the last event.</summary>
    /// <param name="Error">Why; null when this side closed it.</param>
    public sealed record Closed(PacketSecError? Error) : PacketSecChannelEvent;
}
