using PacketSec.Benchmarks.Rig;
using PacketSec.Crypto;
using PacketSec.Protocol;

namespace PacketSec.Benchmarks.Ratios;

/// <summary>Measures every ratio, on one thread.</summary>
internal sealed class RatioRun(ICryptoProvider crypto, int pairs, Action<string> report)
{
    public const int PayloadSize = 1200;

    private const int Packets = 2048;
    private const int ManyPeers = 10_000;

    // Two of each of the many.
    private const int ManyPackets = 20_000;

    private const int Handshakes = 20;

    private readonly byte[] _key = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];
    private readonly byte[] _payload = new byte[PayloadSize];
    private readonly byte[] _plaintext = new byte[PayloadSize + SpecLimits.DatagramOverhead];

    /// <summary>Gets the groups of ratios that can be measured by themselves.</summary>
    public static IReadOnlyDictionary<string, Func<RatioRun, IEnumerable<RatioResult>>> Groups { get; }
        = new Dictionary<string, Func<RatioRun, IEnumerable<RatioResult>>>
        {
            ["aead"] = run => run.Aead(),
            ["packet"] = run => run.PacketOverhead(),
            ["hostile"] = run => run.Hostile(),
            ["handshake"] = run => run.Handshake(),
            ["peers"] = run => run.Peers(),
        };

    private IEnumerable<RatioResult> Aead()
    {
        using var native = NativeAead.TryCompile(report);
        if (native is null)
        {
            yield break;
        }

        using var bare = new BareAead(crypto);
        var packets = GC.AllocateArray<byte>(Packets * (PayloadSize + SpecLimits.DatagramOverhead), pinned: true);
        var plaintext = _plaintext.AsMemory(0, PayloadSize);
        yield return RatioResult.AtMost(
            "seal through the seam / C",
            PairedRatio.Measure(
                pairs,
                PairedRatio.WarmUp,
                () => Clock.Time(() => bare.Seal(_key, _payload, packets, Packets)),
                () => Clock.Time(() => native.Seal(_key, _payload, packets, Packets))),
            1.08,
            Packets,
            "seam",
            "C");
        yield return RatioResult.AtMost(
            "open through the seam / C",
            PairedRatio.Measure(
                pairs,
                PairedRatio.WarmUp,
                () => Clock.Time(() => bare.Open(_key, packets, plaintext.Span, Packets)),
                () => Clock.Time(() => native.Open(_key, packets, plaintext.Span, Packets))),
            1.08,
            Packets,
            "seam",
            "C");
    }

    private IEnumerable<RatioResult> PacketOverhead()
    {
        using var bare = new BareAead(crypto);
        using var listener = new Listener(crypto);
        using var identity = listener.NewIdentity();
        Peering[] peerings = [listener.Dial(identity, 1)];
        var batch = new Batch(Packets, PayloadSize);
        var plaintext = _plaintext.AsMemory(0, PayloadSize);
        yield return RatioResult.AtMost(
            "PeerMachine.TrySeal / seal through the seam",
            PairedRatio.Measure(
                pairs,
                PairedRatio.WarmUp,
                () => Clock.Time(() => batch.Seal(listener.Now, listener.Aead, peerings)),
                () => Clock.Time(() => bare.Seal(_key, _payload, batch.Bytes, Packets))),
            1.06,
            Packets,
            "machine",
            "seam");
        yield return RatioResult.AtMost(
            "PeerMachine.HandleDatagram / open through the seam",
            PairedRatio.Measure(
                pairs,
                PairedRatio.WarmUp,
                () =>
                {
                    batch.Seal(listener.Now, listener.Aead, peerings);
                    return Clock.Time(() => Receive(listener, peerings[0], batch, ReceivedKind.Payload));
                },
                () =>
                {
                    bare.Seal(_key, _payload, batch.Bytes, Packets);
                    return Clock.Time(() => bare.Open(_key, batch.Bytes, plaintext.Span, Packets));
                }),
            1.06,
            Packets,
            "machine",
            "seam");
    }

    private IEnumerable<RatioResult> Hostile()
    {
        using var listener = new Listener(crypto);
        using var identity = listener.NewIdentity();
        Peering[] peerings = [listener.Dial(identity, 1)];
        var batch = new Batch(Packets, PayloadSize);
        yield return Against("a forged packet / a genuine one, one session", Forged, 1.1, "forged");
        yield return Against("a replay / a genuine packet", Replayed, 0.05, "replay");

        listener.Renew(peerings[0]);
        yield return Against("a forged packet / a genuine one, two sessions", Forged, 2.2, "forged");

        RatioResult Against(string name, Func<double> hostile, double target, string first)
            => RatioResult.AtMost(name, PairedRatio.Measure(pairs, PairedRatio.WarmUp, hostile, Genuine), target, Packets, first, "genuine");

        double Genuine()
        {
            batch.Seal(listener.Now, listener.Aead, peerings);
            return Clock.Time(() => Receive(listener, peerings[0], batch, ReceivedKind.Payload));
        }

        double Forged()
        {
            batch.Seal(listener.Now, listener.Aead, peerings);
            batch.Forge();
            return Clock.Time(() => Receive(listener, peerings[0], batch, ReceivedKind.Unclaimed));
        }

        double Replayed()
        {
            Genuine();
            return Clock.Time(() => Receive(listener, peerings[0], batch, ReceivedKind.Unclaimed));
        }
    }

    private IEnumerable<RatioResult> Peers()
    {
        using var one = new Crowd(crypto, 1);
        using var many = new Crowd(crypto, ManyPeers);
        foreach (var lookAhead in (bool[])[true, false])
        {
            var times = PairedRatio.Measure(pairs, PairedRatio.WarmUp, () => one.Receive(ManyPackets, lookAhead), () => many.Receive(ManyPackets, lookAhead));
            yield return RatioResult.OfAtLeast(
                $"route and open, one peer / 10,000 peers, {(lookAhead ? "batches" : "one by one")}",
                times,
                lookAhead ? 0.85 : 0,
                $"one {times.MedianA / ManyPackets:F0} ns, 10,000 {times.MedianB / ManyPackets:F0} ns");
        }
    }

    private IEnumerable<RatioResult> Handshake()
    {
        using var listener = new Listener(crypto);
        var identities = Enumerable.Range(0, Handshakes).Select(_ => listener.NewIdentity()).ToArray();
        var primitives = new HandshakePrimitives(crypto);
        var times = PairedRatio.Measure(pairs, PairedRatio.LongWarmUp, () => primitives.Time(Handshakes), Dial);
        yield return RatioResult.OfAtLeast(
            "handshakes, the sum of their primitives / both sides",
            times,
            0.85,
            $"primitives {times.MedianA / Handshakes / 1000:F0} us, handshake {times.MedianB / Handshakes / 1000:F0} us, {1e9 * Handshakes / times.MedianB:F0} pairs/s");
        report(primitives.Describe());
        foreach (var identity in identities)
        {
            identity.Dispose();
        }

        double Dial()
        {
            var peerings = new Peering[Handshakes];
            var time = Clock.Time(() =>
            {
                for (var i = 0; i < Handshakes; i++)
                {
                    peerings[i] = listener.Dial(identities[i], i);
                }
            });
            foreach (var peering in peerings)
            {
                listener.Hang(peering);
            }

            listener.Now += TimeSpan.FromMilliseconds(100);
            return time;
        }
    }

    private void Receive(Listener listener, Peering peering, Batch batch, ReceivedKind expected)
    {
        ref readonly var path = ref peering.AtServer;
        for (var i = 0; i < batch.Count; i++)
        {
            Require(peering.Server.HandleDatagram(listener.Now, listener.Aead, path, batch[i], _plaintext), expected);
        }
    }

    internal static void Require(in Received received, ReceivedKind expected)
    {
        if (received.Kind != expected)
        {
            throw new InvalidOperationException($"A datagram ended as {received.Kind}, {received.DropReason}, and not as {expected}.");
        }
    }
}
