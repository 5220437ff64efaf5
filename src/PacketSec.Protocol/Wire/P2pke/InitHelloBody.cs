namespace PacketSec.Protocol.Wire.P2pke;

/// <summary>The payload of InitHello: suites, timestamp, a claim over the timestamp, and under PSEC the transcript's tag.</summary>
internal readonly ref struct InitHelloBody : IWireMessage<InitHelloBody>
{
    /// <summary>The size of a transcript tag in bytes.</summary>
    public const int TranscriptTagSize = 8;

    private const int TimestampField = 2;
    private const int ClaimField = 3;
    private const int TranscriptTagField = 15;

    /// <summary>Creates the payload that lists the one suite.</summary>
    /// <param name="timestamp">The 12 bytes of a TAI64N label.</param>
    /// <param name="claim">The claim over the timestamp.</param>
    /// <param name="transcriptTag">8 bytes under PSEC, nothing in direct mode.</param>
    public InitHelloBody(ReadOnlySpan<byte> timestamp, AuthClaim claim, ReadOnlySpan<byte> transcriptTag = default)
        : this(CipherSuites.Ours, timestamp, true, claim, transcriptTag)
    {
        if (timestamp.Length != Tai64n.Size)
        {
            throw new ArgumentException("A timestamp has 12 bytes.", nameof(timestamp));
        }

        if (transcriptTag.Length is not 0 and not TranscriptTagSize)
        {
            throw new ArgumentException("A transcript tag has 8 bytes.", nameof(transcriptTag));
        }
    }

    private InitHelloBody(
        CipherSuites suites, ReadOnlySpan<byte> timestamp, bool hasAuthClaim, AuthClaim claim, ReadOnlySpan<byte> transcriptTag)
    {
        CipherSuites = suites;
        Timestamp = timestamp;
        HasAuthClaim = hasAuthClaim;
        AuthClaim = claim;
        TranscriptTag = transcriptTag;
    }

    /// <summary>Gets the suites. They decide nothing.</summary>
    public CipherSuites CipherSuites { get; }

    /// <summary>Gets the timestamp as received: <see cref="Tai64n.TryRead"/> judges it.</summary>
    public ReadOnlySpan<byte> Timestamp { get; }

    /// <summary>Gets whether there is a claim; whether it is whole says <see cref="AuthClaim.IsComplete"/>.</summary>
    public bool HasAuthClaim { get; }

    /// <summary>Gets the claim over the timestamp.</summary>
    public AuthClaim AuthClaim { get; }

    /// <summary>Gets the first 8 bytes of the transcript; empty in direct mode.</summary>
    public ReadOnlySpan<byte> TranscriptTag { get; }

    /// <inheritdoc/>
    public int EncodedLength => CipherSuites.EncodedLength + ProtobufField.ScalarLength(Timestamp)
        + (HasAuthClaim ? ProtobufField.MessageLength(AuthClaim.EncodedLength) : 0) + ProtobufField.ScalarLength(TranscriptTag);

    /// <inheritdoc/>
    //= spec/p2pke.md#payload-parsing
    public static bool TryRead(scoped ref WireReader reader, out InitHelloBody message)
    {
        message = default;
        var payload = reader.ReadRest();
        ReadOnlySpan<byte> timestamp = default;
        ReadOnlySpan<byte> tag = default;
        AuthClaim claim = default;
        var hasClaim = false;
        var fields = new ProtobufReader(payload);
        while (fields.MoveNext())
        {
            if (fields.IsBytes(CipherSuites.Field))
            {
                if (!CipherSuites.IsValidName(fields.Bytes))
                {
                    return false;
                }
            }
            else if (fields.IsBytes(TimestampField))
            {
                timestamp = fields.Bytes;
            }
            else if (fields.IsBytes(ClaimField))
            {
                hasClaim = true;
                if (!AuthClaim.TryMerge(fields.Bytes, ref claim))
                {
                    return false;
                }
            }
            else if (fields.IsBytes(TranscriptTagField) && fields.Bytes.Length == TranscriptTagSize)
            {
                tag = fields.Bytes;
            }
        }

        if (fields.IsMalformed)
        {
            return false;
        }

        message = new InitHelloBody(new CipherSuites(payload), timestamp, hasClaim, claim, tag);
        return true;
    }

    /// <inheritdoc/>
    //= spec/p2pke.md#payload-encoding
    public void WriteTo(ref WireWriter writer)
    {
        CipherSuites.WriteTo(ref writer);
        ProtobufField.WriteScalar(ref writer, TimestampField, Timestamp);
        if (HasAuthClaim)
        {
            AuthClaim.WriteAsField(ref writer, ClaimField);
        }

        ProtobufField.WriteScalar(ref writer, TranscriptTagField, TranscriptTag);
    }
}
