using BenchmarkDotNet.Attributes;
using PacketSec.Protocol.Wire;

namespace PacketSec.Benchmarks.Suites;

/// <summary>Reading what anybody can send, before anything is known of the sender.</summary>
public class ParseBenchmarks
{
    private readonly byte[] _datagram = new byte[1220];
    private byte[] _proposal = [];

    [GlobalSetup]
    public void Encode()
        => _proposal = Protocol.Wire.ProposalFrame.Encode([0x00, 0x04, 1, 2, 3, 4], ["p2pke-1", "noise-xx-1", "secret-handshake-1"], new byte[200]);

    [Benchmark]
    public uint PacketHeader() => Protocol.Wire.PacketHeader.TryRead(_datagram, out var header) ? header.Word : throw Refused();

    [Benchmark]
    public bool PsecFrame() => Protocol.Wire.PsecFrame.IsFrame(_proposal) ? true : throw Refused();

    [Benchmark]
    public int ProposalFrame()
    {
        if (!WireMessage.TryRead<ProposalFrame>(_proposal, out var frame))
        {
            throw Refused();
        }

        var length = 0;
        foreach (var text in frame)
        {
            length += text.Length;
        }

        return length;
    }

    private static InvalidOperationException Refused() => new("What is well formed is refused.");
}
