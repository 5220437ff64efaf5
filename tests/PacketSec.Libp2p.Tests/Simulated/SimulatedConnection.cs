using System.Threading.Channels;
using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Transports;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Streams;

namespace PacketSec.Libp2p.Tests.Simulated;

/// <summary>One end of a connection: a connection machine, whose packets go over the simulated network.</summary>
internal sealed class SimulatedConnection : IConnection
{
    private const int MaxDatagram = 1472;

    private readonly SimulatedWorld _world;
    private readonly ConnectionMachine _machine;
    private readonly byte[] _packet = new byte[MaxDatagram - SpecLimits.DatagramOverhead];
    private readonly Dictionary<StreamState, SimulatedStream> _streams = [];
    private readonly Channel<IStream> _accepted = Channel.CreateUnbounded<IStream>();
    private readonly Channel<byte[]> _datagrams = Channel.CreateUnbounded<byte[]>();
    private readonly TaskCompletionSource<ConnectionEnd> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _streamsAvailable = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _wakeAt = long.MaxValue;
    private bool _pumping;

    public SimulatedConnection(SimulatedWorld world, PeerId local, PeerId remote, Multiaddress remoteAddress, long number)
    {
        _world = world;
        RemotePeerId = remote;
        RemoteAddress = remoteAddress;
        Number = number;
        var isSmaller = PacketSec.Protocol.Negotiation.LeaderElection.Compare(local.Multihash, remote.Multihash) < 0;
        _machine = new(world.Now, isSmaller ? StreamSide.Even : StreamSide.Odd, new() { MaxStreamsBidirectional = 1024 }, world.Randoms);
        _machine.SetCarrier(world.Now, new(1, NetworkAddress.FromEndPoint(new(System.Net.IPAddress.Loopback, 4001)), MaxDatagram));
    }

    /// <summary>Gets the number that both ends share.</summary>
    public long Number { get; }

    public SimulatedConnection? Peer { get; set; }

    /// <summary>Gets or sets what is done with the first packet.</summary>
    public Action? OnFirstPacket { get; set; }

    public PeerId RemotePeerId { get; }

    public Multiaddress RemoteAddress { get; }

    public int MaxDatagramPayload => Locked(() => _machine.MaxDatagramPayload);

    public Task<ConnectionEnd> Closed => _closed.Task;

    /// <summary>Shows the peer that this end stands.</summary>
    public void Greet()
    {
        _machine.Ping();
        Pump();
    }

    public async ValueTask<IStream> OpenStreamAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task wait;
            lock (_world.Gate)
            {
                ThrowIfOver();
                if (_machine.TryOpen(bidirectional: true) is { } state)
                {
                    return Adopt(state);
                }

                wait = _streamsAvailable.Task;
                Pump();
            }

            await wait.WaitAsync(cancellationToken);
        }
    }

    public async ValueTask<IStream> AcceptStreamAsync(CancellationToken cancellationToken = default)
    {
        while (await _accepted.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_accepted.Reader.TryRead(out var stream))
            {
                return stream;
            }
        }

        throw new Libp2pException(Libp2pError.Closed, "The connection is over.");
    }

    public bool TrySendDatagram(ReadOnlySpan<byte> payload)
    {
        lock (_world.Gate)
        {
            ThrowIfOver();
            var result = _machine.SendDatagram(payload);
            Pump();
            return result == DatagramResult.TooLarge
                ? throw new Libp2pException(Libp2pError.TooLarge, $"{_machine.MaxDatagramPayload} bytes are possible now.")
                : result == DatagramResult.Queued;
        }
    }

    public async ValueTask<int> ReceiveDatagramAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (await _datagrams.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_datagrams.Reader.TryPeek(out var datagram))
            {
                if (datagram.Length > buffer.Length)
                {
                    throw new Libp2pException(Libp2pError.TooLarge, $"The next datagram has {datagram.Length} bytes.");
                }

                _datagrams.Reader.TryRead(out datagram!);
                datagram.CopyTo(buffer);
                return datagram.Length;
            }
        }

        throw new Libp2pException(Libp2pError.Closed, "The connection is over.");
    }

    public ValueTask CloseAsync(long code = 0, string reason = "")
    {
        lock (_world.Gate)
        {
            _machine.Close(_world.Now, code, reason);
            Pump();
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => CloseAsync();

    /// <summary>Does something with the machine under the gate, and sends what follows.</summary>
    public T Use<T>(Func<ConnectionMachine, Instant, T> use)
    {
        lock (_world.Gate)
        {
            var result = use(_machine, _world.Now);
            Pump();
            return result;
        }
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_world.Gate)
        {
            return read();
        }
    }

    private void ThrowIfOver()
    {
        if (_closed.Task.IsCompleted)
        {
            throw new Libp2pException(Libp2pError.Closed, "The connection is over.");
        }
    }

    private SimulatedStream Adopt(StreamState state)
    {
        var stream = new SimulatedStream(this, state);
        _streams.Add(state, stream);
        return stream;
    }

    private void Receive(byte[] payload)
    {
        _machine.HandlePacket(_world.Now, 1, payload);
        OnFirstPacket?.Invoke();
        OnFirstPacket = null;
        Pump();
    }

    private void Pump()
    {
        if (_pumping)
        {
            return;
        }

        _pumping = true;
        TakeEvents();
        while (_machine.TryBuildPacket(_world.Now, _packet, out var built))
        {
            var payload = _packet[..built.Length];
            _world.Send(() => Peer?.Receive(payload));
        }

        TakeEvents();
        _pumping = false;
        if (_machine.NextDeadline is { } at && at.Nanoseconds < _wakeAt)
        {
            _wakeAt = at.Nanoseconds;
            _world.PlanAt(at, Wake);
        }
    }

    private void Wake()
    {
        _wakeAt = long.MaxValue;
        if (_machine.NextDeadline <= _world.Now)
        {
            _machine.HandleTimeout(_world.Now);
        }

        Pump();
    }

    private void TakeEvents()
    {
        while (_machine.TryPollEvent(out var what))
        {
            switch (what.Kind)
            {
                case StreamEventKind.StreamOpened:
                    _accepted.Writer.TryWrite(Adopt(what.Stream!));
                    break;
                case StreamEventKind.Readable:
                    _streams.GetValueOrDefault(what.Stream!)?.Readable.Set();
                    break;
                case StreamEventKind.Writable or StreamEventKind.Stopped:
                    _streams.GetValueOrDefault(what.Stream!)?.Writable.Set();
                    break;
                case StreamEventKind.StreamsAvailable:
                    _streamsAvailable.SetResult();
                    _streamsAvailable = new(TaskCreationOptions.RunContinuationsAsynchronously);
                    break;
                case StreamEventKind.Datagram:
                    TakeDatagrams();
                    break;
                case StreamEventKind.Closed:
                    End();
                    break;
                default:
                    break;
            }
        }
    }

    private void TakeDatagrams()
    {
        var buffer = new byte[ushort.MaxValue];
        while (_machine.TryReceiveDatagram(buffer, out var length))
        {
            _datagrams.Writer.TryWrite(buffer[..length]);
        }
    }

    private void End()
    {
        _closed.TrySetResult(new(
            _machine.Cause switch
            {
                CloseCause.Local => ConnectionEndCause.Local,
                CloseCause.Peer => ConnectionEndCause.Peer,
                CloseCause.Idle => ConnectionEndCause.Lost,
                _ => ConnectionEndCause.Violation,
            },
            _machine.CloseCode,
            _machine.CloseReason));
        _accepted.Writer.TryComplete();
        _datagrams.Writer.TryComplete();
        _streamsAvailable.TrySetResult();
        _streamsAvailable = new(TaskCreationOptions.RunContinuationsAsynchronously);
        foreach (var stream in _streams.Values)
        {
            stream.Readable.Set();
            stream.Writable.Set();
        }
    }
}
