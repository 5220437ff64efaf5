namespace PacketSec.Protocol.Wire.P2pke;

/// <summary>The payload of RespHello: the suite, and a claim over the channel binding after message 1.</summary>
internal readonly ref struct RespHelloBody : IWireMessage<RespHelloBody>
{
    private const int SuiteField = 1;
    private const int ClaimField = 2;

    /// <summary>Creates the payload that names the one suite.</summary>
    /// <param name="claim">The claim over the channel binding.</param>
    public RespHelloBody(AuthClaim claim)
        : this(CipherSuites.Only, true, claim)
    {
    }

    private RespHelloBody(ReadOnlySpan<byte> suite, bool hasAuthClaim, AuthClaim claim)
    {
        CipherSuite = suite;
        HasAuthClaim = hasAuthClaim;
        AuthClaim = claim;
    }

    /// <summary>Gets the suite's name, UTF-8. It decides nothing.</summary>
    public ReadOnlySpan<byte> CipherSuite { get; }

    /// <summary>Gets whether there is a claim; whether it is whole says <see cref="AuthClaim.IsComplete"/>.</summary>
    public bool HasAuthClaim { get; }

    /// <summary>Gets the claim over the channel binding.</summary>
    public AuthClaim AuthClaim { get; }

    /// <inheritdoc/>
    public int EncodedLength => ProtobufField.ScalarLength(CipherSuite)
        + (HasAuthClaim ? ProtobufField.MessageLength(AuthClaim.EncodedLength) : 0);

    /// <inheritdoc/>
    //= spec/p2pke.md#payload-parsing
    public static bool TryRead(scoped ref WireReader reader, out RespHelloBody message)
    {
        message = default;
        ReadOnlySpan<byte> suite = default;
        AuthClaim claim = default;
        var hasClaim = false;
        var fields = new ProtobufReader(reader.ReadRest());
        while (fields.MoveNext())
        {
            if (fields.IsBytes(SuiteField))
            {
                suite = fields.Bytes;
                if (!CipherSuites.IsValidName(suite))
                {
                    return false;
                }
            }
            else if (fields.IsBytes(ClaimField))
            {
                hasClaim = true;
                if (!AuthClaim.TryMerge(fields.Bytes, ref claim))
                {
                    return false;
                }
            }
        }

        if (fields.IsMalformed)
        {
            return false;
        }

        message = new RespHelloBody(suite, hasClaim, claim);
        return true;
    }

    /// <inheritdoc/>
    //= spec/p2pke.md#payload-encoding
    public void WriteTo(ref WireWriter writer)
    {
        ProtobufField.WriteScalar(ref writer, SuiteField, CipherSuite);
        if (HasAuthClaim)
        {
            AuthClaim.WriteAsField(ref writer, ClaimField);
        }
    }
}
