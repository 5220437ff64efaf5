using System.Globalization;
using System.Net;
using System.Threading.Channels;
using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Transports;
using PacketSec.Protocol.Identity;

namespace PacketSec.Libp2p.Tests.Simulated;

/// <summary>
/// A transport over the simulated network. Unlike that over PSEC it makes a connection of every dial: of a pair that dials at once the host has to choose.
/// </summary>
internal sealed class SimulatedTransport(SimulatedWorld world, PeerId local) : ITransport
{
    private static readonly TimeSpan Repeat = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly List<SimulatedConnection> _connections = [];
    private readonly List<SimulatedListener> _listeners = [];

    public PeerId LocalPeerId => local;

    public bool Matches(Multiaddress address) => PsecTarget.TryFrom(address, out _);

    public async Task<IConnection> DialAsync(Multiaddress remote, CancellationToken cancellationToken = default)
    {
        var target = Target(remote);
        if (target.Peer is not { } peer)
        {
            throw new Libp2pException(Libp2pError.UnsupportedAddress, $"{remote} names no peer.");
        }

        var dial = new Dial(this, new(IPAddress.Parse(target.Host), target.Port), peer);
        lock (world.Gate)
        {
            dial.Send(world.Now + Timeout);
        }

        try
        {
            return await dial.Result.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            lock (world.Gate)
            {
                if (!dial.Result.TrySetCanceled(cancellationToken) && dial.Result.Task.IsCompletedSuccessfully)
                {
                    _ = dial.Result.Task.Result.DisposeAsync().AsTask();
                }
            }

            throw;
        }
    }

    public Task<IListener> ListenAsync(Multiaddress local1, CancellationToken cancellationToken = default)
    {
        var target = Target(local1);
        lock (world.Gate)
        {
            var endPoint = new IPEndPoint(IPAddress.Parse(target.Host), target.Port == 0 ? world.NextPort++ : target.Port);
            var listener = new SimulatedListener(world, endPoint, this);
            if (!world.Listeners.TryAdd(endPoint, listener))
            {
                throw new IOException($"{endPoint} is taken.");
            }

            _listeners.Add(listener);
            return Task.FromResult<IListener>(listener);
        }
    }

    public async ValueTask DisposeAsync()
    {
        SimulatedConnection[] connections;
        SimulatedListener[] listeners;
        lock (world.Gate)
        {
            connections = [.. _connections];
            listeners = [.. _listeners];
        }

        foreach (var listener in listeners)
        {
            await listener.DisposeAsync();
        }

        foreach (var connection in connections)
        {
            await connection.CloseAsync();
        }
    }

    private static PsecTarget Target(Multiaddress address)
        => PsecTarget.TryFrom(address, out var target) ? target : throw new Libp2pException(Libp2pError.UnsupportedAddress, $"{address} is of another form.");

    private SimulatedConnection Create(PeerId remote, IPEndPoint at, long number)
    {
        var connection = new SimulatedConnection(world, local, remote, Multiaddress.FromEndPoint(at, remote), number);
        _connections.Add(connection);
        return connection;
    }

    /// <summary>A handshake of one round trip: a call that is repeated until it is answered.</summary>
    private sealed class Dial(SimulatedTransport transport, IPEndPoint remote, PeerId peer)
    {
        private static readonly IPEndPoint Caller = new(IPAddress.Parse("10.9.9.9"), 9);

        private readonly SimulatedWorld _world = transport.World;
        private SimulatedConnection? _theirs;

        public TaskCompletionSource<SimulatedConnection> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Send(Protocol.Instant deadline)
        {
            if (Result.Task.IsCompleted)
            {
                return;
            }

            if (_world.Now >= deadline)
            {
                Result.TrySetException(new Libp2pException(Libp2pError.TimedOut, $"Nobody answers at {remote}."));
                return;
            }

            _world.Send(Arrive);
            _world.Plan(Repeat, () => Send(deadline));
        }

        private void Arrive()
        {
            if (!_world.Listeners.TryGetValue(remote, out var listener))
            {
                return;
            }

            if (_theirs is null && listener.Transport.LocalPeerId.Equals(peer))
            {
                _theirs = listener.Transport.Create(transport.LocalPeerId, Caller, _world.NextConnection++);
                _theirs.OnFirstPacket = () => listener.Offer(_theirs);
            }

            _world.Send(() => Answered(listener.Transport.LocalPeerId));
        }

        private void Answered(PeerId proven)
        {
            if (Result.Task.IsCompleted)
            {
                return;
            }

            if (!proven.Equals(peer))
            {
                Result.TrySetException(new Libp2pException(Libp2pError.WrongPeer, $"{proven} is where {peer} was dialled."));
                return;
            }

            var own = transport.Create(peer, remote, _theirs!.Number);
            (own.Peer, _theirs.Peer) = (_theirs, own);
            Result.TrySetResult(own);
            own.Greet();
        }
    }

    private SimulatedWorld World => world;
}

/// <summary>A listener of the simulated network.</summary>
internal sealed class SimulatedListener(SimulatedWorld world, IPEndPoint endPoint, SimulatedTransport transport) : IListener
{
    private readonly Channel<IConnection> _waiting = Channel.CreateUnbounded<IConnection>();

    public SimulatedTransport Transport => transport;

    public Multiaddress LocalAddress { get; } = Multiaddress.Parse(
        string.Create(CultureInfo.InvariantCulture, $"/ip4/{endPoint.Address}/udp/{endPoint.Port}/psec/p2p/{transport.LocalPeerId}"));

    public async ValueTask<IConnection> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _waiting.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_waiting.Reader.TryRead(out var connection))
            {
                return connection;
            }
        }

        throw new Libp2pException(Libp2pError.Closed, "The listener is closed.");
    }

    public void Offer(IConnection connection)
    {
        if (!_waiting.Writer.TryWrite(connection))
        {
            _ = connection.CloseAsync(1, "nobody listens").AsTask();
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (world.Gate)
        {
            world.Listeners.Remove(endPoint);
            _waiting.Writer.TryComplete();
        }

        return ValueTask.CompletedTask;
    }
}
