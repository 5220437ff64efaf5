using PacketSec.Fuzz.Engine;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.P2pke;

namespace PacketSec.Fuzz.Targets;

/// <summary>The payloads of P2PKE's handshake messages; the first byte chooses which.</summary>
internal sealed class P2pkeBodiesTarget : FuzzTarget
{
    public override string Name => "p2pke-bodies";

    public override string Property => "a payload that is read is written in its canonical form, and that form is read as the same payload";

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        Convert.FromHexString("0a1832353531395f436861436861506f6c795f424c414b453262"),
        Convert.FromHexString("120c4000000062897d2500000000"),
        Convert.FromHexString("1a060a01aa1201bb"),
        Convert.FromHexString("12060a01aa1201bb"),
        Convert.FromHexString("0a060a01aa1201bb"),
        Convert.FromHexString("7a080102030405060708"),
        Convert.FromHexString("8000"),
        Convert.FromHexString("f8ffffff0f"),
    ];

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        if (input.IsEmpty)
        {
            return;
        }

        var payload = input[1..];
        Walk(payload, trace);
        switch (input[0] % 3)
        {
            case 0:
                CheckInitHello(payload, trace);
                break;
            case 1:
                CheckRespHello(payload, trace);
                break;
            default:
                CheckInitDone(payload, trace);
                break;
        }
    }

    private static void CheckInitHello(ReadOnlySpan<byte> payload, FuzzTrace trace)
    {
        if (!WireMessage.TryRead<InitHelloBody>(payload, out var read))
        {
            return;
        }

        trace.Reach(2, Shape(read.HasAuthClaim, read.AuthClaim) + (read.TranscriptTag.IsEmpty ? 0 : 8) + (read.Timestamp.IsEmpty ? 0 : 16));
        Require(read.TranscriptTag.Length is 0 or InitHelloBody.TranscriptTagSize, "a transcript tag has 8 bytes or is absent");
        var written = Write(read, payload.Length);
        Require(WireMessage.TryRead<InitHelloBody>(written, out var again), "a canonical payload is read");
        Require(
            again.Timestamp.SequenceEqual(read.Timestamp) && again.TranscriptTag.SequenceEqual(read.TranscriptTag)
                && again.HasAuthClaim == read.HasAuthClaim && Equal(again.AuthClaim, read.AuthClaim),
            "a payload survives its canonical form");
        Require(Write(again, payload.Length).AsSpan().SequenceEqual(written), "the canonical form is its own canonical form");
        var suites = again.CipherSuites.GetEnumerator();
        foreach (var suite in read.CipherSuites)
        {
            Require(suites.MoveNext() && suites.Current.SequenceEqual(suite), "the suites survive in order");
        }

        Require(!suites.MoveNext(), "no suite is added");
    }

    private static void CheckRespHello(ReadOnlySpan<byte> payload, FuzzTrace trace)
    {
        if (!WireMessage.TryRead<RespHelloBody>(payload, out var read))
        {
            return;
        }

        trace.Reach(3, Shape(read.HasAuthClaim, read.AuthClaim) + (read.CipherSuite.IsEmpty ? 0 : 8));
        var written = Write(read, payload.Length);
        Require(
            WireMessage.TryRead<RespHelloBody>(written, out var again) && again.CipherSuite.SequenceEqual(read.CipherSuite)
                && again.HasAuthClaim == read.HasAuthClaim && Equal(again.AuthClaim, read.AuthClaim),
            "a payload survives its canonical form");
        Require(Write(again, payload.Length).AsSpan().SequenceEqual(written), "the canonical form is its own canonical form");
    }

    private static void CheckInitDone(ReadOnlySpan<byte> payload, FuzzTrace trace)
    {
        if (!WireMessage.TryRead<InitDoneBody>(payload, out var read))
        {
            return;
        }

        trace.Reach(4, Shape(read.HasAuthClaim, read.AuthClaim));
        var written = Write(read, payload.Length);
        Require(
            WireMessage.TryRead<InitDoneBody>(written, out var again)
                && again.HasAuthClaim == read.HasAuthClaim && Equal(again.AuthClaim, read.AuthClaim),
            "a payload survives its canonical form");
        Require(Write(again, payload.Length).AsSpan().SequenceEqual(written), "the canonical form is its own canonical form");
    }

    private static byte[] Write<T>(in T body, int readLength)
        where T : struct, IWireMessage<T>, allows ref struct
    {
        // Merged claims can only shrink: the canonical form is never longer than what was read.
        Require(body.EncodedLength <= readLength, "the canonical form is the shortest");
        var bytes = new byte[body.EncodedLength];
        Require(WireMessage.Write(body, bytes) == bytes.Length, "the announced length is the written one");
        return bytes;
    }

    private static bool Equal(AuthClaim left, AuthClaim right) => left.Key.SequenceEqual(right.Key) && left.Signature.SequenceEqual(right.Signature);

    private static int Shape(bool hasClaim, AuthClaim claim)
        => (hasClaim ? 1 : 0) + (claim.Key.IsEmpty ? 0 : 2) + (claim.Signature.IsEmpty ? 0 : 4);

    private static void Walk(ReadOnlySpan<byte> payload, FuzzTrace trace)
    {
        var fields = new ProtobufReader(payload);
        var count = 0;
        while (fields.MoveNext())
        {
            count++;
            trace.Reach(5, (Math.Min(fields.Number, 16) * 8) + (int)fields.Type);
            Require(fields.Number is > 0 and < 1 << 29, "a field's number is in range");
        }

        trace.Reach(6, (FuzzTrace.Magnitude(count) * 2) + (fields.IsMalformed ? 1 : 0));
        Require(!fields.MoveNext(), "a walk that has ended stays at its end");
    }
}
