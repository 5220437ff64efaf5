namespace PacketSec.Protocol.Streams;

/// <summary>News of a stream that the peer is to be told, besides its data.</summary>
[Flags]
internal enum StreamNews
{
    None = 0,
    MaxStreamData = 1,
    ResetStream = 2,
    StopSending = 4,
    StreamDataBlocked = 8,
}

/// <summary>One stream: its number, its two directions, and in which queues of its connection it stands.</summary>
internal sealed class StreamState(long id, SendPart? send, ReceivePart? receive)
{
    public long Id { get; } = id;

    /// <summary>Gets the sending direction; null when only the peer sends.</summary>
    public SendPart? Send { get; } = send;

    /// <summary>Gets the receiving direction; null when only this side sends.</summary>
    public ReceivePart? Receive { get; } = receive;

    /// <summary>Gets or sets what the driver keeps for it.</summary>
    public object? Owner { get; set; }

    /// <summary>Gets or sets what waits to be told.</summary>
    public StreamNews News { get; set; }

    public bool InNewsQueue { get; set; }

    public bool InLostQueue { get; set; }

    public bool InNewQueue { get; set; }

    /// <summary>Gets or sets whether an event says that it can be read.</summary>
    public bool ReadableTold { get; set; }

    /// <summary>Gets or sets whether the application found no room, and is to be told when there is some.</summary>
    public bool WantsWritable { get; set; }

    /// <summary>Gets or sets the limit for which the peer was told that it blocks.</summary>
    public long BlockedTold { get; set; } = -1;

    /// <summary>Gets or sets whether the stream is over and forgotten.</summary>
    public bool IsOver { get; set; }

    /// <summary>Gets whether both directions have nothing left to do.</summary>
    public bool IsDone => Send?.IsDone != false && Receive?.IsDone != false;
}
