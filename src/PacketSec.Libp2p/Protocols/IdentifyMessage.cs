using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;
using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Negotiation;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;

namespace PacketSec.Libp2p.Protocols;

/// <summary>What a peer tells of itself: section 6 of <c>spec/libp2p.md</c>. A part that the peer did not send is null or empty.</summary>
public sealed record IdentifyMessage
{
    /// <summary>The longest encoding that is read, in bytes.</summary>
    public const int MaxSize = 64 * 1024;

    /// <summary>How many addresses, and how many protocols, are kept of a message.</summary>
    public const int MaxElements = 256;

    private const int PublicKeyField = 1;
    private const int ListenAddressField = 2;
    private const int ProtocolField = 3;
    private const int ObservedAddressField = 4;
    private const int ProtocolVersionField = 5;
    private const int AgentVersionField = 6;

    /// <summary>Gets the key of the peer, as the proven identity holds it.</summary>
    public PublicKey? PublicKey { get; init; }

    /// <summary>Gets the addresses that the peer listens on. Those of components that are not known here are left out.</summary>
    public IReadOnlyList<Multiaddress> ListenAddresses { get; init; } = [];

    /// <summary>Gets the protocols that the peer serves.</summary>
    public IReadOnlyList<string> Protocols { get; init; } = [];

    /// <summary>Gets the address of the receiver as the peer sees it.</summary>
    public Multiaddress? ObservedAddress { get; init; }

    /// <summary>Gets the family of protocols that the peer belongs to.</summary>
    public string? ProtocolVersion { get; init; }

    /// <summary>Gets the name and version of the peer's program.</summary>
    public string? AgentVersion { get; init; }

    /// <summary>Reads a message.</summary>
    /// <param name="encoded">The protobuf, without its length.</param>
    /// <param name="message">The message.</param>
    /// <returns>
    /// False for what is no protobuf, or longer than <see cref="MaxSize"/>, and for a key that is none. Fields, addresses and strings that are
    /// not understood are left out.
    /// </returns>
    //= spec/libp2p.md#identify-read
    public static bool TryRead(ReadOnlySpan<byte> encoded, [NotNullWhen(true)] out IdentifyMessage? message)
    {
        message = null;
        if (encoded.Length > MaxSize)
        {
            return false;
        }

        var read = new IdentifyMessage();
        var addresses = new List<Multiaddress>();
        var protocols = new List<string>();
        var fields = new ProtobufReader(encoded);
        while (fields.MoveNext())
        {
            if (fields.IsBytes(PublicKeyField))
            {
                if (!PublicKey.TryReadProtobuf(fields.Bytes, out var key))
                {
                    return false;
                }

                read = read with { PublicKey = key };
            }
            else if (fields.IsBytes(ListenAddressField))
            {
                if (addresses.Count < MaxElements && Multiaddress.TryRead(fields.Bytes, out var address))
                {
                    addresses.Add(address);
                }
            }
            else if (fields.IsBytes(ProtocolField))
            {
                if (protocols.Count < MaxElements && TryReadText(fields.Bytes) is { } protocol)
                {
                    protocols.Add(protocol);
                }
            }
            else if (fields.IsBytes(ObservedAddressField))
            {
                read = read with { ObservedAddress = Multiaddress.TryRead(fields.Bytes, out var observed) ? observed : null };
            }
            else if (fields.IsBytes(ProtocolVersionField))
            {
                read = read with { ProtocolVersion = TryReadText(fields.Bytes) };
            }
            else if (fields.IsBytes(AgentVersionField))
            {
                read = read with { AgentVersion = TryReadText(fields.Bytes) };
            }
        }

        message = fields.IsMalformed ? null : read with { ListenAddresses = addresses.AsReadOnly(), Protocols = protocols.AsReadOnly() };
        return message is not null;
    }

    /// <summary>Returns the protobuf, with ascending fields.</summary>
    public byte[] ToBytes()
    {
        var fields = new List<(int Number, byte[] Value)>();
        if (PublicKey is { } key)
        {
            fields.Add((PublicKeyField, key.ToProtobuf()));
        }

        fields.AddRange(ListenAddresses.Select(address => (ListenAddressField, address.Bytes.ToArray())));
        fields.AddRange(Protocols.Select(protocol => (ProtocolField, Encoding.UTF8.GetBytes(protocol))));
        if (ObservedAddress is { } observed)
        {
            fields.Add((ObservedAddressField, observed.Bytes.ToArray()));
        }

        AddText(fields, ProtocolVersionField, ProtocolVersion);
        AddText(fields, AgentVersionField, AgentVersion);
        var encoded = new byte[fields.Sum(field => ProtobufField.MessageLength(field.Value.Length))];
        var writer = new WireWriter(encoded);
        foreach (var (number, value) in fields)
        {
            ProtobufField.WriteHead(ref writer, number, value.Length);
            writer.WriteBytes(value);
        }

        return encoded;
    }

    /// <summary>Returns this message with the parts of a later one in place of its own, where that has them.</summary>
    /// <param name="later">The later message, as <c>/ipfs/id/push/1.0.0</c> carries it.</param>
    //= spec/libp2p.md#identify-push-partial
    internal IdentifyMessage Updated(IdentifyMessage later) => new()
    {
        PublicKey = later.PublicKey ?? PublicKey,
        ListenAddresses = later.ListenAddresses.Count > 0 ? later.ListenAddresses : ListenAddresses,
        Protocols = later.Protocols.Count > 0 ? later.Protocols : Protocols,
        ObservedAddress = later.ObservedAddress ?? ObservedAddress,
        ProtocolVersion = later.ProtocolVersion ?? ProtocolVersion,
        AgentVersion = later.AgentVersion ?? AgentVersion,
    };

    private static void AddText(List<(int Number, byte[] Value)> fields, int number, string? text)
    {
        if (text is not null)
        {
            fields.Add((number, Encoding.UTF8.GetBytes(text)));
        }
    }

    private static string? TryReadText(ReadOnlySpan<byte> bytes)
        => bytes.Length is > 0 and < MultistreamSelect.MaxMessageSize && Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : null;
}
