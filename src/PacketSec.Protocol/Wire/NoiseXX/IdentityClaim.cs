namespace PacketSec.Protocol.Wire.NoiseXX;

/// <summary>The payload of messages 2 and 3 of <c>noise-xx-1</c>: an identity's key, and its signature over the static key of the handshake.</summary>
//= spec/noise-xx.md#claim-payload
internal readonly ref struct IdentityClaim : IWireMessage<IdentityClaim>
{
    private const int KeyField = 1;
    private const int SignatureField = 2;

    /// <summary>Creates a claim.</summary>
    /// <param name="key">The key as libp2p's protobuf.</param>
    /// <param name="signature">The signature.</param>
    public IdentityClaim(ReadOnlySpan<byte> key, ReadOnlySpan<byte> signature)
    {
        Key = key;
        Signature = signature;
    }

    /// <summary>Gets the key as libp2p's protobuf; empty when the sender gave none.</summary>
    public ReadOnlySpan<byte> Key { get; }

    /// <summary>Gets the signature; empty when the sender gave none.</summary>
    public ReadOnlySpan<byte> Signature { get; }

    /// <inheritdoc/>
    public int EncodedLength => ProtobufField.ScalarLength(Key) + ProtobufField.ScalarLength(Signature);

    /// <inheritdoc/>
    public static bool TryRead(scoped ref WireReader reader, out IdentityClaim message)
    {
        ReadOnlySpan<byte> key = default;
        ReadOnlySpan<byte> signature = default;
        var fields = new ProtobufReader(reader.ReadRest());
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

        message = new(key, signature);
        return !fields.IsMalformed && !key.IsEmpty && !signature.IsEmpty;
    }

    /// <inheritdoc/>
    public void WriteTo(ref WireWriter writer)
    {
        ProtobufField.WriteScalar(ref writer, KeyField, Key);
        ProtobufField.WriteScalar(ref writer, SignatureField, Signature);
    }
}
