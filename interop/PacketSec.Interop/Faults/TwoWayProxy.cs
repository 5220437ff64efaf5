using System.Net;
using System.Net.Sockets;

namespace PacketSec.Interop.Faults;

/// <summary>
/// A UDP path with faults between two peers that both dial, on loopback. Each of them dials, and hears the other one from, one address: the one that
/// stands for the other.
/// </summary>
/// <remarks>Thread-safe. A side whose address is not said has the one that its first datagram comes from.</remarks>
internal sealed class TwoWayProxy : IAsyncDisposable
{
    /// <summary>How many datagrams are held until both sides have sent: a start takes a few copies of a proposal at worst.</summary>
    public const int MaxHeld = 16;

    private readonly Lock _gate = new();
    private readonly FaultPath _path;
    private readonly PathCounts _counts = new(0);
    private readonly List<(Side From, byte[] Datagram)> _held = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Side _left;
    private readonly Side _right;
    private readonly Task _loops;
    private bool _holds;

    /// <summary>Opens the path.</summary>
    /// <param name="profile">What happens to datagrams.</param>
    /// <param name="seed">Decides to which.</param>
    /// <param name="holds">Whether nothing arrives before both sides have sent, so that what they send first crosses.</param>
    /// <param name="left">The one side's address, if known.</param>
    /// <param name="right">The other side's.</param>
    public TwoWayProxy(FaultProfile profile, ulong seed, bool holds, IPEndPoint? left = null, IPEndPoint? right = null)
    {
        _path = new FaultPath(profile, seed);
        _holds = holds;
        _left = new(PacketDirection.ToListener, left);
        _right = new(PacketDirection.ToDialler, right);
        _loops = Task.WhenAll(ReceiveAsync(_left), ReceiveAsync(_right));
    }

    /// <summary>Gets the address that the left side dials in the right one's stead.</summary>
    public IPEndPoint ForLeft => _left.EndPoint;

    /// <summary>Gets the address that the right side dials in the left one's stead.</summary>
    public IPEndPoint ForRight => _right.EndPoint;

    /// <summary>Gets what is complete when the left side has sent.</summary>
    public Task LeftSent => _left.Sent;

    /// <summary>Gets what is complete when the right side has sent.</summary>
    public Task RightSent => _right.Sent;

    /// <summary>Gets a value indicating whether each side had sent before anything reached it.</summary>
    public bool Crossed
    {
        get
        {
            lock (_gate)
            {
                return _left.SentFirst && _right.SentFirst;
            }
        }
    }

    /// <summary>Returns the counts of one class, both ways.</summary>
    public FaultCounts Counts(PacketClass packetClass)
        => _counts.Of(packetClass, PacketDirection.ToListener) + _counts.Of(packetClass, PacketDirection.ToDialler);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loops;
        _path.Dispose();
        _left.Socket.Dispose();
        _right.Socket.Dispose();
        _stop.Dispose();
    }

    private async Task ReceiveAsync(Side side)
    {
        var from = new SocketAddress(AddressFamily.InterNetwork);
        await FaultPath.ReceiveAsync(
            buffer => side.Socket.ReceiveFromAsync(buffer, SocketFlags.None, from, _stop.Token), datagram => Take(side, from, datagram), _stop.Token);
    }

    private void Take(Side side, SocketAddress from, Memory<byte> datagram)
    {
        lock (_gate)
        {
            side.Address ??= FaultPath.Copy(from);
            if (!side.Address.Equals(from))
            {
                return;
            }

            side.OnSent();
            if (_holds && !(_left.Sent.IsCompleted && _right.Sent.IsCompleted))
            {
                if (_held.Count < MaxHeld)
                {
                    _held.Add((side, datagram.ToArray()));
                }
                else
                {
                    _counts.Add(_counts.Next(PacketClasses.Classify(datagram.Span), side.Direction), new() { Received = 1, Cut = 1 });
                }

                return;
            }

            // Under the lock, so that what was held stays in front.
            _holds = false;
            foreach (var (holder, held) in _held)
            {
                Pass(holder, held);
            }

            _held.Clear();
            Pass(side, datagram);
        }
    }

    private void Pass(Side from, Memory<byte> datagram)
    {
        var to = from == _left ? _right : _left;
        _path.Pass(_counts, from.Direction, datagram, bytes => Send(to, bytes));
    }

    private void Send(Side to, ReadOnlyMemory<byte> datagram)
    {
        lock (_gate)
        {
            if (to.Address is null)
            {
                return;
            }

            to.OnReached();
            to.Socket.SendTo(datagram.Span, SocketFlags.None, to.Address);
        }
    }

    /// <summary>One side, and the socket that it talks to.</summary>
    private sealed class Side(PacketDirection direction, IPEndPoint? address)
    {
        private readonly TaskCompletionSource _sent = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private bool _reached;

        /// <summary>Gets where goes what the side sends.</summary>
        public PacketDirection Direction => direction;

        public Socket Socket { get; } = FaultPath.Open();

        public IPEndPoint EndPoint => (IPEndPoint)Socket.LocalEndPoint!;

        public SocketAddress? Address { get; set; } = address?.Serialize();

        public Task Sent => _sent.Task;

        /// <summary>Gets a value indicating whether it had sent when the first datagram went to it.</summary>
        public bool SentFirst { get; private set; }

        public void OnSent() => _sent.TrySetResult();

        public void OnReached()
        {
            SentFirst |= !_reached && Sent.IsCompleted;
            _reached = true;
        }
    }
}
