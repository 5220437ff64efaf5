using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Wire;

namespace PacketSec.Libp2p.Addresses;

/// <summary>
/// An address made of components, such as <c>/ip4/192.0.2.1/udp/4001/psec/p2p/12D3KooW...</c>; section 1 of <c>spec/libp2p.md</c>. It has one canonical
/// text and one encoding.
/// </summary>
/// <remarks>Immutable, and safe to share between threads.</remarks>
public sealed class Multiaddress : IEquatable<Multiaddress>
{
    /// <summary>The longest encoding in bytes.</summary>
    public const int MaxSize = 1024;

    /// <summary>The longest text in characters.</summary>
    public const int MaxTextLength = 2048;

    /// <summary>How many components there may be.</summary>
    public const int MaxComponents = 16;

    private readonly byte[] _bytes;

    private Multiaddress(byte[] bytes, IReadOnlyList<MultiaddressComponent> components)
    {
        _bytes = bytes;
        Components = components;
    }

    /// <summary>Gets the components, from the outermost on; at least one.</summary>
    public IReadOnlyList<MultiaddressComponent> Components { get; }

    /// <summary>Gets the binary form.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Gets the peer ID of the last component, or null where that is something else.</summary>
    public PeerId? PeerId => Components[^1] is { Protocol: MultiaddressProtocol.P2p } last ? PeerId.Parse(last.Value) : null;

    /// <summary>Reads an address from text.</summary>
    /// <param name="text">Such as <c>/ip4/192.0.2.1/udp/4001/psec</c>.</param>
    /// <param name="address">The address.</param>
    /// <returns>False for text that is no address of known components.</returns>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Multiaddress? address) => TryParse(text, out address, out _);

    /// <summary>Reads an address from text, and says what is wrong with one that is none.</summary>
    /// <param name="text">Such as <c>/ip4/192.0.2.1/udp/4001/psec</c>.</param>
    /// <param name="address">The address.</param>
    /// <param name="error">A sentence for people; null when the text is an address.</param>
    //= spec/libp2p.md#multiaddress-text
    public static bool TryParse(string? text, [NotNullWhen(true)] out Multiaddress? address, [NotNullWhen(false)] out string? error)
    {
        address = null;
        error = null;
        if (string.IsNullOrEmpty(text) || text[0] != '/' || text.Length > MaxTextLength)
        {
            error = $"A multiaddress begins with a slash and has up to {MaxTextLength} characters.";
            return false;
        }

        var parts = text[1..].Split('/');
        var bytes = new List<byte>();
        var components = 0;
        for (var i = 0; i < parts.Length; i++)
        {
            if (!ComponentCodec.TryFind(parts[i], out var protocol))
            {
                error = parts[i].Length == 0
                    ? "A multiaddress has no empty component and no slash at its end."
                    : $"'{parts[i]}' is not a known component: there are ip4, ip6, dns, dns4, dns6, udp, psec, psec-scheme and p2p.";
                return false;
            }

            var value = string.Empty;
            if (ComponentCodec.HasValue(protocol))
            {
                if (++i == parts.Length)
                {
                    error = $"'{parts[i - 1]}' at the end lacks its value.";
                    return false;
                }

                value = parts[i];
            }

            if (!ComponentCodec.TryParse(protocol, value, out var encoded))
            {
                error = $"'{value}' is no value of '{ComponentCodec.NameOf(protocol)}'.";
                return false;
            }

            if (++components > MaxComponents)
            {
                error = $"A multiaddress has up to {MaxComponents} components.";
                return false;
            }

            ComponentCodec.Append(protocol, encoded, bytes);
        }

        // The bytes have one form, so the text that is derived from them is the canonical one.
        if (TryRead([.. bytes], out address))
        {
            return true;
        }

        error = $"A multiaddress has up to {MaxSize} bytes.";
        return false;
    }

    /// <summary>Reads an address from text.</summary>
    /// <param name="text">Such as <c>/ip4/192.0.2.1/udp/4001/psec</c>.</param>
    /// <exception cref="FormatException">The text is no address of known components; the message says why.</exception>
    public static Multiaddress Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out var address, out var error) ? address : throw new FormatException($"'{text}' is no address: {error}");
    }

    /// <summary>Reads an address from its binary form.</summary>
    /// <param name="bytes">All of it; copied.</param>
    /// <param name="address">The address.</param>
    /// <returns>False unless the bytes are the one encoding of 1 to <see cref="MaxComponents"/> known components.</returns>
    //= spec/libp2p.md#multiaddress-binary
    public static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Multiaddress? address)
    {
        address = null;
        if (bytes.IsEmpty || bytes.Length > MaxSize)
        {
            return false;
        }

        var components = new List<MultiaddressComponent>();
        var reader = new WireReader(bytes);
        while (!reader.IsAtEnd)
        {
            if (components.Count == MaxComponents
                || !reader.TryReadVarint(out var code) || code > int.MaxValue || !Enum.IsDefined((MultiaddressProtocol)code)
                || !ComponentCodec.TryRead((MultiaddressProtocol)code, ref reader, out var value))
            {
                return false;
            }

            components.Add(new((MultiaddressProtocol)code, value));
        }

        address = new(bytes.ToArray(), components.AsReadOnly());
        return true;
    }

    /// <summary>Makes the address of a UDP socket, with <c>/psec</c> behind it.</summary>
    /// <param name="endPoint">The socket's address; an IPv4 address mapped into IPv6 becomes <c>/ip4</c>, a scope is left out.</param>
    /// <param name="peer">The peer there, or null.</param>
    /// <exception cref="ArgumentException">The address is of another family than IP.</exception>
    public static Multiaddress FromEndPoint(IPEndPoint endPoint, PeerId? peer = null)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        var ip = endPoint.Address.IsIPv4MappedToIPv6 ? endPoint.Address.MapToIPv4() : endPoint.Address;
        var name = ip.AddressFamily switch
        {
            AddressFamily.InterNetwork => "ip4",
            AddressFamily.InterNetworkV6 => "ip6",
            _ => throw new ArgumentException($"{endPoint} is no IP address.", nameof(endPoint)),
        };
        var text = new IPAddress(ip.GetAddressBytes()).ToString();
        var address = Parse(string.Create(CultureInfo.InvariantCulture, $"/{name}/{text}/udp/{endPoint.Port}/psec"));
        return peer is null ? address : address.WithPeer(peer);
    }

    /// <summary>Returns the address with a peer ID as its last component, in place of one that it has there.</summary>
    /// <param name="peer">The peer.</param>
    /// <exception cref="FormatException">
    /// The address has no place for one more: it has <see cref="MaxComponents"/> components already, or would be longer than <see cref="MaxSize"/>
    /// bytes or <see cref="MaxTextLength"/> characters.
    /// </exception>
    public Multiaddress WithPeer(PeerId peer)
    {
        ArgumentNullException.ThrowIfNull(peer);
        return Parse($"{Text(PeerId is null ? Components : Components.SkipLast(1))}/p2p/{peer}");
    }

    /// <summary>Returns the address without the peer ID that is its last component; one that has none, or nothing else, stays as it is.</summary>
    public Multiaddress WithoutPeer() => PeerId is null || Components.Count == 1 ? this : Parse(Text(Components.SkipLast(1)));

    /// <summary>Tells whether two addresses are equal, or both null.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator ==(Multiaddress? left, Multiaddress? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Tells whether two addresses differ.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator !=(Multiaddress? left, Multiaddress? right) => !(left == right);

    /// <inheritdoc/>
    public bool Equals([NotNullWhen(true)] Multiaddress? other) => other is not null && Bytes.SequenceEqual(other.Bytes);

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => Equals(obj as Multiaddress);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.AddBytes(_bytes);
        return hash.ToHashCode();
    }

    /// <summary>Returns the canonical text; peer IDs are in base58btc.</summary>
    public override string ToString() => Text(Components);

    private static string Text(IEnumerable<MultiaddressComponent> components)
    {
        var text = new StringBuilder();
        foreach (var component in components)
        {
            text.Append('/').Append(ComponentCodec.NameOf(component.Protocol));
            if (ComponentCodec.HasValue(component.Protocol))
            {
                text.Append('/').Append(component.Value);
            }
        }

        return text.ToString();
    }
}
