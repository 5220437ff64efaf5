using System.Buffers.Binary;
using System.Net;

namespace PacketSec.Load;

/// <summary>
/// Forges datagrams against a live endpoint, from the very address of its peer: one-bit mutants of every genuine packet, replays, structured random
/// and noise, paced so that the kernel drops none. Then every datagram must be accounted for, and nothing but counters have changed.
/// </summary>
internal static class ForgedFlood
{
    private const int Window = 256;
    private const int EchoCount = 1000;
    private const long AllocationBound = 64 * 1024;
    private const int AllocationRun = 100_000;

    private static readonly TimeSpan Ceiling = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(int count, ulong seed, TextWriter output, CancellationToken cancellationToken)
    {
        using var listenerIdentity = PacketSecIdentity.Generate();
        using var diallerIdentity = PacketSecIdentity.Generate();
        await using var listener = PacketSecEndpoint.Bind(new() { Identity = listenerIdentity, LocalEndPoint = new(IPAddress.Loopback, 0) });
        await using var dialler = PacketSecEndpoint.Bind(new() { Identity = diallerIdentity, LocalEndPoint = new(IPAddress.Loopback, 0) });
        using var relay = new Relay(listener.LocalEndPoint);
        var accepting = listener.AcceptAsync(cancellationToken);
        await using var channel = await dialler.ConnectAsync(relay.FrontEndPoint, listener.PeerId, cancellationToken);
        await using var accepted = await accepting;
        var failures = new List<string>();
        await EchoAsync(channel, accepted, failures, "before the flood");
        await SettleAsync(listener, cancellationToken);

        var (kinds, replayable) = relay.Recorded();
        var forger = new Forger(kinds, replayable, new SplitMix(seed));
        var target = listener.LocalEndPoint.Serialize();
        var before = listener.GetStatistics();
        var digest = listener.StateDigest(withHalfOpen: true);
        var settled = listener.StateDigest(withHalfOpen: false);

        output.WriteLine($"forging {count} datagrams with seed {seed} from {kinds.Count} kinds of genuine packets");
        await FloodAsync(listener, relay, target, forger.Next, count, cancellationToken);
        Check(failures, listener.StateDigest(withHalfOpen: false).SequenceEqual(settled), "The state changed beside half-open handshakes.");

        await WaitForHalfOpenAsync(listener, cancellationToken);

        // Proposals that were accepted beside the live session are forgotten after as long.
        var end = Environment.TickCount64 + (long)Ceiling.TotalMilliseconds;
        while (!listener.StateDigest(withHalfOpen: true).SequenceEqual(digest) && Environment.TickCount64 < end)
        {
            await Task.Delay(100, cancellationToken);
        }

        Check(failures, listener.StateDigest(withHalfOpen: true).SequenceEqual(digest), "The state changed, and the deadline of handshakes did not restore it.");
        Account(output, failures, before, listener.GetStatistics(), count);

        await MeasureAllocationAsync(output, failures, listener, relay, target, forger, cancellationToken);
        await EchoAsync(channel, accepted, failures, "after the flood");
        failures.ForEach(failure => output.WriteLine($"FAILED: {failure}"));
        output.WriteLine(failures.Count == 0 ? "passed" : "failed");
        return failures.Count == 0 ? 0 : 1;
    }

    private static async Task FloodAsync(
        PacketSecEndpoint listener, Relay relay, SocketAddress target, Forger.Make make, int count, CancellationToken cancellationToken)
    {
        var start = listener.UdpDatagramsReceived;
        var buffer = new byte[2048];
        for (var sent = 0; sent < count;)
        {
            for (var end = Math.Min(sent + Window, count); sent < end; sent++)
            {
                relay.Inject(buffer.AsSpan(0, make(buffer)), target);
            }

            await WaitAsync(() => listener.UdpDatagramsReceived - start >= sent, cancellationToken);
        }
    }

    private static void Account(TextWriter output, List<string> failures, PacketSecEndpointStatistics before, PacketSecEndpointStatistics after, int count)
    {
        long sum = 0;
        foreach (var (reason, drops) in after.Drops.OrderByDescending(entry => entry.Value))
        {
            var more = drops - before.Drops.GetValueOrDefault(reason);
            output.WriteLine($"  {reason,-24}{more,10}");
            sum += more;
        }

        var begun = after.HandshakesBegun - before.HandshakesBegun;
        var cached = after.CachedAnswers - before.CachedAnswers;
        var frames = after.NegotiationFrames - before.NegotiationFrames;
        output.WriteLine($"  {"first messages begun",-24}{begun,10}");
        output.WriteLine($"  {"cached answers",-24}{cached,10}");
        output.WriteLine($"  {"negotiation frames",-24}{frames,10}");
        sum += begun + cached + frames;
        output.WriteLine($"  {"sum",-24}{sum,10}");
        Check(failures, sum == count, $"{count} datagrams were forged and {sum} are accounted for.");
    }

    /// <summary>Forges again without handshake messages, whose half-open handshakes cost memory for as long as they live.</summary>
    private static async Task MeasureAllocationAsync(
        TextWriter output, List<string> failures, PacketSecEndpoint listener, Relay relay, SocketAddress target, Forger forger, CancellationToken cancellationToken)
    {
        await FloodAsync(listener, relay, target, forger.NextBesideHandshakes, 10_000, cancellationToken);
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var start = listener.UdpDatagramsReceived;
        var buffer = new byte[2048];
        for (var sent = 0; sent < AllocationRun;)
        {
            for (var end = sent + Window; sent < end; sent++)
            {
                relay.Inject(buffer.AsSpan(0, forger.NextBesideHandshakes(buffer)), target);
            }

            while (listener.UdpDatagramsReceived - start < sent)
            {
                Thread.Yield();
            }
        }

        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        output.WriteLine($"allocated in the whole process for {AllocationRun} forged datagrams outside handshakes: {allocated} bytes");
        Check(failures, allocated < AllocationBound, $"{allocated} bytes were allocated; the bound is {AllocationBound}.");
    }

    private static async Task EchoAsync(PacketSecChannel channel, PacketSecChannel accepted, List<string> failures, string when)
    {
        using var ceiling = new CancellationTokenSource(Ceiling);
        var echo = Task.Run(async () =>
        {
            var memory = new byte[2048];
            for (var i = 0; i < EchoCount; i++)
            {
                var length = await accepted.ReceiveAsync(memory, ceiling.Token);
                accepted.TrySend(memory.AsSpan(0, length));
            }
        });
        var seen = new HashSet<int>();
        var received = new byte[2048];
        for (var i = 0; i < EchoCount; i++)
        {
            var payload = new byte[100];
            BinaryPrimitives.WriteInt32BigEndian(payload, i);
            channel.TrySend(payload);
            await channel.ReceiveAsync(received, ceiling.Token);
            seen.Add(BinaryPrimitives.ReadInt32BigEndian(received));
        }

        await echo;
        Check(failures, seen.Count == EchoCount, $"{EchoCount - seen.Count} of {EchoCount} datagrams did not come back {when}.");
    }

    /// <summary>Waits until the live channel has nothing more to say: receipts go out after half a second.</summary>
    private static async Task SettleAsync(PacketSecEndpoint listener, CancellationToken cancellationToken)
    {
        var last = -1L;
        for (var quiet = 0; quiet < 10;)
        {
            await Task.Delay(100, cancellationToken);
            var received = listener.UdpDatagramsReceived;
            quiet = received == last ? quiet + 1 : 0;
            last = received;
        }
    }

    private static Task WaitForHalfOpenAsync(PacketSecEndpoint listener, CancellationToken cancellationToken)
        => WaitAsync(() => listener.GetStatistics().HalfOpenHandshakes == 0, cancellationToken);

    private static async Task WaitAsync(Func<bool> condition, CancellationToken cancellationToken)
    {
        using var ceiling = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ceiling.CancelAfter(Ceiling);
        while (!condition())
        {
            ceiling.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private static void Check(List<string> failures, bool condition, string failure)
    {
        if (!condition)
        {
            failures.Add(failure);
        }
    }
}

/// <summary>Makes forged datagrams: 40 % one-bit mutants, 30 % replays, 20 % structured random, 10 % noise.</summary>
internal sealed class Forger(List<List<byte[]>> kinds, List<byte[]> replayable, SplitMix random)
{
    private const uint CounterMask = 0x7FFFFFFF;
    private const uint FirstData = 16;

    private readonly List<byte[]> _data = [.. replayable.Where(packet => !Relay.IsFrame(packet) && CounterOf(packet) >= FirstData)];

    /// <summary>Writes a datagram to the front of a buffer and returns its length.</summary>
    public delegate int Make(byte[] buffer);

    public int Next(byte[] buffer) => random.Below(10) switch
    {
        < 4 => Mutate(kinds[random.Below(kinds.Count)], buffer),
        < 7 => Copy(replayable[random.Below(replayable.Count)], buffer),
        < 9 => Structured(buffer, handshakes: true),
        _ => Noise(buffer),
    };

    public int NextBesideHandshakes(byte[] buffer)
    {
        var length = random.Below(9) switch
        {
            < 4 => Mutate(_data, buffer),
            < 7 => Copy(_data[random.Below(_data.Count)], buffer),
            _ => Structured(buffer, handshakes: false),
        };
        var word = BinaryPrimitives.ReadUInt32BigEndian(buffer);
        BinaryPrimitives.WriteUInt32BigEndian(buffer, (word & CounterMask) < FirstData ? word | FirstData : word);
        return length;
    }

    private static uint CounterOf(byte[] packet) => BinaryPrimitives.ReadUInt32BigEndian(packet) & CounterMask;

    private static int Copy(byte[] packet, byte[] buffer)
    {
        packet.CopyTo(buffer, 0);
        return packet.Length;
    }

    private int Mutate(List<byte[]> packets, byte[] buffer)
    {
        var length = Copy(packets[random.Below(packets.Count)], buffer);
        var bit = random.Below(length * 8);
        buffer[bit / 8] ^= (byte)(1 << (bit % 8));
        return length;
    }

    private int Structured(byte[] buffer, bool handshakes)
    {
        var length = 20 + random.Below(280);
        random.Fill(buffer.AsSpan(0, length));
        var counter = handshakes ? (uint)random.Below(40) : FirstData + (uint)random.Below(2000);
        BinaryPrimitives.WriteUInt32BigEndian(buffer, counter | (random.Below(2) == 0 ? 0 : ~CounterMask));
        return length;
    }

    private int Noise(byte[] buffer)
    {
        var length = random.Below(1400);
        random.Fill(buffer.AsSpan(0, length));
        return length;
    }
}
