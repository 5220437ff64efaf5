using System.Buffers.Binary;

namespace PacketSec.Simulation.Hosts;

/// <summary>
/// Numbers what applications send, and checks what they receive: each payload unchanged, from the flow it claims, and at most once. What is missing at the
/// end is the loss.
/// </summary>
public sealed class DeliveryLedger
{
    private readonly List<Flow> _flows = [];

    /// <summary>Opens a flow of payloads of one size.</summary>
    /// <param name="name">For messages.</param>
    /// <param name="size">At least 12 bytes.</param>
    public Flow Open(string name, int size = 64)
    {
        var flow = new Flow(_flows.Count, name, size);
        _flows.Add(flow);
        return flow;
    }

    /// <summary>Takes what an application received.</summary>
    /// <exception cref="InvalidOperationException">It was never sent, is not what was sent, or came before.</exception>
    public void Deliver(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < Flow.HeaderSize || BinaryPrimitives.ReadInt32LittleEndian(payload) is var flow && (uint)flow >= _flows.Count)
        {
            throw new InvalidOperationException($"Nobody sent this: {Convert.ToHexString(payload)}");
        }

        _flows[flow].Deliver(payload);
    }
}

/// <summary>What one application sends to one other.</summary>
public sealed class Flow
{
    internal const int HeaderSize = 12;

    private readonly int _number;
    private readonly byte[] _payload;
    private readonly List<bool> _delivered = [];

    internal Flow(int number, string name, int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, HeaderSize);
        _number = number;
        Name = name;
        _payload = new byte[size];
    }

    public string Name { get; }

    /// <summary>Gets the number of payloads that were accepted for sending.</summary>
    public long Sent => _delivered.Count;

    public long Delivered { get; private set; }

    public long Lost => Sent - Delivered;

    /// <summary>Gets the number of the last payload delivered, from 0.</summary>
    public long LastDelivered { get; private set; } = -1;

    /// <summary>Returns whether a payload arrived.</summary>
    public bool HasArrived(long number) => _delivered[(int)number];

    /// <summary>Returns the next payload; valid until the next call. It counts as sent with <see cref="Accept"/>.</summary>
    public ReadOnlySpan<byte> Next()
    {
        Write(_payload, _delivered.Count);
        return _payload;
    }

    public void Accept() => _delivered.Add(false);

    /// <summary>Takes the last <see cref="Accept"/> back: the send failed, and its caller knows.</summary>
    public void Withdraw() => _delivered.RemoveAt(_delivered.Count - 1);

    internal void Deliver(ReadOnlySpan<byte> payload)
    {
        var number = BinaryPrimitives.ReadInt64LittleEndian(payload[4..]);
        Span<byte> expected = stackalloc byte[payload.Length];
        Write(expected, number);
        if (payload.Length != _payload.Length || (ulong)number >= (ulong)_delivered.Count || !payload.SequenceEqual(expected))
        {
            throw new InvalidOperationException($"{Name}: payload {number} of {_delivered.Count} is not what was sent.");
        }

        if (_delivered[(int)number])
        {
            throw new InvalidOperationException($"{Name}: payload {number} was delivered twice.");
        }

        _delivered[(int)number] = true;
        Delivered++;
        LastDelivered = number;
    }

    public override string ToString() => $"{Name}: {Sent} sent, {Delivered} delivered, {Lost} lost";

    private void Write(Span<byte> payload, long number)
    {
        BinaryPrimitives.WriteInt32LittleEndian(payload, _number);
        BinaryPrimitives.WriteInt64LittleEndian(payload[4..], number);
        payload[HeaderSize..].Fill(unchecked((byte)(number * 31)));
    }
}
