namespace PacketSec.Protocol.Streams.Recovery;

/// <summary>What a packet carried that has to be known when it is acknowledged or lost.</summary>
internal enum RecordKind : byte
{
    /// <summary>A piece of a stream.</summary>
    Stream,

    /// <summary>RESET_STREAM.</summary>
    ResetStream,

    /// <summary>STOP_SENDING.</summary>
    StopSending,

    /// <summary>MAX_STREAM_DATA.</summary>
    MaxStreamData,

    /// <summary>MAX_DATA.</summary>
    MaxData,

    /// <summary>MAX_STREAMS of both directions.</summary>
    MaxStreamsBidirectional,

    /// <summary>MAX_STREAMS of one direction.</summary>
    MaxStreamsUnidirectional,

    /// <summary>An acknowledgement; the offset is the largest number in it.</summary>
    Ack,

    /// <summary>A probe of the path's MTU.</summary>
    MtuProbe,
}

/// <summary>One entry of a list of what a packet carried.</summary>
internal struct FrameRecord
{
    /// <summary>The next entry of the packet, or -1.</summary>
    public int Next;

    public RecordKind Kind;
    public bool Fin;
    public int Length;
    public long Offset;
    public StreamState? Stream;
}
