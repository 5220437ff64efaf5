using PacketSec.Fuzz.Engine;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.SecretHandshake;

namespace PacketSec.Fuzz.Targets;

/// <summary>The messages of <c>secret-handshake-1</c> and the identity in the last one; the bytes are offered to each reader.</summary>
internal sealed class SecretHandshakeTarget : FuzzTarget
{
    public override string Name => "secret-handshake";

    public override string Property => "what one reader takes no other takes, and what is read is written byte for byte";

    public override int MaxInputSize => 256;

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        Convert.FromHexString("00000008"),
        Convert.FromHexString("80000009"),
        Convert.FromHexString("0000000a"),
        new byte[36],
        new byte[16],
    ];

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        var readers = Check<Message1>(input, 1, trace) + Check<Message2>(input, 2, trace) + Check<Message3>(input, 3, trace);
        readers += Check<IdentityPayload>(input, 4, trace);
        Require(readers <= 1, "the first word and the length tell messages apart");
        trace.Reach(5, FuzzTrace.Magnitude(input.Length));
        if (WireMessage.TryRead<Message1>(input, out var first))
        {
            Require((first.Ephemeral.Length, first.Tag.Length) == (32, 8) && first.Mac.Length is 0 or 16, "message 1 has its parts whole");
        }
        else if (WireMessage.TryRead<Message2>(input, out var second))
        {
            Require(
                (second.Call.Length, second.Ephemeral.Length, second.Cookie.Length) == (8, 32, 36) && second.Mac.Length is 0 or 16,
                "message 2 has its parts whole");
        }
        else if (WireMessage.TryRead<Message3>(input, out var third))
        {
            Require((third.Cookie.Length, third.Ephemeral.Length, third.Noise.Length) == (36, 32, 128), "message 3 has its parts whole");
        }
    }

    private static int Check<T>(ReadOnlySpan<byte> input, int place, FuzzTrace trace)
        where T : struct, IWireMessage<T>, allows ref struct
    {
        if (!WireMessage.TryRead<T>(input, out var message))
        {
            return 0;
        }

        trace.Reach(place, FuzzTrace.Magnitude(message.EncodedLength));
        var written = new byte[message.EncodedLength];
        Require(WireMessage.Write(message, written) == written.Length, "the announced length is the written one");
        Require(written.AsSpan().SequenceEqual(input), "what is read is written byte for byte");
        return 1;
    }
}
