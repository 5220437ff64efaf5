using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Unicode;

namespace PacketSec.Libp2p.Negotiation;

/// <summary>
/// Agrees on the protocol of a stream, by multistream-select 1.0: section 4 of <c>spec/libp2p.md</c>. What the peer sent behind the agreement stays
/// in the stream.
/// </summary>
public static class MultistreamSelect
{
    /// <summary>The protocol's own name.</summary>
    public const string ProtocolId = "/multistream/1.0.0";

    /// <summary>The longest message that is read, in bytes, with the newline at its end.</summary>
    public const int MaxMessageSize = 1024;

    /// <summary>How many messages a listener answers on one stream.</summary>
    public const int MaxProposals = 64;

    private const byte NewLine = (byte)'\n';
    private const string NotAvailable = "na";
    private const string List = "ls";

    /// <summary>Proposes protocols on a stream that this side opened, one after the other.</summary>
    /// <param name="stream">The stream; nothing has been written to it or read from it.</param>
    /// <param name="protocols">The first choice first.</param>
    /// <param name="cancellationToken">Ends the wait; the stream is of no use then.</param>
    /// <returns>The one that the peer takes.</returns>
    /// <exception cref="Libp2pException">
    /// <see cref="Libp2pError.NoCommonProtocol"/>, <see cref="Libp2pError.Malformed"/>, <see cref="Libp2pError.StreamReset"/> or
    /// <see cref="Libp2pError.Closed"/>.
    /// </exception>
    /// <exception cref="ArgumentException">There is no protocol, or one that cannot be a name.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public static async Task<string> DialAsync(IDuplexPipe stream, IReadOnlyList<string> protocols, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(protocols);
        CheckNames(protocols);

        //= spec/libp2p.md#multistream-header
        WriteLine(stream.Output, ProtocolId);
        for (var i = 0; i < protocols.Count; i++)
        {
            WriteLine(stream.Output, protocols[i]);
            await stream.Output.FlushAsync(cancellationToken).ConfigureAwait(false);
            if (i == 0)
            {
                RequireHeader(await ReadLineAsync(stream.Input, cancellationToken).ConfigureAwait(false));
            }

            var answer = await ReadLineAsync(stream.Input, cancellationToken).ConfigureAwait(false);
            if (answer == protocols[i])
            {
                return answer;
            }

            if (answer != NotAvailable)
            {
                throw Malformed("answered with another protocol than the one that was proposed");
            }
        }

        throw new Libp2pException(
            Libp2pError.NoCommonProtocol, $"The peer serves none of {string.Join(", ", protocols)} on this stream.");
    }

    /// <summary>Answers proposals on a stream that the peer opened.</summary>
    /// <param name="stream">The stream; nothing has been written to it or read from it.</param>
    /// <param name="supported">What this side serves.</param>
    /// <param name="cancellationToken">Ends the wait; the stream is of no use then.</param>
    /// <returns>The protocol that was agreed on, or null when the peer ended the stream without one.</returns>
    /// <exception cref="Libp2pException">
    /// <see cref="Libp2pError.Malformed"/>, <see cref="Libp2pError.StreamReset"/> or <see cref="Libp2pError.Closed"/>.
    /// </exception>
    /// <exception cref="ArgumentException">A protocol cannot be a name.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public static async Task<string?> ListenAsync(
        IDuplexPipe stream, IReadOnlyCollection<string> supported, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(supported);
        CheckNames(supported);
        WriteLine(stream.Output, ProtocolId);
        await stream.Output.FlushAsync(cancellationToken).ConfigureAwait(false);
        if (await TryReadLineAsync(stream.Input, cancellationToken).ConfigureAwait(false) is not { } header)
        {
            return null;
        }

        RequireHeader(header);

        //= spec/libp2p.md#multistream-proposals
        for (var count = 0; count < MaxProposals; count++)
        {
            if (await TryReadLineAsync(stream.Input, cancellationToken).ConfigureAwait(false) is not { } proposal)
            {
                return null;
            }

            if (proposal == List)
            {
                WriteList(stream.Output, supported);
            }
            else
            {
                WriteLine(stream.Output, supported.Contains(proposal) ? proposal : NotAvailable);
            }

            await stream.Output.FlushAsync(cancellationToken).ConfigureAwait(false);
            if (supported.Contains(proposal))
            {
                return proposal;
            }
        }

        throw Malformed($"made more than {MaxProposals} proposals on one stream");
    }

    /// <summary>Reads a line from the content of a message.</summary>
    /// <param name="message">The message, with its newline.</param>
    /// <param name="line">The line, without.</param>
    //= spec/libp2p.md#multistream-message
    internal static bool TryReadLine(ReadOnlySpan<byte> message, out string line)
    {
        var valid = message.Length > 1 && message[^1] == NewLine && !message[..^1].Contains(NewLine) && Utf8.IsValid(message);
        line = valid ? Encoding.UTF8.GetString(message[..^1]) : string.Empty;
        return valid;
    }

    /// <summary>Returns whether a text can be the name of a protocol.</summary>
    /// <param name="name">The text.</param>
    internal static bool IsName(string name)
        => name.Length > 0 && name is not (NotAvailable or List or ProtocolId) && !name.Contains('\n', StringComparison.Ordinal)
            && Encoding.UTF8.GetByteCount(name) < MaxMessageSize;

    private static void CheckNames(IReadOnlyCollection<string> protocols)
    {
        if (protocols.Count == 0 || !protocols.All(IsName))
        {
            throw new ArgumentException(
                $"There has to be a protocol, and its name has 1 to {MaxMessageSize - 1} bytes without a newline; 'na' and 'ls' are taken.", nameof(protocols));
        }
    }

    private static void RequireHeader(string line)
    {
        if (line != ProtocolId)
        {
            throw Malformed("does not begin a stream with multistream-select 1.0");
        }
    }

    private static async ValueTask<string> ReadLineAsync(PipeReader reader, CancellationToken cancellationToken)
        => await TryReadLineAsync(reader, cancellationToken).ConfigureAwait(false) ?? throw Malformed("ended the stream before it answered");

    private static async ValueTask<string?> TryReadLineAsync(PipeReader reader, CancellationToken cancellationToken)
    {
        var (status, message) = await DelimitedMessage.ReadAsync(reader, MaxMessageSize, cancellationToken).ConfigureAwait(false);
        if (status == MessageStatus.Ended)
        {
            return null;
        }

        return status == MessageStatus.Complete && TryReadLine(message, out var line)
            ? line
            : throw Malformed($"sent what is no line of at most {MaxMessageSize} bytes");
    }

    private static void WriteLine(PipeWriter writer, string line) => DelimitedMessage.Write(writer, [.. Encoding.UTF8.GetBytes(line), NewLine]);

    private static void WriteList(PipeWriter writer, IReadOnlyCollection<string> protocols)
    {
        var lines = new ArrayBufferWriter<byte>();
        foreach (var protocol in protocols)
        {
            DelimitedMessage.Write(lines, [.. Encoding.UTF8.GetBytes(protocol), NewLine]);
        }

        DelimitedMessage.Write(writer, [.. lines.WrittenSpan, NewLine]);
    }

    private static Libp2pException Malformed(string what)
        => new(Libp2pError.Malformed, $"The peer {what}: the stream cannot be used.");
}
