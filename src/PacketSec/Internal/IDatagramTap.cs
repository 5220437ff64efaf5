using System.Net;

namespace PacketSec.Internal;

/// <summary>Which way a datagram went.</summary>
internal enum TapDirection
{
    /// <summary>From this socket.</summary>
    Sent,

    /// <summary>To this socket.</summary>
    Received,
}

/// <summary>Sees each datagram of an endpoint as the network does: sealed, before anything is known of a received one.</summary>
internal interface IDatagramTap
{
    /// <summary>Takes one datagram. Called by the threads that send and those that receive, one at a time; must not throw or wait.</summary>
    /// <param name="direction">Which way it went.</param>
    /// <param name="time">When: the endpoint's wall clock.</param>
    /// <param name="local">This side's address; with the address that is bound where no other is known.</param>
    /// <param name="remote">The other side's.</param>
    /// <param name="datagram">The UDP payload, valid during the call.</param>
    void OnDatagram(TapDirection direction, DateTimeOffset time, IPEndPoint local, IPEndPoint remote, ReadOnlySpan<byte> datagram);
}
