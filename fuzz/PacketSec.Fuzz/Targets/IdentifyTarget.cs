using PacketSec.Fuzz.Engine;
using PacketSec.Libp2p.Negotiation;
using PacketSec.Libp2p.Protocols;

namespace PacketSec.Fuzz.Targets;

/// <summary>What a peer tells of itself.</summary>
internal sealed class IdentifyTarget : FuzzTarget
{
    public override string Name => "identify";

    public override string Property => "what is understood of a message is written in one form, which is read the same; the bounds hold";

    public override int MaxInputSize => 4096;

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        [0x0a, 0x24, 0x08, 0x01, 0x12, 0x20], [0x12, 0x05, 0x04, 0x7f, 0x00, 0x00, 0x01], [0x12, 0x09], [0x1a], [0x22], [0x2a], [0x32], [0x42],
        [0x91, 0x02], [0x81, 0x80, 0xc0, 0x01], "/ipfs/id/1.0.0"u8.ToArray(),
    ];

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        if (!IdentifyMessage.TryRead(input, out var message))
        {
            trace.Reach(1);
            return;
        }

        trace.Reach(2, message.ListenAddresses.Count);
        trace.Reach(3, message.Protocols.Count);
        trace.Reach(4, (message.PublicKey is null ? 0 : 1) | (message.ObservedAddress is null ? 0 : 2) | (message.AgentVersion is null ? 0 : 4));
        Require(message.ListenAddresses.Count <= IdentifyMessage.MaxElements && message.Protocols.Count <= IdentifyMessage.MaxElements, "elements are bounded");
        Require(message.Protocols.All(protocol => protocol.Length is > 0 and < MultistreamSelect.MaxMessageSize), "texts are bounded");
        var written = message.ToBytes();
        Require(IdentifyMessage.TryRead(written, out var again), "what is written is read");
        Require(again.ToBytes().AsSpan().SequenceEqual(written), "what is read is written the same");
        Require(new IdentifyMessage().Updated(message).ToBytes().AsSpan().SequenceEqual(written), "an update of nothing is the message");
    }
}
