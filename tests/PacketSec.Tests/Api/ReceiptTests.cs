using System.Net;
using PacketSec.Internal;
using PacketSec.Protocol;

namespace PacketSec.Tests.Api;

/// <summary>Who sends the receipts of an endpoint with many peers: their shards where data come, the endpoint's thread where none do, and both with few calls.</summary>
[Collection(SocketsCollection.Name)]
public class ReceiptTests
{
    private const int Peers = 12;

    // The session is renewed after more time than these take.
    private const int Rounds = 80;

    // The clock stands at a tick of the wheel when a test begins, and the next deadline of a receipt lies between two.
    private static readonly TimeSpan BeforeTheTick = SpecLimits.AcknowledgeAfter;
    private static readonly TimeSpan AfterTheTick = TimeSpan.FromMilliseconds(64);

    private readonly ManualTimeProvider _time = new();

    //= spec/sessions.md#receipt
    [Theory]
    [InlineData(DatagramPath.Automatic)]
    [InlineData(DatagramPath.Portable)]
    public async Task Data_that_come_when_a_receipt_is_due_draw_it_at_once_and_only_one(DatagramPath path)
    {
        await using var pair = EndpointPair.Bind(o => o with { TimeProvider = _time }, o => o with { TimeProvider = _time, DatagramPath = path });
        var (dialled, accepted) = await pair.OpenAsync();
        await SendAsync(accepted, dialled, 0);
        await SendAsync(dialled, accepted, 1);
        var before = pair.Dialler.UdpDatagramsReceived;

        // The wheel would come up later.
        _time.Advance(BeforeTheTick);
        await SendAsync(dialled, accepted, 2);
        await Until.TrueAsync(() => pair.Dialler.UdpDatagramsReceived == before + 1);

        // Now it does, and finds that the deadline has moved away.
        _time.Advance(AfterTheTick);
        await SendAsync(dialled, accepted, 3);
        accepted.TrySend([4]);
        Assert.Equal([4], await dialled.ReceiveOneAsync());
        Assert.Equal(before + 2, pair.Dialler.UdpDatagramsReceived);
        Assert.Equal(0, pair.Listener.GetStatistics().SendFailures);
    }

    //= spec/performance.md#no-allocation
    [Fact]
    public async Task Receipts_allocate_nothing()
    {
        await using var pair = Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        var allocated = new List<long>(Rounds);
        accepted.OnDatagram(_ =>
        {
            lock (allocated)
            {
                allocated.Add(GC.GetAllocatedBytesForCurrentThread());
            }
        });
        var before = pair.Dialler.UdpDatagramsReceived;
        for (var round = 1; round <= Rounds; round++)
        {
            dialled.TrySend([1]);
            await Until.TrueAsync(() => CountOf(allocated) == round);
            _time.Advance(BeforeTheTick);
        }

        // Each second datagram drew the receipt of the one before, unless the endpoint's thread was there first.
        await Until.TrueAsync(() => pair.Dialler.UdpDatagramsReceived >= before + (Rounds / 2) - 1);

        // The first wait for a lock makes its event; a single object for each receipt would be more.
        Assert.InRange(allocated[^1] - allocated[Rounds / 4], 0, (Rounds / 4 * 24) - 1);
    }

    //= spec/performance.md#control-calls
    [LinuxFact]
    public async Task Receipts_that_are_due_at_one_tick_leave_with_few_calls()
    {
        await using var crowd = await Crowd.OpenAsync(_time);
        await crowd.SendAsync(1);
        var calls = crowd.Listener.IoCounters.SendCalls;

        _time.Advance(SpecLimits.AcknowledgeAfter + AfterTheTick);

        await crowd.ReceivedAsync(1);
        Assert.InRange(crowd.Listener.IoCounters.SendCalls - calls, 1, Peers / 10);
        Assert.Equal(0, crowd.Listener.GetStatistics().SendFailures);
    }

    [LinuxFact]
    public async Task While_data_go_on_nobody_has_to_tell_the_endpoints_thread_of_the_next_receipt()
    {
        await using var crowd = await Crowd.OpenAsync(_time);
        await crowd.SendAsync(1);
        _time.Advance(SpecLimits.AcknowledgeAfter + AfterTheTick);
        await crowd.ReceivedAsync(1);

        // It looks at them in time by itself.
        var due = new Instant(_time.GetTimestamp() * TimeSpan.NanosecondsPerTick) + SpecLimits.AcknowledgeAfter;
        Assert.All(crowd.Accepted, accepted => Assert.False(accepted.Peer.IsTooLateFor(due)));
        await crowd.SendAsync(2);
        _time.Advance(SpecLimits.AcknowledgeAfter + AfterTheTick);
        await crowd.ReceivedAsync(2);
    }

    private static int CountOf(List<long> list)
    {
        lock (list)
        {
            return list.Count;
        }
    }

    private static async Task SendAsync(PacketSecChannel from, PacketSecChannel to, byte datagram)
    {
        from.TrySend([datagram]);
        Assert.Equal([datagram], await to.ReceiveOneAsync());
    }

    private EndpointPair Bind() => EndpointPair.Bind(o => o with { TimeProvider = _time }, o => o with { TimeProvider = _time });

    /// <summary>One endpoint and many that have a channel to it.</summary>
    private sealed class Crowd : IAsyncDisposable
    {
        private readonly List<PacketSecIdentity> _identities = [];
        private readonly List<PacketSecEndpoint> _diallers = [];
        private readonly List<PacketSecChannel> _dialled = [];
        private readonly List<long> _before = [];

        private Crowd(ManualTimeProvider time) => Listener = Bind(time);

        public PacketSecEndpoint Listener { get; }

        public List<PacketSecChannel> Accepted { get; } = [];

        public static async Task<Crowd> OpenAsync(ManualTimeProvider time)
        {
            var crowd = new Crowd(time);
            for (var i = 0; i < Peers; i++)
            {
                var dialler = crowd.Bind(time);
                crowd._diallers.Add(dialler);
                var dialling = dialler.ConnectAsync(crowd.Listener.LocalEndPoint, crowd.Listener.PeerId);
                crowd.Accepted.Add(await crowd.Listener.AcceptAsync());
                crowd._dialled.Add(await dialling);

                // Behind all that its handshake sends.
                await ReceiptTests.SendAsync(crowd.Accepted[^1], crowd._dialled[^1], 0);
            }

            return crowd;
        }

        /// <summary>Each sends one datagram, and the endpoint's thread knows when the receipts for them are due.</summary>
        public async Task SendAsync(byte datagram)
        {
            _before.Clear();
            _before.AddRange(_diallers.Select(dialler => dialler.UdpDatagramsReceived));
            for (var i = 0; i < Peers; i++)
            {
                await ReceiptTests.SendAsync(_dialled[i], Accepted[i], datagram);
            }

            await Until.TrueAsync(() => Accepted.TrueForAll(accepted => accepted.Peer.HasNews == 0 && !IsTooLate(accepted.Peer)));
        }

        /// <summary>Waits until each has got one datagram since it sent last.</summary>
        public async Task ReceivedAsync(int round)
        {
            await Until.TrueAsync(() => _diallers.Select((dialler, i) => dialler.UdpDatagramsReceived - _before[i]).All(count => count >= 1));
            Assert.All(_diallers.Select((dialler, i) => dialler.UdpDatagramsReceived - _before[i]), count => Assert.Equal(1, count));
            Assert.All(Accepted, accepted => Assert.Equal(round, accepted.GetStatistics().DatagramsReceived));
        }

        public async ValueTask DisposeAsync()
        {
            await Task.WhenAll(_diallers.Append(Listener).Select(endpoint => endpoint.DisposeAsync().AsTask()));
            _identities.ForEach(identity => identity.Dispose());
        }

        private static bool IsTooLate(PeerDriver peer)
        {
            lock (peer.Gate)
            {
                return peer.IsTooLateFor(peer.Machine.NextDeadline);
            }
        }

        private PacketSecEndpoint Bind(ManualTimeProvider time)
        {
            var identity = PacketSecIdentity.Generate();
            _identities.Add(identity);
            return PacketSecEndpoint.Bind(new() { Identity = identity, LocalEndPoint = new(IPAddress.Loopback, 0), TimeProvider = time });
        }
    }
}
