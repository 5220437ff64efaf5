using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using PacketSec.Diagnostics;
using PacketSec.Protocol;
using PacketSec.Protocol.Routing;
using PacketSec.Udp;

namespace PacketSec.Internal;

/// <summary>
/// One socket of the endpoint and the thread that receives on it: it opens what comes to known peers, under their gates, and delivers it. What it
/// cannot decide alone, so all of strangers and handshakes, it hands to the endpoint's thread; it never waits for that one, nor for a peer's gate.
/// </summary>
internal sealed class Shard
{
    /// <summary>The most datagrams opened under one hold of a peer's gate, which its senders wait for.</summary>
    private const int OpenRun = 16;

    // Where a gate is not free for this long, its holder has been taken off its processor: other peers do not wait for that.
    private const int GateMilliseconds = 4;

    // How long to wait before what is parked is tried again.
    private const int ParkMilliseconds = 1;

    // Receipts wait for others, which leave with the same call, while datagrams come without a pause.
    private const int ReceiptsAtOnce = 16;

    private const int LookAheadSteps = 4;
    private const int ParkedBytes = 1024 * 1024;
    private const int HandedBytes = 512 * 1024;
    private const int RingDatagrams = 1024;

    private static readonly TimeSpan ReceiptsWait = TimeSpan.FromMilliseconds(1);

    private readonly EndpointDriver _endpoint;
    private readonly EndpointMachine _machine;
    private readonly Thread _thread;
    private readonly PacketAead _aead;
    private readonly ReceiveBatch _batch;
    private readonly byte[] _plaintext = GC.AllocateUninitializedArray<byte>(UdpTransport.ReceiveBufferSize, pinned: true);
    private readonly int[] _lengths = new int[OpenRun];
    private readonly long[] _sessions = new long[OpenRun];
    private readonly List<PacketSecChannel> _toEnd = [];
    private readonly DatagramRing _parked = new(ParkedBytes, RingDatagrams);
    private readonly ControlBatch _receipts;
    private readonly long[] _nextDropLog = new long[Enum.GetValues<DropReason>().Length];
    private int _erasures;
    private long _handled;
    private long _overloads;
    private bool _wakes;
    private Instant _receiptsUntil;

    public Shard(EndpointDriver endpoint, EndpointMachine machine, PacketAead aead, IDatagramIo io, int number)
    {
        _endpoint = endpoint;
        _machine = machine;
        _aead = aead;
        Io = io;
        _batch = io.CreateReceiveBatch();
        _receipts = new ControlBatch(endpoint.CountSendFailures);
        _thread = new Thread(Run) { IsBackground = true, Name = $"PacketSec receive {number}" };
    }

    public IDatagramIo Io { get; }

    /// <summary>Gets the datagrams that wait for the endpoint's thread, which takes them.</summary>
    public DatagramRing Handed { get; } = new(HandedBytes, RingDatagrams);

    /// <summary>Gets the channels whose datagrams a handler of the application is to get now.</summary>
    public ConcurrentQueue<PacketSecChannel> Attached { get; } = new();

    /// <summary>Gets the datagrams dropped because a ring was full, for <see cref="DropReason.Overload"/>.</summary>
    public long Overloads => Volatile.Read(ref _overloads);

    /// <summary>Gets the datagrams that this thread is done with.</summary>
    public long Handled => Volatile.Read(ref _handled);

    public void Start() => _thread.Start();

    /// <summary>Waits for the thread's end, which the disposal of the socket brings about.</summary>
    /// <returns>False when a handler of the application holds it up.</returns>
    public bool Join(TimeSpan bound) => !_thread.IsAlive || _thread.Join(bound);

    /// <summary>Makes the thread wipe the keys that its cipher keeps. Any thread.</summary>
    public void ForgetKeys()
    {
        Interlocked.Increment(ref _erasures);
        Io.Wake();
    }

    private void Run()
    {
        var erased = 0;
        try
        {
            while (true)
            {
                var wait = _receipts.Count > 0 ? 0 : _parked.Count > 0 ? ParkMilliseconds : Timeout.Infinite;
                var status = Io.Receive(_batch, wait);
                if (status == ReceiveStatus.Closed)
                {
                    break;
                }

                if (Volatile.Read(ref _erasures) is var erasures && erasures != erased)
                {
                    erased = erasures;
                    _aead.ForgetKeys();
                }

                while (Attached.TryDequeue(out var channel))
                {
                    channel.DeliverWaiting();
                    if (channel.WantsBatchEnd)
                    {
                        _toEnd.Add(channel);
                    }
                }

                var now = _endpoint.Clock.Now;
                if (_parked.Count > 0)
                {
                    RetryParked(now);
                }

                HandleBatch(now);
                EndBatch();
                if (_receipts.Count >= ReceiptsAtOnce || _batch.Count == 0 || _batch.TookAll || now >= _receiptsUntil)
                {
                    _receipts.Flush();
                }

                if (_wakes)
                {
                    // Once for the whole batch: waking a thread costs more than a datagram.
                    _wakes = false;
                    _endpoint.Wake();
                }
            }
        }
        catch (Exception error)
        {
            _endpoint.Post(new DriverMessage.Fail(error));
        }
        finally
        {
            _aead.Dispose();
            _parked.Clear();
            CryptographicOperations.ZeroMemory(_plaintext);
        }
    }

    private void HandleBatch(Instant now)
    {
        if (_batch.Count == 1)
        {
            ref readonly var piece = ref _batch[0];
            Handle(now, PathOf(piece), _batch.BytesOf(piece), piece.SegmentSize);
            return;
        }

        var ahead = default(Ahead);
        for (var i = -LookAheadSteps; i < _batch.Count; i++)
        {
            LookAhead(i, ref ahead);
            if (i >= 0)
            {
                ref readonly var piece = ref _batch[i];
                ref readonly var known = ref ahead[i % LookAheadSteps];
                Handle(now, PathOf(piece), known.Route, known.Peer, _batch.BytesOf(piece), piece.SegmentSize);
            }
        }
    }

    /// <summary>Lets streams answer what came, once for all of it.</summary>
    private void EndBatch()
    {
        foreach (var channel in _toEnd)
        {
            channel.EndBatch();
        }

        _toEnd.Clear();
    }

    /// <summary>Takes one step for each of the next pieces, so that what they need is near when it is their turn: with thousands of peers it is not.</summary>
    private void LookAhead(int current, ref Ahead ahead)
    {
        if (current + LookAheadSteps < _batch.Count)
        {
            _machine.FetchRoute(_batch[current + LookAheadSteps].Remote.ToNetworkAddress());
        }

        if (IsAhead(current + 3))
        {
            // Not looked at, only asked for: to check its type would be to wait for it.
            ref var next = ref ahead[(current + 3) % LookAheadSteps];
            next.Peer = _machine.TryRoute(_batch[current + 3].Remote.ToNetworkAddress(), out next.Route) && next.Route.Count == 1
                ? Unsafe.As<PeerDriver>(next.Route.OwnerOf(0))
                : null;
            PeerDriver.Fetch(next.Peer);
        }

        if (IsAhead(current + 2))
        {
            ahead[(current + 2) % LookAheadSteps].Peer?.FetchParts();
        }

        if (IsAhead(current + 1))
        {
            ahead[(current + 1) % LookAheadSteps].Peer?.Machine.FetchState();
        }

        if (IsAhead(current))
        {
            ahead[current % LookAheadSteps].Peer?.Machine.FetchKeys();
        }
    }

    private bool IsAhead(int piece) => piece >= 0 && piece < _batch.Count;

    private static PathAddress PathOf(in ReceivedSegments piece) => new(piece.Local.ToNetworkAddress(), piece.Remote.ToNetworkAddress());

    private void Handle(Instant now, in PathAddress path, ReadOnlySpan<byte> datagrams, int size)
    {
        var known = _machine.TryRoute(path.Remote, out var route) && route.Count == 1;
        Handle(now, path, route, known ? route.OwnerOf(0) as PeerDriver : null, datagrams, size);
    }

    /// <summary>Handles datagrams of one sender, all of one size but the last, which may be shorter.</summary>
    //= spec/sessions.md#drop-reasons
    private void Handle(Instant now, in PathAddress path, in Route route, PeerDriver? peer, ReadOnlySpan<byte> datagrams, int size)
    {
        if (peer is not null && !datagrams.IsEmpty)
        {
            while (!datagrams.IsEmpty)
            {
                var run = datagrams[..Math.Min(datagrams.Length, OpenRun * size)];
                Open(now, peer, route, path, run, size);
                datagrams = datagrams[run.Length..];
            }

            return;
        }

        // Of nobody, or of one of several identities behind one address: the endpoint's thread finds out.
        do
        {
            var datagram = datagrams[..Math.Min(datagrams.Length, size)];
            HandOver(path, datagram);
            datagrams = datagrams[datagram.Length..];
        }
        while (!datagrams.IsEmpty);
    }

    private void Open(Instant now, PeerDriver peer, in Route route, in PathAddress path, ReadOnlySpan<byte> datagrams, int size)
    {
        var channel = peer.Channel;
        var most = (datagrams.Length + size - 1) / size;
        var payload = PayloadBytes(datagrams.Length, size);
        Span<byte> room = default;
        var reserved = payload > 0 && channel.TryReserve(most, payload, out room);
        if (!reserved)
        {
            room = _plaintext;
        }

        var receipt = _receipts.RoomFor(Io, SpecLimits.DatagramOverhead);
        if (!TryEnter(peer))
        {
            if (reserved)
            {
                channel.Commit(default, default);
            }

            Park(path, datagrams, size);
            return;
        }

        var opened = 0;
        var used = 0;
        var hasNews = false;
        var deadlineMoved = false;
        var dropped = DropReason.None;
        try
        {
            while (!datagrams.IsEmpty)
            {
                var datagram = datagrams[..Math.Min(datagrams.Length, size)];
                datagrams = datagrams[datagram.Length..];
                var received = peer.Machine.HandleDatagram(now, _aead, path, datagram, room[used..]);
                hasNews |= !received.NothingPending;
                deadlineMoved |= received.DeadlineMoved;
                switch (received.Kind)
                {
                    case ReceivedKind.Payload:
                        _sessions[opened] = peer.Machine.OpenedOn;
                        _lengths[opened++] = received.Payload.Length;
                        used += received.Payload.Length;
                        break;
                    case ReceivedKind.Unclaimed when EndpointDriver.MayBeStrangers(route, datagram):
                        HandOver(path, datagram);
                        continue;
                    case ReceivedKind.Unclaimed:
                        peer.Machine.CountDrop(received.DropReason);
                        dropped = received.DropReason;
                        break;
                    case ReceivedKind.Dropped:
                        dropped = received.DropReason;
                        break;
                    default:
                        break;
                }

                _handled++;
            }

            if (opened > 0 && peer.Machine.TrySealReceipt(now, _aead, receipt, out var transmit))
            {
                _receiptsUntil = _receipts.Count == 0 ? now + ReceiptsWait : _receiptsUntil;
                _receipts.Append(transmit.Path, transmit.Length, null);
            }

            hasNews |= deadlineMoved && peer.IsTooLateFor(peer.Machine.NextDeadline);
        }
        finally
        {
            peer.Gate.Exit();
        }

        if (hasNews)
        {
            _endpoint.AddNews(peer);
            _wakes = true;
        }

        if (opened > 0 && peer.Shard != this)
        {
            peer.Shard = this;
        }

        if (reserved)
        {
            CountUndelivered(now, peer, path, channel.Commit(_lengths.AsSpan(0, opened), _sessions.AsSpan(0, opened)), opened);
        }
        else if (opened > 0)
        {
            Deliver(now, peer, path, room[..used], _lengths.AsSpan(0, opened), _sessions.AsSpan(0, opened));
        }

        if (dropped != DropReason.None)
        {
            LogDrop(now, path, dropped);
        }
    }

    private static int PayloadBytes(int bytes, int size)
    {
        if (size <= SpecLimits.DatagramOverhead)
        {
            return 0;
        }

        var last = bytes % size;
        return (bytes / size * (size - SpecLimits.DatagramOverhead)) + Math.Max(last - SpecLimits.DatagramOverhead, 0);
    }

    private static bool TryEnter(PeerDriver peer)
    {
        var entered = peer.Gate.TryEnter(peer.IsParked ? 0 : GateMilliseconds);
        peer.IsParked = !entered;
        return entered;
    }

    private void HandOver(in PathAddress path, ReadOnlySpan<byte> datagram)
    {
        if (Handed.TryAdd(path, datagram))
        {
            _wakes = true;
        }
        else
        {
            DropOverload();
        }
    }

    private void Park(in PathAddress path, ReadOnlySpan<byte> datagrams, int size)
    {
        while (!datagrams.IsEmpty)
        {
            var datagram = datagrams[..Math.Min(datagrams.Length, size)];
            datagrams = datagrams[datagram.Length..];
            if (!_parked.TryAdd(path, datagram))
            {
                DropOverload();
            }
        }
    }

    private void RetryParked(Instant now)
    {
        // What still has to wait goes to the end, where there is room for it: its own place is free, and nobody else adds.
        for (var i = _parked.Count; i > 0 && _parked.TryPeek(out var path, out var datagram); i--)
        {
            _parked.Remove();
            Handle(now, path, datagram, datagram.Length);
        }
    }

    private void DropOverload()
    {
        _overloads++;
        _handled++;
    }

    private void Deliver(
        Instant now, PeerDriver peer, in PathAddress path, ReadOnlySpan<byte> payloads, ReadOnlySpan<int> lengths, ReadOnlySpan<long> sessions)
    {
        var dropped = peer.Channel.Deliver(payloads, lengths, sessions, out var reason);
        if (peer.Channel.WantsBatchEnd)
        {
            _toEnd.Add(peer.Channel);
        }

        CountUndelivered(now, peer, path, reason, dropped);
    }

    private void CountUndelivered(Instant now, PeerDriver peer, in PathAddress path, DropReason reason, int count)
    {
        if (reason != DropReason.None && count > 0)
        {
            peer.CountDrops(reason, count);
            LogDrop(now, path, reason);
        }
    }

    private void LogDrop(Instant now, in PathAddress path, DropReason reason)
    {
        if (now.Nanoseconds >= _nextDropLog[(int)reason] && _endpoint.Log.IsEnabled(LogLevel.Debug))
        {
            _nextDropLog[(int)reason] = (now + TimeSpan.FromSeconds(1)).Nanoseconds;
            _endpoint.Log.Dropped(path.Remote, reason);
        }
    }

    private struct AheadPiece
    {
        public Route Route;
        public PeerDriver? Peer;
    }

    /// <summary>Whose the next pieces are, found once: a piece is handled as its route was a few pieces earlier.</summary>
    [InlineArray(LookAheadSteps)]
    private struct Ahead
    {
        private AheadPiece _first;
    }
}
