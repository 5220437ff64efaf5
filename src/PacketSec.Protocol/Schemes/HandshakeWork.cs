namespace PacketSec.Protocol.Schemes;

/// <summary>
/// Handshake cryptography as a value: a machine hands it out, any thread runs it, and it goes back to that machine. It holds copies and no
/// reference to a machine.
/// </summary>
/// <remarks>Run once, on one thread. A driver completes every work that it took, also after the machine is closed, so that its secrets are wiped.</remarks>
public abstract class HandshakeWork : IDisposable
{
    private protected HandshakeWork()
    {
    }

    /// <summary>Gets why the message that this work was about is dropped, or <see cref="DropReason.None"/>.</summary>
    internal DropReason Outcome { get; private protected set; }

    /// <summary>Gets the attempt this work belongs to.</summary>
    internal long AttemptId { get; init; }

    /// <summary>Gets whether the message came from the address of a live session.</summary>
    internal bool IsOfChannel { get; init; }

    /// <summary>Does the work: tens to hundreds of microseconds of one core. Does not throw for what a peer sent.</summary>
    public abstract void Run();

    /// <summary>Wipes what secrets were not handed on.</summary>
    public abstract void Dispose();
}
