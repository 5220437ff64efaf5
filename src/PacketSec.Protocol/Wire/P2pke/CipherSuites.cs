using System.Text.Unicode;

namespace PacketSec.Protocol.Wire.P2pke;

/// <summary>The suites an InitHello lists: walked in place, because their number is the sender's choice.</summary>
internal readonly ref struct CipherSuites
{
    /// <summary>The number of the repeated field.</summary>
    public const int Field = 1;

    private readonly ReadOnlySpan<byte> _fields;

    /// <summary>Creates the list from the encoded fields that hold it; other fields among them do no harm.</summary>
    /// <param name="fields">Well-formed proto3 fields.</param>
    public CipherSuites(ReadOnlySpan<byte> fields) => _fields = fields;

    /// <summary>Gets the name of the one suite there is; the Noise name without its first three parts.</summary>
    public static ReadOnlySpan<byte> Only => "25519_ChaChaPoly_BLAKE2b"u8;

    /// <summary>Gets the list a sender gives.</summary>
    public static CipherSuites Ours => new("\n\u001825519_ChaChaPoly_BLAKE2b"u8);

    /// <summary>Gets the length of the list as fields, in bytes.</summary>
    public int EncodedLength
    {
        get
        {
            var length = 0;
            foreach (var suite in this)
            {
                length += ProtobufField.MessageLength(suite.Length);
            }

            return length;
        }
    }

    /// <summary>Returns whether a suite's name is a proto3 string.</summary>
    /// <param name="name">The name.</param>
    public static bool IsValidName(ReadOnlySpan<byte> name) => Utf8.IsValid(name);

    /// <summary>Writes the list as fields.</summary>
    /// <param name="writer">The writer.</param>
    public void WriteTo(ref WireWriter writer)
    {
        foreach (var suite in this)
        {
            ProtobufField.WriteHead(ref writer, Field, suite.Length);
            writer.WriteBytes(suite);
        }
    }

    /// <summary>Walks the names.</summary>
    public Enumerator GetEnumerator() => new(_fields);

    /// <summary>Walks the names.</summary>
    internal ref struct Enumerator(ReadOnlySpan<byte> fields)
    {
        private ProtobufReader _reader = new(fields);

        /// <summary>Gets the current name, UTF-8.</summary>
        public readonly ReadOnlySpan<byte> Current => _reader.Bytes;

        /// <summary>Moves to the next name.</summary>
        public bool MoveNext()
        {
            while (_reader.MoveNext())
            {
                if (_reader.IsBytes(Field))
                {
                    return true;
                }
            }

            return false;
        }
    }
}
