using System.Buffers.Binary;
using PacketSec.Benchmarks.Rig;
using PacketSec.Crypto;
using PacketSec.Protocol;

namespace PacketSec.Benchmarks.Ratios;

/// <summary>
/// An endpoint with so many peers, each at an address of its own, who send in turn. Their datagrams are sealed in small batches right before they
/// are received, into a buffer that stays near the core as a receive buffer does, and with keys that stand one after the other: what sealing
/// touches is small, and the same for one peer as for many.
/// </summary>
internal sealed class Crowd : IDisposable
{
    private const int BatchSize = 100;
    private const int Size = RatioRun.PayloadSize + SpecLimits.DatagramOverhead;

    private readonly Listener _listener;
    private readonly AeadContext _sealing;
    private readonly PathAddress[] _paths;
    private readonly Routed[] _routed = new Routed[BatchSize];
    private readonly byte[] _keys;
    private readonly uint[] _counters;
    private readonly byte[] _batch = GC.AllocateArray<byte>(BatchSize * Size, pinned: true);
    private readonly byte[] _payload = new byte[RatioRun.PayloadSize];
    private readonly byte[] _plaintext = new byte[Size];
    private int _next;

    public Crowd(ICryptoProvider crypto, int peers)
    {
        _listener = new Listener(crypto);
        _sealing = crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
        _paths = new PathAddress[peers];
        _keys = new byte[peers * 32];
        for (var i = 0; i < peers; i++)
        {
            // Each second allows so many first messages.
            _listener.Now += TimeSpan.FromMilliseconds(1);
            using var identity = _listener.NewIdentity();
            var peering = _listener.Dial(identity, i);
            peering.ToServer.CopyTo(_keys.AsSpan(i * 32));
            _paths[i] = peering.AtServer;
            peering.Client.Dispose();
        }

        _counters = new uint[peers];

        // The clients have sealed an empty packet.
        Array.Fill(_counters, SpecLimits.FirstDataCounter + 1);

        // The clients are elsewhere: an endpoint that has run for a while has only its own objects in memory, one beside the other.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
    }

    /// <summary>Receives datagrams, of the peers in turn, and returns the nanoseconds without the sealing.</summary>
    /// <param name="count">How many, a multiple of the batch.</param>
    /// <param name="lookAhead">Whether later datagrams of a batch are looked at while earlier ones are opened.</param>
    public double Receive(int count, bool lookAhead)
    {
        var time = 0d;
        for (var done = 0; done < count; done += BatchSize)
        {
            var first = _next;
            Seal();
            var start = Clock.Now();
            if (lookAhead)
            {
                ReceiveBatch(first);
            }
            else
            {
                ReceiveOneByOne(first);
            }

            time += Clock.Now() - start;
        }

        return time;
    }

    public void Dispose()
    {
        _listener.Dispose();
        _sealing.Dispose();
    }

    private void Seal()
    {
        Span<byte> nonce = stackalloc byte[AeadContext.NonceSize];
        nonce.Clear();
        for (var i = 0; i < BatchSize; i++)
        {
            var packet = _batch.AsSpan(i * Size, Size);
            var counter = _counters[_next]++;
            BinaryPrimitives.WriteUInt32BigEndian(packet, counter);
            BinaryPrimitives.WriteUInt64LittleEndian(nonce[4..], counter);
            _sealing.Seal(_keys.AsSpan(_next * 32, 32), nonce, packet[..SpecLimits.HeaderSize], _payload, packet[SpecLimits.HeaderSize..]);
            _next = _next + 1 == _paths.Length ? 0 : _next + 1;
        }
    }

    // Four datagrams ahead the route is asked for, three ahead the machine, and so on.
    private void ReceiveBatch(int peer)
    {
        for (var i = -4; i < BatchSize; i++)
        {
            if (i + 4 < BatchSize)
            {
                _listener.Endpoint.FetchRoute(PathOf(peer, i + 4).Remote);
            }

            if (i + 3 is >= 0 and < BatchSize)
            {
                var machine = Route(PathOf(peer, i + 3));
                PeerMachine.Fetch(machine);
                _routed[i + 3].Machine = machine;
            }

            if (i + 2 is >= 0 and < BatchSize)
            {
                _routed[i + 2].Machine.FetchState();
            }

            if (i + 1 is >= 0 and < BatchSize)
            {
                _routed[i + 1].Machine.FetchKeys();
            }

            if (i >= 0)
            {
                Open(_routed[i].Machine, PathOf(peer, i), i);
            }
        }
    }

    private void ReceiveOneByOne(int peer)
    {
        for (var i = 0; i < BatchSize; i++)
        {
            ref readonly var path = ref PathOf(peer, i);
            Open(Route(path), path, i);
        }
    }

    private ref readonly PathAddress PathOf(int peer, int index)
    {
        return ref _paths[(peer + index) % _paths.Length];
    }

    private PeerMachine Route(in PathAddress path)
        => _listener.Endpoint.TryRoute(path.Remote, out var route)
            ? _listener.ServerOf(route[0])
            : throw new InvalidOperationException("A peer has no route.");

    private void Open(PeerMachine machine, in PathAddress path, int index)
    {
        var received = machine.HandleDatagram(_listener.Now, _listener.Aead, path, _batch.AsSpan(index * Size, Size), _plaintext);
        RatioRun.Require(received, ReceivedKind.Payload);
    }

    // A store into an array of references would read the object for its type, and wait for it.
    private struct Routed
    {
        public PeerMachine Machine;
    }
}
