using PacketSec.Fuzz.Engine;
using PacketSec.Protocol;
using PacketSec.Protocol.Streams;
using PacketSec.Protocol.Streams.Frames;
using PacketSec.Protocol.Wire;

namespace PacketSec.Fuzz.Targets;

/// <summary>
/// A peer that has said HELLO and then sends anything. The input is a row of steps: a byte that tells what happens, and for a packet a byte with the
/// length of its frames, which follow.
/// </summary>
internal sealed class StreamConnectionTarget : FuzzTarget
{
    private static readonly StreamOptions Options = new()
    {
        StreamWindow = 64 * 1024,
        MaxStreamWindow = 64 * 1024,
        ConnectionWindow = 128 * 1024,
        MaxConnectionWindow = 128 * 1024,
        MaxStreamsBidirectional = 8,
        MaxStreamsUnidirectional = 2,
        SendBuffer = 64 * 1024,
        DatagramBuffer = 64 * 1024,
        MaxDatagramSize = 2000,
    };

    public override string Name => "stream-connection";

    public override string Property => "whatever a peer sends, a connection holds no more than its windows, sends no more than it may, and ends with a reason or goes on";

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        Convert.FromHexString("00060a0003616263"),
        Convert.FromHexString("00050200000000"),
        Convert.FromHexString("0007040001800000ff"),
        Convert.FromHexString("0003050003"),
        Convert.FromHexString("0006108000ffff"),
        Convert.FromHexString("00043102aabb"),
        Convert.FromHexString("01020304"),
    ];

    public override void Run(ReadOnlySpan<byte> input, FuzzTrace trace)
    {
        var now = new Instant(3_600_000_000_000);
        var machine = new ConnectionMachine(now, StreamSide.Odd, Options, new FuzzRandom(1));
        machine.SetCarrier(now, new(1, default, 1472));
        var packet = new byte[1452];
        var number = 0L;
        var hello = new byte[HelloFrame.MaxLength];
        var greeting = new WireWriter(hello);
        new HelloFrame(HelloFrame.CurrentVersion, new(7), machine.OwnIncarnation, TransportParameters.Minimum with { MaxStreamsBidirectional = 4 }).WriteTo(ref greeting);
        Deliver(machine, now, packet, number++, greeting.Written);
        Require(machine.State == ConnectionState.Open, "a HELLO opens the connection");

        var streams = new List<StreamState>();
        var reader = new WireReader(input);
        while (reader.TryReadByte(out var step))
        {
            switch (step % 6)
            {
                case 0 or 1:
                    var length = reader.TryReadByte(out var wanted) ? Math.Min((int)wanted, reader.Remaining) : 0;
                    reader.TryReadBytes(length, out var frames);
                    trace.Reach(1, (int)Deliver(machine, now, packet, number++, frames));
                    break;
                case 2:
                    now += TimeSpan.FromMilliseconds(step);
                    machine.HandleTimeout(now);
                    break;
                case 3:
                    Write(machine, streams);
                    break;
                case 4:
                    Read(machine, now, streams, step);
                    break;
                default:
                    machine.SetCarrier(now, new(1 + (step / 64), default, 1472));
                    break;
            }

            Drain(machine, now, packet, streams, trace);
        }

        trace.Reach(2, ((int)machine.State * 16) + (int)machine.Cause);
        trace.Reach(3, machine.CloseCode & 0x1f);
    }

    private static PacketVerdict Deliver(ConnectionMachine machine, Instant now, byte[] packet, long number, ReadOnlySpan<byte> frames)
    {
        var writer = new WireWriter(packet);
        writer.WriteQuicVarint(number);
        writer.WriteBytes(frames);
        return machine.HandlePacket(now, 1, writer.Written);
    }

    private static void Drain(ConnectionMachine machine, Instant now, byte[] packet, List<StreamState> streams, FuzzTrace trace)
    {
        while (machine.TryPollEvent(out var what))
        {
            trace.Reach(4, (int)what.Kind);
            if (what is { Kind: StreamEventKind.StreamOpened, Stream: { } opened })
            {
                streams.Add(opened);
            }
        }

        for (var built = 0; machine.TryBuildPacket(now, packet, out var sent); built++)
        {
            Require(built < 200, "the window bounds what is sent at once");
            Require(sent.Length is > 1 and <= 1452, "a packet fits");
        }

        var held = 0L;
        foreach (var stream in streams)
        {
            held += stream.Receive?.Readable ?? 0;
            Require(stream.Receive is null || stream.Receive.BufferedCapacity <= Options.StreamWindow, "a stream holds no more than its window");
            Require(stream.Send is null || stream.Send.SentTo <= stream.Send.Limit, "a stream sends no more than it may");
        }

        Require(held <= Options.ConnectionWindow, "all streams hold no more than the connection's window");
        Require(machine.State is ConnectionState.Opening or ConnectionState.Open == (machine.Cause == CloseCause.None), "an end has a cause");
    }

    private static void Write(ConnectionMachine machine, List<StreamState> streams)
    {
        if (machine.TryOpen(bidirectional: true) is { } opened)
        {
            streams.Add(opened);
        }

        foreach (var stream in streams)
        {
            if (stream.Send is { IsFinished: false })
            {
                machine.Write(stream, new byte[3000]);
                if (stream.Send.WrittenTo > 20_000)
                {
                    machine.Finish(stream);
                }
            }
        }
    }

    private static void Read(ConnectionMachine machine, Instant now, List<StreamState> streams, byte step)
    {
        foreach (var stream in streams)
        {
            if (stream.Receive is null)
            {
                continue;
            }

            if (step > 240)
            {
                machine.StopSending(now, stream, step);
            }
            else
            {
                machine.Read(now, stream, new byte[step * 10], out _);
            }
        }
    }
}
