using System.Net;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Streams;
using PacketSec.Protocol.Streams.Frames;
using PacketSec.Protocol.Wire;

namespace PacketSec.Core.Tests.Streams;

/// <summary>Two sides whose packets are carried by hand, on time that is moved by hand.</summary>
internal sealed class ConnectionPair
{
    public const int MaxDatagram = 1472;
    public static readonly TimeSpan Ms = TimeSpan.FromMilliseconds(1);

    private readonly Dictionary<ConnectionMachine, StreamCarrier> _carriers = [];
    private byte _seed;

    public ConnectionPair(StreamOptions? options = null, StreamOptions? odd = null, int maxDatagram = MaxDatagram)
    {
        Options = options ?? new();
        Even = Create(StreamSide.Even, Options);
        Odd = Create(StreamSide.Odd, odd ?? Options);
        Use(Even, 1, maxDatagram: maxDatagram);
        Use(Odd, 1, maxDatagram: maxDatagram);
    }

    public StreamOptions Options { get; }

    public Instant Now { get; private set; } = new(3_600_000_000_000);

    public ConnectionMachine Even { get; set; }

    public ConnectionMachine Odd { get; set; }

    public static NetworkAddress Address(byte last, ushort port = 4001) => NetworkAddress.FromEndPoint(new(new IPAddress([10, 0, 0, last]), port));

    public ConnectionMachine Create(StreamSide side, StreamOptions? options = null) => new(Now, side, options ?? Options, new CountingRandom(++_seed));

    public void Use(ConnectionMachine machine, long session, NetworkAddress? remote = null, int maxDatagram = MaxDatagram)
    {
        _carriers[machine] = new(session, remote ?? Address(1), maxDatagram);
        machine.SetCarrier(Now, _carriers[machine]);
    }

    public void Pass(TimeSpan time) => Now += time;

    /// <summary>Builds one packet, or returns null.</summary>
    public byte[]? Build(ConnectionMachine machine) => Build(machine, out _);

    public byte[]? Build(ConnectionMachine machine, out BuiltPacket packet)
    {
        var buffer = new byte[ImplementationLimits.MaxUdpPayload];
        var room = Math.Max(_carriers[machine].MaxDatagram, 1200) - SpecLimits.DatagramOverhead;
        return machine.TryBuildPacket(Now, buffer.AsSpan(0, room), out packet) ? buffer[..packet.Length] : null;
    }

    public List<byte[]> BuildAll(ConnectionMachine machine)
    {
        var packets = new List<byte[]>();
        while (Build(machine) is { } packet)
        {
            packets.Add(packet);
        }

        return packets;
    }

    public PacketVerdict Deliver(ConnectionMachine to, byte[] packet, long session = 1) => to.HandlePacket(Now, session, packet);

    /// <summary>Moves time to a machine's deadline and lets it act.</summary>
    public StreamTimer Wake(ConnectionMachine machine)
    {
        var timer = machine.NextTimer;
        Now = machine.NextDeadline!.Value;
        machine.HandleTimeout(Now);
        return timer;
    }

    /// <summary>Carries packets to and fro, 10 ms each way, until neither side has any more.</summary>
    public void Exchange(long? session = null)
    {
        for (var quiet = 0; quiet < 2;)
        {
            var toOdd = BuildAll(Even);
            var toEven = BuildAll(Odd);
            Pass(10 * Ms);
            toOdd.ForEach(packet => Deliver(Odd, packet, session ?? _carriers[Even].Session));
            toEven.ForEach(packet => Deliver(Even, packet, session ?? _carriers[Odd].Session));
            Even.HandleTimeout(Now);
            Odd.HandleTimeout(Now);
            quiet = toOdd.Count + toEven.Count == 0 ? quiet + 1 : 0;
            if (quiet == 1)
            {
                // A lone packet is acknowledged after 25 ms.
                Pass(16 * Ms);
                Even.HandleTimeout(Now);
                Odd.HandleTimeout(Now);
            }
        }
    }

    /// <summary>Lets both sides learn each other's HELLO.</summary>
    public ConnectionPair Greeted()
    {
        Even.Ping();
        Odd.Ping();
        Exchange();
        Assert.Equal((ConnectionState.Open, ConnectionState.Open), (Even.State, Odd.State));
        Events(Even);
        Events(Odd);
        return this;
    }

    public static List<StreamEvent> Events(ConnectionMachine machine)
    {
        var events = new List<StreamEvent>();
        while (machine.TryPollEvent(out var what))
        {
            events.Add(what);
        }

        return events;
    }

    public byte[] ReadAll(ConnectionMachine machine, StreamState stream, out bool ended)
    {
        var bytes = new List<byte>();
        var buffer = new byte[10_000];
        int count;
        do
        {
            count = machine.Read(Now, stream, buffer, out ended);
            bytes.AddRange(buffer.AsSpan(0, count));
        }
        while (count > 0 && !ended);
        return [.. bytes];
    }

    /// <summary>A packet as a peer would make it that keeps to no rule.</summary>
    public static byte[] Packet(long number, params byte[][] frames)
    {
        var writer = new WireWriter(new byte[100_000]);
        writer.WriteQuicVarint(number);
        foreach (var frame in frames)
        {
            writer.WriteBytes(frame);
        }

        return writer.Written.ToArray();
    }

    public static byte[] Bytes<TFrame>(TFrame frame)
        where TFrame : struct, IFrame<TFrame>, allows ref struct
    {
        var writer = new WireWriter(new byte[frame.EncodedLength]);
        frame.WriteTo(ref writer);
        return writer.Written.ToArray();
    }

    public static byte[] Hello(Incarnation own, Incarnation believed, TransportParameters? parameters = null, long version = 1)
        => Bytes(new HelloFrame(version, own, believed, parameters ?? TransportParameters.Minimum));

    /// <summary>The types of a packet's frames, in order.</summary>
    public static List<byte> Types(byte[] packet)
    {
        var types = new List<byte>();
        var reader = new WireReader(packet);
        Assert.True(reader.TryReadQuicVarint(out _));
        while (reader.TryReadByte(out var type))
        {
            types.Add(type);
            Assert.True(type switch
            {
                FrameType.Padding => PaddingFrame.TryRead(type, ref reader, out _),
                FrameType.Ping => true,
                FrameType.Ack => AckFrame.TryRead(type, ref reader, out _),
                FrameType.ResetStream => ResetStreamFrame.TryRead(type, ref reader, out _),
                FrameType.StopSending or FrameType.MaxStreamData or FrameType.StreamDataBlocked => StopSendingFrame.TryRead(type, ref reader, out _),
                >= FrameType.Stream and <= FrameType.StreamLast => StreamFrame.TryRead(type, ref reader, out _),
                FrameType.ConnectionClose or FrameType.ApplicationClose => ConnectionCloseFrame.TryRead(type, ref reader, out _),
                FrameType.DatagramWithLength => DatagramFrame.TryRead(type, ref reader, out _),
                FrameType.Hello => HelloFrame.TryRead(type, ref reader, out _),
                _ => MaxDataFrame.TryRead(type, ref reader, out _),
            });
        }

        return types;
    }

    public static long Number(byte[] packet)
    {
        var reader = new WireReader(packet);
        Assert.True(reader.TryReadQuicVarint(out var number));
        return number;
    }

    private sealed class CountingRandom(byte seed) : IRandomSource
    {
        public void Fill(Span<byte> destination) => destination.Fill(seed);
    }
}
