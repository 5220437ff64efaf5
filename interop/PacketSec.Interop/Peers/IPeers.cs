using System.Net;

namespace PacketSec.Interop.Peers;

/// <summary>One implementation, in both roles.</summary>
internal interface IPeers
{
    /// <summary>Gets the name in the matrix.</summary>
    string Name { get; }

    /// <summary>Starts a listener that echoes every datagram.</summary>
    Task<IListener> ListenAsync(ListenPlan plan, CancellationToken cancellationToken);

    /// <summary>Starts a dialler.</summary>
    IDialler Dial(DialPlan plan, CancellationToken cancellationToken);

    /// <summary>Makes a peer that listens and dials on one socket.</summary>
    IBoth Both(BothPlan plan, CancellationToken cancellationToken);
}

/// <summary>A listener at work. Disposal ends it at the latest.</summary>
internal interface IListener : IAsyncDisposable
{
    IPEndPoint Address { get; }

    /// <summary>Gets the sessions that were confirmed, in their order.</summary>
    IReadOnlyList<SessionFact> Sessions { get; }

    /// <summary>Waits until a channel has ended, and tells why; each is told once, in order.</summary>
    Task<EndReason> NextEndAsync(CancellationToken cancellationToken);

    /// <summary>Closes the channels and ends.</summary>
    Task StopAsync(CancellationToken cancellationToken);

    /// <summary>Ends without a word to anybody, when the path to it is cut.</summary>
    Task KillAsync();
}

/// <summary>A dialler at work. Disposal ends it at the latest.</summary>
internal interface IDialler : IAsyncDisposable
{
    /// <summary>Gets what became of it. Never fails.</summary>
    Task<DialOutcome> Outcome { get; }

    /// <summary>Ends the sending; the outcome follows.</summary>
    void Stop();
}

/// <summary>A peer that listens and dials on one socket. Disposal ends it at the latest.</summary>
internal interface IBoth : IAsyncDisposable
{
    /// <summary>Gets where it listens already; null when it begins to with its dial.</summary>
    IPEndPoint? Address { get; }

    /// <summary>Dials, and tells in the end what became of it. Never fails.</summary>
    Task<BothOutcome> DialAsync(IPEndPoint target);
}
