namespace PacketSec.Protocol.Wire.P2pke;

/// <summary>The payload of InitDone: a claim over the channel binding after message 2.</summary>
internal readonly ref struct InitDoneBody : IWireMessage<InitDoneBody>
{
    private const int ClaimField = 1;

    /// <summary>Creates the payload.</summary>
    /// <param name="claim">The claim over the channel binding.</param>
    public InitDoneBody(AuthClaim claim)
        : this(true, claim)
    {
    }

    private InitDoneBody(bool hasAuthClaim, AuthClaim claim)
    {
        HasAuthClaim = hasAuthClaim;
        AuthClaim = claim;
    }

    /// <summary>Gets whether there is a claim; whether it is whole says <see cref="AuthClaim.IsComplete"/>.</summary>
    public bool HasAuthClaim { get; }

    /// <summary>Gets the claim over the channel binding.</summary>
    public AuthClaim AuthClaim { get; }

    /// <inheritdoc/>
    public int EncodedLength => HasAuthClaim ? ProtobufField.MessageLength(AuthClaim.EncodedLength) : 0;

    /// <inheritdoc/>
    //= spec/p2pke.md#payload-parsing
    public static bool TryRead(scoped ref WireReader reader, out InitDoneBody message)
    {
        message = default;
        AuthClaim claim = default;
        var hasClaim = false;
        var fields = new ProtobufReader(reader.ReadRest());
        while (fields.MoveNext())
        {
            if (fields.IsBytes(ClaimField))
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

        message = new InitDoneBody(hasClaim, claim);
        return true;
    }

    /// <inheritdoc/>
    //= spec/p2pke.md#payload-encoding
    public void WriteTo(ref WireWriter writer)
    {
        if (HasAuthClaim)
        {
            AuthClaim.WriteAsField(ref writer, ClaimField);
        }
    }
}
