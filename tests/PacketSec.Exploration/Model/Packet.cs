using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using PacketSec.Protocol.Wire;

namespace PacketSec.Exploration.Model;

/// <summary>The kinds of packets, in the order in which a fair network delivers what is in flight together.</summary>
internal enum PacketKind : byte
{
    Proposal,
    Accept,
    Reject,
    First,
    Answer,
    Finish,
    Confirm,
    Closing,
}

/// <summary>
/// What two ends share after a handshake: a term. Both have the same keys exactly when transcript and both ephemeral keys are the same; there is
/// no other way to come by them.
/// </summary>
/// <param name="Transcript">T, by its first eight bytes.</param>
/// <param name="Initiator">The name of the initiator's ephemeral key.</param>
/// <param name="Responder">The name of the responder's; 0 while there is none.</param>
internal readonly record struct Keys(ulong Transcript, ulong Initiator, ulong Responder)
{
    public void AddTo(ref Mixer mixer)
    {
        mixer.Add(Transcript);
        mixer.Add(Initiator);
        mixer.Add(Responder);
    }

    public override string ToString() => $"{Short(Transcript)} {Short(Initiator)}{(Responder == 0 ? "" : " " + Short(Responder))}";

    private static string Short(ulong name) => (name >> 40).ToString("x6");
}

/// <summary>A packet in flight: a frame as its bytes, a packet of a scheme as a term. Immutable; equal when its hash is.</summary>
internal sealed class Packet : IComparable<Packet>
{
    /// <summary>The size of a first packet inside a proposal: two names.</summary>
    private const int FirstPacketSize = 16;

    private readonly ulong _hash;

    private Packet(PacketKind kind, Keys keys, int by, byte[] frame)
    {
        Kind = kind;
        Keys = keys;
        By = by;
        Frame = frame;
        var mixer = new Mixer((ulong)kind);
        keys.AddTo(ref mixer);
        mixer.Add(by);
        mixer.Add(frame);
        _hash = mixer.Short;
    }

    public PacketKind Kind { get; }

    public Keys Keys { get; }

    /// <summary>Gets whose signature an answer or a finish carries.</summary>
    public int By { get; }

    /// <summary>Gets the bytes of a frame; empty for a packet of a scheme.</summary>
    public byte[] Frame { get; }

    public ulong Hash => _hash;

    public static Packet OfFrame(byte[] frame) => new(
        frame[0] switch
        {
            (byte)PsecFrameType.Proposal => PacketKind.Proposal,
            (byte)PsecFrameType.Accept => PacketKind.Accept,
            _ => PacketKind.Reject,
        },
        frame[0] == (byte)PsecFrameType.Proposal && WireMessage.TryRead<ProposalFrame>(frame, out var proposal) && !proposal.FirstPacket.IsEmpty
            ? FirstPacketOf(proposal.FirstPacket) : default,
        0,
        frame);

    public static Packet OfTerm(PacketKind kind, Keys keys, int by = 0) => new(kind, keys, by, []);

    /// <summary>The bytes of a first packet that goes into a proposal.</summary>
    public static byte[] ToFirstPacket(Keys keys)
    {
        var bytes = new byte[FirstPacketSize];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, keys.Transcript);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), keys.Initiator);
        return bytes;
    }

    public static Keys FirstPacketOf(ReadOnlySpan<byte> bytes)
        => new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]), 0);

    public int CompareTo(Packet? other)
        => other is null ? 1 : Kind != other.Kind ? Kind.CompareTo(other.Kind) : _hash.CompareTo(other._hash);

    /// <summary>Returns the text by which a schedule names it.</summary>
    public override string ToString() => Kind switch
    {
        PacketKind.Proposal => DescribeProposal(),
        PacketKind.Accept => "accept " + DescribeAccept(),
        PacketKind.Reject => "reject",
        _ => $"{Kind.ToString().ToLowerInvariant()} {Keys}",
    };

    private string DescribeProposal()
    {
        WireMessage.TryRead<ProposalFrame>(Frame, out var frame);
        var text = new StringBuilder("proposal");
        foreach (var part in frame)
        {
            if (part.StartsWith(Encoding.UTF8.GetBytes(PsecFrame.AttemptPrefix)))
            {
                var attempt = Base64Url.DecodeFromUtf8(part[PsecFrame.AttemptPrefix.Length..]);
                text.Append(' ').Append("AB?"[Math.Min((int)attempt[0], 2)]).Append(attempt[1]);
            }
            else if (PsecFrame.IsScheme(part))
            {
                text.Append(' ').Append(Encoding.UTF8.GetString(part));
            }
            else if (part.Length > PsecFrame.RetryPrefix.Length)
            {
                text.Append(" cookie");
            }
        }

        return frame.FirstPacket.IsEmpty ? text.ToString() : text.Append(" with first ").Append(Keys).ToString();
    }

    private string DescribeAccept()
    {
        WireMessage.TryRead<AcceptFrame>(Frame, out var frame);
        return Encoding.UTF8.GetString(frame.Scheme);
    }
}
