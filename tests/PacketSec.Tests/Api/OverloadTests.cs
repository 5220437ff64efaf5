using System.Net;
using System.Runtime.CompilerServices;
using PacketSec.Internal;
using PacketSec.Protocol;

namespace PacketSec.Tests.Api;

/// <summary>More datagrams than may wait while a gate is held: what is lost is counted, and the others are not lost.</summary>
[Collection(SocketsCollection.Name)]
public sealed class OverloadTests : IAsyncLifetime
{
    // As many as a shard lets wait, for a gate or for the endpoint's thread.
    private const int Room = 1024;
    private const int Datagrams = 1500;
    private const int Burst = 50;

    // Stands still, so that those who send neither miss an answer nor begin a handshake, however long a test takes.
    private readonly ManualTimeProvider _time = new();
    private readonly PacketSecIdentity _other = PacketSecIdentity.Generate();
    private readonly EndpointPair _pair;
    private PacketSecEndpoint _pacing = null!;
    private PacketSecChannel _dialled = null!;
    private PacketSecChannel _accepted = null!;
    private PacketSecChannel _pace = null!;
    private PacketSecChannel _paced = null!;

    public OverloadTests()
        => _pair = EndpointPair.Bind(o => o with { TimeProvider = _time }, o => o with { ReceiveQueueDatagrams = 2 * Datagrams });

    public async Task InitializeAsync()
    {
        _pacing = PacketSecEndpoint.Bind(new() { Identity = _other, LocalEndPoint = new(IPAddress.Loopback, 0), TimeProvider = _time });
        (_dialled, _accepted) = await _pair.OpenAsync();
        var connecting = _pacing.ConnectAsync(_pair.Listener.LocalEndPoint, _pair.Listener.PeerId);
        _paced = await _pair.Listener.AcceptAsync();
        _pace = await connecting;
        _dialled.TrySend([0]);
        Assert.Equal([0], await _accepted.ReceiveOneAsync());
        await PaceAsync();
    }

    public async Task DisposeAsync()
    {
        await _pacing.DisposeAsync();
        await _pair.DisposeAsync();
        _other.Dispose();
    }

    [Fact]
    public async Task Of_what_waits_for_a_peers_gate_the_surplus_is_counted_and_the_rest_delivered()
    {
        var before = _pair.Listener.UdpDatagramsReceived;
        using (new HeldGate(_accepted))
        {
            for (var i = 0; i < Datagrams; i++)
            {
                Assert.Equal(SendResult.Sent, _dialled.TrySend(BitConverter.GetBytes(i)));
                if (i % Burst == Burst - 1)
                {
                    await PaceAsync();
                }
            }

            // Each time that it is tried in vain, what waits may lose one to what has come meanwhile.
            Assert.InRange(Overloads(), Datagrams - Room, Datagrams - Room + (Datagrams / Burst));
            Assert.Equal(1, _accepted.GetStatistics().DatagramsReceived);
        }

        await Until.TrueAsync(() => _accepted.GetStatistics().DatagramsReceived - 1 + Overloads() == Datagrams);
        Assert.InRange(_pair.Listener.UdpDatagramsReceived - before, Datagrams + (Datagrams / Burst), long.MaxValue);
        var delivered = new HashSet<int>();
        for (var left = Datagrams - Overloads(); left > 0; left--)
        {
            Assert.True(delivered.Add(BitConverter.ToInt32(await _accepted.ReceiveOneAsync())));
        }

        Assert.All(delivered, number => Assert.InRange(number, 0, Datagrams - 1));
        Assert.Equal([DropReason.Overload], _pair.Listener.GetStatistics().Drops.Keys);
    }

    [Fact]
    public async Task Of_what_waits_for_the_endpoints_thread_the_surplus_is_counted_and_the_rest_looked_at()
    {
        using var stranger = new SilentHost();
        var datagram = Enumerable.Repeat((byte)0x55, 100).ToArray();
        var before = _pair.Listener.UdpDatagramsReceived;
        using (new HeldGate(_accepted))
        {
            // It looks for news of the peer, under the gate.
            Driver(_accepted).Notify(_accepted.Peer);
            for (var i = 0; i < Datagrams; i++)
            {
                stranger.SendTo(datagram, _pair.Listener.LocalEndPoint);
                if (i % Burst == Burst - 1)
                {
                    await PaceAsync();
                }
            }

            // It may have taken some before it came to the gate.
            Assert.InRange(Overloads(), 1, Datagrams - Room);
        }

        await Until.TrueAsync(() => _pair.Listener.GetStatistics().Drops.Values.Sum() == Datagrams);
        Assert.InRange(_pair.Listener.UdpDatagramsReceived - before, Datagrams + (Datagrams / Burst), long.MaxValue);
        Assert.InRange(Overloads(), 1, Datagrams - Room);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_endpoint")]
    private static extern ref EndpointDriver Driver(PacketSecChannel channel);

    private long Overloads() => _pair.Listener.GetStatistics().Drops.GetValueOrDefault(DropReason.Overload);

    /// <summary>Waits until the socket's thread has come to a datagram of another peer, so that the socket's buffer is empty.</summary>
    private async Task PaceAsync()
    {
        Assert.Equal(SendResult.Sent, _pace.TrySend([1]));
        await _paced.ReceiveOneAsync();
    }

    /// <summary>Holds the gate of a channel's peer, by a thread of its own.</summary>
    private sealed class HeldGate : IDisposable
    {
        private readonly ManualResetEventSlim _held = new();
        private readonly ManualResetEventSlim _release = new();
        private readonly Thread _holder;

        public HeldGate(PacketSecChannel channel)
        {
            _holder = new Thread(() =>
            {
                lock (channel.Peer.Gate)
                {
                    _held.Set();
                    _release.Wait(SocketsCollection.CeilingMilliseconds);
                }
            });
            _holder.Start();
            _held.Wait(SocketsCollection.CeilingMilliseconds);
        }

        public void Dispose()
        {
            _release.Set();
            _holder.Join();
            _held.Dispose();
            _release.Dispose();
        }
    }
}
