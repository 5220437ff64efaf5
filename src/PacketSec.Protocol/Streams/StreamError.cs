namespace PacketSec.Protocol.Streams;

/// <summary>Why a connection is closed by the protocol.</summary>
//= rfc9000#section-20.1
internal enum StreamError
{
    /// <summary>Nothing is wrong.</summary>
    None = 0x00,

    /// <summary>The sender cannot go on for a reason of its own.</summary>
    Internal = 0x01,

    /// <summary>More data came than was allowed.</summary>
    FlowControl = 0x03,

    /// <summary>A stream came whose number is beyond what was allowed.</summary>
    StreamLimit = 0x04,

    /// <summary>A frame came that the stream's state does not permit.</summary>
    StreamState = 0x05,

    /// <summary>A stream's end moved, or lies before data received.</summary>
    FinalSize = 0x06,

    /// <summary>A frame is badly formed, or of a type that does not exist.</summary>
    FrameEncoding = 0x07,

    /// <summary>A HELLO has parameters that are badly formed or allow too little.</summary>
    TransportParameter = 0x08,

    /// <summary>Anything else that the protocol forbids.</summary>
    ProtocolViolation = 0x0a,

    /// <summary>A HELLO of another version.</summary>
    Version = 0x11,
}
