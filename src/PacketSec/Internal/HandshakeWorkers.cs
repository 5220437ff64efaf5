using System.Collections.Concurrent;
using PacketSec.Protocol.Schemes;
using PacketSec.Udp;

namespace PacketSec.Internal;

/// <summary>Handshake work and the machine that it goes back to.</summary>
/// <param name="Work">The work.</param>
/// <param name="Owner">The peer whose it is; null for the endpoint machine's.</param>
internal readonly record struct HandshakeJob(HandshakeWork Work, PeerDriver? Owner);

/// <summary>
/// Threads for handshake cryptography, so that a burst of handshakes neither holds up the datagrams of live channels nor fills the application's
/// thread pool. What waits here is bounded by the machines: <see cref="Protocol.ImplementationLimits.EndpointWork"/> for the endpoint and
/// <see cref="Protocol.ImplementationLimits.PeerWork"/> for each peer.
/// </summary>
/// <remarks>Owned by one thread, which adds and disposes. The threads start with the first work.</remarks>
internal sealed class HandshakeWorkers : IDisposable
{
    private readonly BlockingCollection<HandshakeJob> _jobs = [];
    private readonly Action<HandshakeJob> _done;
    private readonly Action<Exception> _failed;
    private Thread[] _threads = [];

    /// <summary>Creates the workers.</summary>
    /// <param name="done">Called by the worker with what has run.</param>
    /// <param name="failed">Called by the worker when work fails for a reason that no peer can cause.</param>
    public HandshakeWorkers(Action<HandshakeJob> done, Action<Exception> failed)
    {
        _done = done;
        _failed = failed;
    }

    public void Add(HandshakeJob job)
    {
        if (_threads.Length == 0)
        {
            _threads = new Thread[Math.Clamp(Environment.ProcessorCount / 2, 1, 2)];
            for (var i = 0; i < _threads.Length; i++)
            {
                _threads[i] = new Thread(Run) { IsBackground = true, Name = "PacketSec handshakes" };
                _threads[i].Start();
            }
        }

        _jobs.Add(job);
    }

    public void Dispose()
    {
        _jobs.CompleteAdding();
        while (_jobs.TryTake(out var job))
        {
            job.Work.Dispose();
        }

        foreach (var thread in _threads)
        {
            thread.Join();
        }

        _jobs.Dispose();
    }

    private void Run()
    {
        // Where processors are scarce, the datagrams of open channels come first.
        BackgroundThread.StandBack();
        foreach (var job in _jobs.GetConsumingEnumerable())
        {
            try
            {
                job.Work.Run();
            }
            catch (Exception error)
            {
                // Not a peer's doing: the identity is disposed, or memory is out. The endpoint reports it and ends.
                job.Work.Dispose();
                _failed(error);
                continue;
            }

            _done(job);
        }
    }
}
