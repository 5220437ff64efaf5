using System.Net;
using System.Text;

namespace PacketSec.Cli.Inspect;

/// <summary>Reads captures and hexadecimal text, and prints each datagram. What cannot be read is told, and the run goes on.</summary>
/// <param name="reporter">Prints.</param>
/// <param name="ports">The UDP ports to look at; all if there are none.</param>
/// <param name="withNames">Whether people see which file a datagram is from.</param>
/// <param name="cancellationToken">Ends the run between two datagrams.</param>
internal sealed class InspectRun(Reporter reporter, IReadOnlySet<int> ports, bool withNames, CancellationToken cancellationToken)
{
    private readonly byte[] _line = new byte[HexText.MaxLineLength];

    /// <summary>Gets the exit code: what could not be read, or held no datagram, is no success.</summary>
    public int ExitCode { get; private set; } = ExitCodes.Success;

    /// <summary>Prints what a file holds.</summary>
    /// <param name="name">The file's name, for messages.</param>
    /// <param name="stream">Its content.</param>
    public void ReadFile(string name, Stream stream)
    {
        var source = new ByteSource(stream);
        if (CaptureFile.TryOpen(source) is { } capture)
        {
            ReadCapture(name, capture);
        }
        else if (source.Buffered.Contains((byte)0))
        {
            Fail(ExitCodes.File, $"'{name}' is neither a capture (pcap, pcapng) nor hexadecimal text.");
        }
        else
        {
            ReadLines(name, source);
        }
    }

    /// <summary>Prints one datagram given as text.</summary>
    /// <param name="number">Which one it is.</param>
    /// <param name="datagram">Its bytes.</param>
    public void Read(long number, ReadOnlySpan<byte> datagram) => PrintAlone(null, number, datagram);

    private void ReadLines(string name, ByteSource source)
    {
        var (number, shown, unreadable) = (0L, 0L, 0L);
        while (HexText.TryReadLine(source, _line, out var length))
        {
            cancellationToken.ThrowIfCancellationRequested();
            number++;
            var line = length < 0 ? [] : _line.AsSpan(0, length).Trim("\r \t"u8);
            if (length >= 0 && (line.IsEmpty || line[0] == (byte)'#'))
            {
                continue;
            }

            shown++;
            var datagram = Array.Empty<byte>();
            if ((length < 0 ? $"it has more than {_line.Length} characters" : HexText.Parse(line, out datagram)) is { } problem)
            {
                unreadable++;
                Print(new(name, number, null, null, null, 0), Unreadable(problem));
            }
            else
            {
                PrintAlone(name, number, datagram);
            }
        }

        if (unreadable > 0)
        {
            Fail(ExitCodes.File, $"{unreadable} of {shown} lines in '{name}' are no hexadecimal text.");
        }
        else if (shown == 0)
        {
            Fail(ExitCodes.Failed, $"There is no datagram in '{name}'.");
        }
    }

    private void ReadCapture(string name, ICaptureReader capture)
    {
        var flows = new FlowTable();
        var unknownLinks = new SortedDictionary<int, long>();
        var (number, shown) = (0L, 0L);
        while (capture.TryRead(out var packet))
        {
            cancellationToken.ThrowIfCancellationRequested();
            number++;
            if (packet.Problem is { } problem)
            {
                shown++;
                Fail(ExitCodes.File, $"Packet {number} of '{name}' is not read: {problem}.");
            }
            else if (!LinkLayer.IsKnown(packet.LinkType))
            {
                unknownLinks[packet.LinkType] = unknownLinks.GetValueOrDefault(packet.LinkType) + 1;
            }
            else if (LinkLayer.TryFindIp(packet.LinkType, packet.Bytes.Span, out var ip)
                && UdpPacket.TryRead(ip, packet.IsCut, out var udp) && IsWanted(udp))
            {
                shown++;
                var length = udp.Problem is null ? udp.Length : ip.Length;
                Print(new(name, number, packet.Time, udp.From, udp.To, length), Decode(udp, flows));
            }
        }

        foreach (var (linkType, count) in unknownLinks)
        {
            Fail(ExitCodes.File, $"{count} packets of '{name}' have link type {linkType}, which is not known.");
        }

        if (capture.Error is { } error)
        {
            Fail(ExitCodes.File, $"'{name}': {error}");
        }
        else if (shown == 0 && unknownLinks.Count == 0)
        {
            Fail(ExitCodes.Failed, $"None of the {number} packets in '{name}' is {(ports.Count == 0 ? "UDP" : "UDP of the ports given")}.");
        }
    }

    // Packets that do not show their ports are left out when ports are given.
    private bool IsWanted(in UdpPacket packet)
        => ports.Count == 0 || (packet.From is { } from && ports.Contains(from.Port)) || (packet.To is { } to && ports.Contains(to.Port));

    private static Finding Decode(in UdpPacket packet, FlowTable flows)
    {
        if (packet.Problem is { } problem)
        {
            var malformed = new Finding("malformed", "malformed packet", Tone.Bad);
            malformed.Add("kind", "ip", inText: false);
            malformed.Add("reason", problem);
            return malformed;
        }

        if (packet.Fragment is { } fragment)
        {
            var part = new Finding("fragment", "fragment", Tone.Note);
            part.Add("fragment", fragment);
            return part;
        }

        var (flow, side) = flows.Find(packet.From!, packet.To!);
        return packet.Payload.Length < packet.Length
            ? DatagramDecoder.DecodeCut(packet.Payload, packet.Length, flow)
            : DatagramDecoder.Decode(packet.Payload, flow, side);
    }

    private void PrintAlone(string? name, long number, ReadOnlySpan<byte> datagram)
        => Print(new(name, number, null, null, null, datagram.Length), DatagramDecoder.Decode(datagram, new(), 0));

    private static Finding Unreadable(string problem)
    {
        var finding = new Finding("malformed", "unreadable line", Tone.Bad);
        finding.Add("kind", "text", inText: false);
        finding.Add("reason", problem);
        return finding;
    }

    private void Print(in Heading heading, Finding finding)
    {
        var (name, number, time, from, to, length) = heading;
        var block = new StringBuilder(withNames && name is not null ? name : "").Append('#').Append(number);
        _ = time is { } moment ? block.Append(' ').Append(moment.ToString()) : block;
        _ = from is not null ? block.Append($" {AddressOf(from)} > {AddressOf(to!)}") : block;
        block.Append($" {Finding.Bytes(length)}: {finding.Title}");
        foreach (var line in finding.Lines("  "))
        {
            block.Append('\n').Append(line);
        }

        reporter.Line(finding.Tone, finding.Type, block.ToString(), json =>
        {
            if (name is not null)
            {
                json.WriteString("file", name);
            }

            json.WriteNumber("number", number);
            if (time is { } moment)
            {
                json.WriteString("time", moment.ToString());
            }

            if (from is not null)
            {
                json.WriteString("from", AddressOf(from));
                json.WriteString("to", AddressOf(to!));
            }

            json.WriteNumber("length", length);
            finding.WriteFacts(json);
        });
    }

    private static string AddressOf(IPEndPoint end) => end.Port == 0 ? end.Address.ToString() : end.ToString();

    private void Fail(int exitCode, string text)
    {
        reporter.Problem(text);
        ExitCode = ExitCode == ExitCodes.File ? ExitCode : exitCode;
    }

    private readonly record struct Heading(string? File, long Number, UtcTime? Time, IPEndPoint? From, IPEndPoint? To, int Length);
}
