using System.IO.Pipelines;

namespace PacketSec.Libp2p.Transports;

/// <summary>
/// A reliable, ordered stream of bytes in both directions. A flush of <see cref="IDuplexPipe.Output"/> waits while the peer does not read, and tells by
/// <see cref="FlushResult.IsCompleted"/> that the peer wants no more; a read of <see cref="IDuplexPipe.Input"/> tells the peer's end by
/// <see cref="ReadResult.IsCompleted"/>.
/// </summary>
/// <remarks>
/// One caller reads and one writes at a time; the other members may be called from any thread at any time. A read of a stream that the peer gave up
/// throws <see cref="Libp2pException"/> with <see cref="Libp2pError.StreamReset"/> and the peer's code, and once the connection is over with
/// <see cref="Libp2pError.Closed"/>; the other members do nothing then. Disposal ends writing as <see cref="CompleteWrites"/> does, and reading as <see cref="StopSending"/> with code 0.
/// </remarks>
public interface IStream : IDuplexPipe, IAsyncDisposable
{
    /// <summary>Gets the stream's number: the same at both ends, and unique in its connection.</summary>
    long Id { get; }

    /// <summary>Ends the own direction: what was written is delivered, then the end. The other direction goes on.</summary>
    void CompleteWrites();

    /// <summary>Gives the own direction up: what is not delivered yet is lost.</summary>
    /// <param name="code">0 to 2^62-1, for the peer's reads.</param>
    void Reset(long code);

    /// <summary>Asks the peer to give its direction up: nothing more is read.</summary>
    /// <param name="code">0 to 2^62-1, for the peer.</param>
    void StopSending(long code);
}
