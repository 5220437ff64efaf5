using PacketSec.Protocol;
using PacketSec.Udp;

namespace PacketSec.Internal;

/// <summary>
/// Datagrams of the protocol itself on their way to the system, with one call for as many as fit: handshakes, receipts, keepalives, closings. Where
/// thousands of peers have one due at the same tick, the calls would else cost more than all the rest. Belongs to one thread.
/// </summary>
/// <param name="failed">Is told how many datagrams the system did not take.</param>
internal sealed class ControlBatch(Action<int> failed)
{
    /// <summary>The most datagrams.</summary>
    public const int Capacity = 128;

    private readonly SendBatch _batch = new();
    private readonly PeerDriver?[] _owners = new PeerDriver?[Capacity];
    private IDatagramIo? _io;
    private PathAddress _path;
    private UdpAddress _local;
    private UdpAddress _remote;

    /// <summary>Gets the number of datagrams that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Gets the room of the next datagram, after what is in its way has been sent. No gate may be held.</summary>
    /// <param name="io">The socket that is to send it.</param>
    /// <param name="length">Its length at most.</param>
    public Span<byte> RoomFor(IDatagramIo io, int length)
    {
        if (Count == Capacity || _batch.IsFull || _batch.Free.Length < length || (_io is { } other && other != io))
        {
            Flush();
        }

        _io = io;
        return _batch.Free;
    }

    /// <summary>Takes the datagram that was written to <see cref="RoomFor"/>.</summary>
    /// <param name="path">Where it goes.</param>
    /// <param name="length">Its length.</param>
    /// <param name="owner">The peer that is told whether there is a way to it, or null.</param>
    public void Append(in PathAddress path, int length, PeerDriver? owner)
    {
        if (path != _path)
        {
            (_path, _local, _remote) = (path, path.Local.ToUdpAddress(), path.Remote.ToUdpAddress());
        }

        _batch.Append(_local, _remote, length);
        _owners[Count++] = owner;
    }

    /// <summary>Sends what waits. No gate may be held.</summary>
    public void Flush()
    {
        if (Count == 0)
        {
            return;
        }

        _io!.Send(_batch);
        var next = 0;
        var lost = 0;
        foreach (ref readonly var group in _batch.Groups)
        {
            var segments = group.Segments;
            lost += segments - group.Sent;
            for (var i = 0; i < segments; i++, next++)
            {
                if (_owners[next] is { } owner)
                {
                    owner.Unreachable = group.Status == SendStatus.Unreachable && !group.WasSent(i);
                    _owners[next] = null;
                }
            }
        }

        _batch.Clear();
        (_io, Count) = (null, 0);
        if (lost > 0)
        {
            failed(lost);
        }
    }
}
