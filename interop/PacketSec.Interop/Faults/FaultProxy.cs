using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace PacketSec.Interop.Faults;

/// <summary>
/// A UDP path with faults, on loopback: one socket that diallers send to, and one socket for each of them towards the listener, so that the
/// listener sees as many addresses as there are diallers. Reads nothing of a datagram but what tells its class.
/// </summary>
/// <remarks>Thread-safe. The diallers' sockets are numbered in the order in which they first send.</remarks>
internal sealed class FaultProxy : IAsyncDisposable
{
    /// <summary>A cell has a handful of diallers; what comes from further addresses is counted as cut.</summary>
    public const int MaxClients = 32;

    private readonly IPEndPoint _listener;
    private readonly FaultPath _path;
    private readonly Socket _front = FaultPath.Open();
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<SocketAddress, Client> _clients = new();
    private readonly Task _frontLoop;

    /// <summary>Opens the path.</summary>
    /// <param name="listener">Where datagrams go, an IPv4 loopback address.</param>
    /// <param name="profile">What happens to them.</param>
    /// <param name="seed">Decides to which.</param>
    /// <param name="filter">Says which pass at all; null lets all.</param>
    public FaultProxy(IPEndPoint listener, FaultProfile profile, ulong seed, DatagramFilter? filter = null)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(IPAddress.IsLoopback(listener.Address), true);
        _listener = listener;
        _path = new FaultPath(profile, seed) { Filter = filter };
        EndPoint = (IPEndPoint)_front.LocalEndPoint!;
        _frontLoop = ReceiveFrontAsync();
    }

    /// <summary>Gets the address that diallers dial in the listener's stead.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Gets or sets a value indicating whether nothing gets through, either way.</summary>
    public bool Cut
    {
        get => _path.Cut;
        set => _path.Cut = value;
    }

    /// <summary>Returns the counts of one class and direction over all clients.</summary>
    public FaultCounts Counts(PacketClass packetClass, PacketDirection direction)
        => _clients.Values.Select(client => client.Counts.Of(packetClass, direction)).Aggregate(new FaultCounts(), (sum, counts) => sum + counts);

    /// <summary>Returns the counts of one class, both ways.</summary>
    public FaultCounts Counts(PacketClass packetClass)
        => Counts(packetClass, PacketDirection.ToListener) + Counts(packetClass, PacketDirection.ToDialler);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _frontLoop;
        foreach (var client in _clients.Values)
        {
            await client.Loop;
        }

        _path.Dispose();
        foreach (var client in _clients.Values)
        {
            client.Back.Dispose();
        }

        _front.Dispose();
        _stop.Dispose();
    }

    private async Task ReceiveFrontAsync()
    {
        var from = new SocketAddress(AddressFamily.InterNetwork);
        await FaultPath.ReceiveAsync(
            buffer => _front.ReceiveFromAsync(buffer, SocketFlags.None, from, _stop.Token),
            datagram =>
            {
                if (ClientAt(from) is { } client)
                {
                    _path.Pass(client.Counts, PacketDirection.ToListener, datagram, client.SendToListener);
                }
            },
            _stop.Token);
    }

    private Client? ClientAt(SocketAddress from)
    {
        if (_clients.TryGetValue(from, out var known))
        {
            return known;
        }

        // Only the front loop adds.
        if (_clients.Count == MaxClients)
        {
            return null;
        }

        var back = FaultPath.Open();
        back.Connect(_listener);
        var address = FaultPath.Copy(from);
        var client = new Client(
            new(_clients.Count), back, datagram => back.Send(datagram.Span, SocketFlags.None), datagram => _front.SendTo(datagram.Span, SocketFlags.None, address));
        _clients[address] = client;
        client.Loop = FaultPath.ReceiveAsync(
            buffer => back.ReceiveAsync(buffer, SocketFlags.None, _stop.Token),
            datagram => _path.Pass(client.Counts, PacketDirection.ToDialler, datagram, client.SendToDialler),
            _stop.Token);
        return client;
    }

    private sealed record Client(PathCounts Counts, Socket Back, Action<ReadOnlyMemory<byte>> SendToListener, Action<ReadOnlyMemory<byte>> SendToDialler)
    {
        public Task Loop { get; set; } = Task.CompletedTask;
    }
}
