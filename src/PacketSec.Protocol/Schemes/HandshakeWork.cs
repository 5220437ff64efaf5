namespace PacketSec.Protocol.Schemes;

/// <summary>Who makes work: each class has places of its own, which the others cannot fill.</summary>
internal enum WorkClass
{
    /// <summary>Anybody.</summary>
    Stranger,

    /// <summary>An address that returned a cookie.</summary>
    Validated,

    /// <summary>An address with a live session, or one that we dial.</summary>
    Channel,
}

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

    /// <summary>Gets whose places it takes.</summary>
    internal WorkClass WorkClass { get; init; }

    /// <summary>Does the work: tens to hundreds of microseconds of one core. Does not throw for what a peer sent.</summary>
    public abstract void Run();

    /// <summary>Wipes what secrets were not handed on.</summary>
    public abstract void Dispose();
}
