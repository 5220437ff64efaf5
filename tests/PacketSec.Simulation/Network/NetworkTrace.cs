using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using PacketSec.Protocol;

namespace PacketSec.Simulation.Network;

/// <summary>What happened to a datagram.</summary>
public enum TraceKind
{
    Sent,
    Injected,
    Tapped,
    Lost,
    Duplicated,
    Corrupted,
    TooLarge,
    Congested,
    NoRoute,
    Delivered,
}

/// <summary>
/// Folds everything that happens on the network into one number, so that two runs can be compared, and keeps the last happenings as text for
/// the message of a failed test.
/// </summary>
public sealed class NetworkTrace
{
    private const int Kept = 256;

    private readonly Entry[] _last = new Entry[Kept];
    private readonly long[] _counts = new long[Enum.GetValues<TraceKind>().Length];
    private long _entries;

    /// <summary>Gets the number that stands for all that happened so far.</summary>
    public ulong Hash { get; private set; } = 0xCBF29CE484222325;

    /// <summary>Gets how often something happened.</summary>
    public long this[TraceKind kind] => _counts[(int)kind];

    public void Add(TraceKind kind, Instant at, in NetworkAddress from, in NetworkAddress to, ReadOnlySpan<byte> bytes)
    {
        _counts[(int)kind]++;
        _last[(int)(_entries++ % Kept)] = new(kind, at, from, to, bytes.Length, Header.Read(bytes));
        Mix((ulong)kind);
        Mix((ulong)at.Nanoseconds);
        Mix((ulong)from.Address);
        Mix(from.Port);
        Mix((ulong)to.Address);
        Mix(to.Port);
        Mix((ulong)bytes.Length);
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            Mix(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (var last in bytes)
        {
            Mix(last);
        }
    }

    /// <summary>Returns the last happenings, one line each, the oldest first.</summary>
    public string Print(int lines = 60)
    {
        var text = new StringBuilder();
        for (var i = Math.Max(0, _entries - Math.Min(lines, Kept)); i < _entries; i++)
        {
            var entry = _last[(int)(i % Kept)];
            text.AppendLine($"{(entry.At - VirtualClock.Beginning).TotalMilliseconds,14:F3} ms {entry.Kind,-10} {entry.From} -> {entry.To} {Header.Describe(entry.Word)} ({entry.Length})");
        }

        return text.ToString();
    }

    private void Mix(ulong value) => Hash = unchecked(BitOperations.RotateLeft(Hash ^ value, 23) * 0x9E3779B97F4A7C15);

    private readonly record struct Entry(TraceKind Kind, Instant At, NetworkAddress From, NetworkAddress To, int Length, uint Word);
}
