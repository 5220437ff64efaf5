using System.Buffers.Binary;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;

namespace PacketSec.Protocol.Negotiation;

/// <summary>How two proposals, or one and its accept, came together.</summary>
public enum NegotiationCase
{
    /// <summary>One side proposed, the other accepted.</summary>
    Standard,

    /// <summary>Both proposed; the leader initiates.</summary>
    Simultaneous,
}

/// <summary>
/// A scheme, and the transcript of the negotiation that led to it: what a handshake is bound to. Immutable. Two agreements are equal when their
/// transcripts are.
/// </summary>
public sealed class Agreement : IEquatable<Agreement>
{
    /// <summary>The size of a transcript in bytes.</summary>
    public const int TranscriptSize = 32;

    /// <summary>The size of the part of it that a first packet carries in clear.</summary>
    public const int TagSize = 8;

    private readonly byte[] _transcript;

    private Agreement(string scheme, byte[] transcript, NegotiationCase negotiationCase, PeerId? claimedPeer)
    {
        Scheme = scheme;
        _transcript = transcript;
        Case = negotiationCase;
        ClaimedPeer = claimedPeer;
    }

    /// <summary>Gets the scheme.</summary>
    public string Scheme { get; }

    /// <summary>Gets how it came about.</summary>
    public NegotiationCase Case { get; }

    /// <summary>Gets the transcript T, 32 bytes. It is no secret.</summary>
    public ReadOnlySpan<byte> Transcript => _transcript;

    /// <summary>Gets the identity that the remote proposal names, which must then be proven; null where there is none, or it is hidden.</summary>
    internal PeerId? ClaimedPeer { get; }

    internal ReadOnlySpan<byte> Tag => _transcript.AsSpan(0, TagSize);

    /// <summary>Makes the agreement of the standard case.</summary>
    /// <param name="crypto">The provider of SHA-256.</param>
    /// <param name="proposal">The proposer's normal form.</param>
    /// <param name="scheme">What was accepted.</param>
    /// <param name="claimedPeer">Who the proposal says it is from, where the proposal is the other side's and says so.</param>
    internal static Agreement Standard(ICryptoProvider crypto, ReadOnlySpan<byte> proposal, string scheme, PeerId? claimedPeer)
        => new(scheme, Hash(crypto, "psec/1"u8, [0], proposal, default, scheme), NegotiationCase.Standard, claimedPeer);

    /// <summary>Makes the agreement of the simultaneous case.</summary>
    /// <param name="crypto">The provider of SHA-256.</param>
    /// <param name="leader">The leader's normal form.</param>
    /// <param name="follower">The follower's.</param>
    /// <param name="scheme">What both chose.</param>
    /// <param name="claimedPeer">Who the other side's proposal says it is from, if it says so.</param>
    internal static Agreement Simultaneous(
        ICryptoProvider crypto, ReadOnlySpan<byte> leader, ReadOnlySpan<byte> follower, string scheme, PeerId? claimedPeer)
        => new(scheme, Hash(crypto, "psec/1"u8, [1], leader, follower, scheme), NegotiationCase.Simultaneous, claimedPeer);

    /// <summary>Returns the transcript of direct mode, where nothing was negotiated.</summary>
    internal static byte[] DirectTranscript(ICryptoProvider crypto, string scheme) => Hash(crypto, "psec-direct/1"u8, default, default, default, scheme);

    /// <summary>Tells whether two agreements are equal, or both null.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator ==(Agreement? left, Agreement? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Tells whether two agreements differ.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator !=(Agreement? left, Agreement? right) => !(left == right);

    /// <inheritdoc/>
    public bool Equals(Agreement? other) => other is not null && Transcript.SequenceEqual(other.Transcript);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Agreement);

    /// <inheritdoc/>
    public override int GetHashCode() => BinaryPrimitives.ReadInt32LittleEndian(_transcript);

    /// <inheritdoc/>
    public override string ToString() => $"{Scheme}, {Case}, {Convert.ToHexStringLower(Tag)}";

    //= spec/psec.md#transcript
    private static byte[] Hash(
        ICryptoProvider crypto, ReadOnlySpan<byte> label, ReadOnlySpan<byte> mode, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, string scheme)
    {
        var bytes = new List<byte>(256);
        bytes.AddRange(label);
        bytes.AddRange(mode);
        if (!first.IsEmpty)
        {
            AddSized(bytes, first);
        }

        if (!second.IsEmpty)
        {
            AddSized(bytes, second);
        }

        AddSized(bytes, Wire.PsecFrame.ToBytes(scheme));
        var transcript = new byte[TranscriptSize];
        crypto.Hash(HashAlgorithm.Sha256, bytes.ToArray(), default, transcript);
        return transcript;
    }

    private static void AddSized(List<byte> bytes, ReadOnlySpan<byte> part)
    {
        bytes.Add((byte)(part.Length >> 8));
        bytes.Add((byte)(part.Length & 0xff));
        bytes.AddRange(part);
    }
}
