namespace PacketSec.Protocol.Wire.P2pke;

/// <summary>A public key and a signature by it: what each handshake message of <c>p2pke-1</c> claims.</summary>
internal readonly ref struct AuthClaim : IWireMessage<AuthClaim>
{
    private const int KeyField = 1;
    private const int SignatureField = 2;

    /// <summary>Creates a claim.</summary>
    /// <param name="key">The key as DER SubjectPublicKeyInfo.</param>
    /// <param name="signature">The signature over the message's prehash.</param>
    public AuthClaim(ReadOnlySpan<byte> key, ReadOnlySpan<byte> signature)
    {
        Key = key;
        Signature = signature;
    }

    /// <summary>Gets the key as DER SubjectPublicKeyInfo; empty when the sender gave none.</summary>
    public ReadOnlySpan<byte> Key { get; }

    /// <summary>Gets the signature; empty when the sender gave none.</summary>
    public ReadOnlySpan<byte> Signature { get; }

    /// <summary>Gets whether both parts are there.</summary>
    //= spec/p2pke.md#missing-claim
    public bool IsComplete => !Key.IsEmpty && !Signature.IsEmpty;

    /// <inheritdoc/>
    public int EncodedLength => ProtobufField.ScalarLength(Key) + ProtobufField.ScalarLength(Signature);

    /// <inheritdoc/>
    public static bool TryRead(scoped ref WireReader reader, out AuthClaim message)
    {
        message = default;
        return TryMerge(reader.ReadRest(), ref message);
    }

    /// <summary>Reads a claim over another: proto3 merges the copies of a message field by field.</summary>
    /// <param name="encoded">The claim as received.</param>
    /// <param name="claim">What was read before; what stands in <paramref name="encoded"/> replaces it.</param>
    /// <returns>False when the bytes are not proto3.</returns>
    //= spec/p2pke.md#payload-parsing
    public static bool TryMerge(ReadOnlySpan<byte> encoded, ref AuthClaim claim)
    {
        var key = claim.Key;
        var signature = claim.Signature;
        var fields = new ProtobufReader(encoded);
        while (fields.MoveNext())
        {
            if (fields.IsBytes(KeyField))
            {
                key = fields.Bytes;
            }
            else if (fields.IsBytes(SignatureField))
            {
                signature = fields.Bytes;
            }
        }

        claim = new AuthClaim(key, signature);
        return !fields.IsMalformed;
    }

    /// <inheritdoc/>
    //= spec/p2pke.md#payload-encoding
    public void WriteTo(ref WireWriter writer)
    {
        ProtobufField.WriteScalar(ref writer, KeyField, Key);
        ProtobufField.WriteScalar(ref writer, SignatureField, Signature);
    }

    /// <summary>Writes the claim as a field of another message.</summary>
    /// <param name="writer">The writer.</param>
    /// <param name="number">The field's number.</param>
    public void WriteAsField(ref WireWriter writer, int number)
    {
        ProtobufField.WriteHead(ref writer, number, EncodedLength);
        WriteTo(ref writer);
    }
}
