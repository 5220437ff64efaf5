using System.Buffers.Binary;
using System.Text;

namespace PacketSec.Cli.Forward;

/// <summary>What a stream is for. The numbers are on the wire.</summary>
internal enum ForwardKind : byte
{
    ConnectTcp = 1,
    ConnectUdp = 2,
    ListenTcp = 3,
    ListenUdp = 4,

    /// <summary>A connection or flow that came to a port which the other side asked for.</summary>
    Accepted = 5,

    /// <summary>Bytes that come back.</summary>
    Watch = 6,
}

/// <summary>What is answered to a request. The numbers are on the wire.</summary>
internal enum ForwardCode : byte
{
    Done = 0,
    NotPermitted = 16,
    Unreachable = 17,
    TooMany = 18,
    CannotBind = 19,
}

/// <summary>The other side does not keep to the protocol of forwarding.</summary>
internal sealed class ForwardProtocolException(string message) : Exception(message);

/// <summary>The first message of a stream: <c>spec/forward.md</c>.</summary>
/// <param name="Kind">What the stream is for.</param>
/// <param name="Host">The host to connect to, or the address to listen on; empty for other kinds.</param>
/// <param name="Port">The port there.</param>
/// <param name="Control">The number of the port's control stream, for <see cref="ForwardKind.Accepted"/>.</param>
internal sealed record ForwardRequest(ForwardKind Kind, string Host = "", int Port = 0, long Control = 0)
{
    private const int MostHost = 253;
    private const int HeadLength = 10;
    private const byte Version = 1;

    private static ReadOnlySpan<byte> Magic => "psecfwd"u8;

    private bool HasTarget => Kind is ForwardKind.ConnectTcp or ForwardKind.ConnectUdp or ForwardKind.ListenTcp or ForwardKind.ListenUdp;

    /// <exception cref="ForwardProtocolException">It is none.</exception>
    //= spec/forward.md#forward-request
    public static async Task<ForwardRequest> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var head = await ExactAsync(stream, HeadLength, cancellationToken);
        if (!head.AsSpan(0, Magic.Length).SequenceEqual(Magic) || head[7] != Version)
        {
            throw new ForwardProtocolException("The peer does not forward, or by another version of the protocol: both sides need psec forward.");
        }

        var kind = (ForwardKind)head[8];
        int length = head[9];
        var fits = kind switch
        {
            ForwardKind.ConnectTcp or ForwardKind.ConnectUdp or ForwardKind.ListenTcp or ForwardKind.ListenUdp => length is > 2 and <= 2 + MostHost,
            ForwardKind.Accepted => length == sizeof(long),
            ForwardKind.Watch => length == 0,
            _ => false,
        };
        return fits && Read(kind, await ExactAsync(stream, length, cancellationToken)) is { } request
            ? request
            : throw new ForwardProtocolException("The peer's request is badly formed.");
    }

    public byte[] ToBytes()
    {
        var body = new byte[HasTarget ? 2 + Host.Length : Kind == ForwardKind.Accepted ? sizeof(long) : 0];
        if (HasTarget)
        {
            BinaryPrimitives.WriteUInt16BigEndian(body, checked((ushort)Port));
            Encoding.ASCII.GetBytes(Host, body.AsSpan(2));
        }
        else if (Kind == ForwardKind.Accepted)
        {
            BinaryPrimitives.WriteInt64BigEndian(body, Control);
        }

        return [.. Magic, Version, (byte)Kind, checked((byte)body.Length), .. body];
    }

    /// <summary>Whether a text is an address without brackets or a name, as requests have them.</summary>
    public static bool IsHost(string host)
        => host.Length is > 0 and <= MostHost && host.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.' or ':');

    /// <exception cref="ForwardProtocolException">The stream ends before.</exception>
    internal static async Task<byte[]> ExactAsync(Stream stream, int length, CancellationToken cancellationToken)
    {
        var bytes = new byte[length];
        return await stream.ReadAtLeastAsync(bytes, length, throwOnEndOfStream: false, cancellationToken) == length
            ? bytes
            : throw new ForwardProtocolException("The peer ended a request, or its answer to one, in the middle.");
    }

    private static ForwardRequest? Read(ForwardKind kind, byte[] body)
    {
        switch (kind)
        {
            case ForwardKind.Watch:
                return new(kind);
            case ForwardKind.Accepted:
                return BinaryPrimitives.ReadInt64BigEndian(body) is >= 0 and var control ? new(kind, Control: control) : null;
            default:
                var port = BinaryPrimitives.ReadUInt16BigEndian(body);
                var host = Encoding.Latin1.GetString(body, 2, body.Length - 2);
                var mayBeAny = kind is ForwardKind.ListenTcp or ForwardKind.ListenUdp;
                return IsHost(host) && (port != 0 || mayBeAny) ? new(kind, host, port) : null;
        }
    }
}

/// <summary>The answer to a request.</summary>
/// <param name="Code">What became of it.</param>
/// <param name="Port">The port that was opened; 0 for all else.</param>
internal sealed record ForwardAnswer(ForwardCode Code, int Port = 0)
{
    private const int Length = 3;

    /// <exception cref="ForwardProtocolException">It is badly formed, or no answer to this kind of request.</exception>
    //= spec/forward.md#forward-request
    public static async Task<ForwardAnswer> ReadAsync(Stream stream, ForwardKind kind, CancellationToken cancellationToken)
    {
        var bytes = await ForwardRequest.ExactAsync(stream, Length, cancellationToken);
        var answer = new ForwardAnswer((ForwardCode)bytes[0], BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(1)));
        var opens = answer.Code == ForwardCode.Done && kind is (ForwardKind.ListenTcp or ForwardKind.ListenUdp);
        return Enum.IsDefined(answer.Code) && opens == (answer.Port != 0)
            ? answer
            : throw new ForwardProtocolException("The peer's answer to a request is badly formed.");
    }

    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        bytes[0] = (byte)Code;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(1), checked((ushort)Port));
        return bytes;
    }
}
