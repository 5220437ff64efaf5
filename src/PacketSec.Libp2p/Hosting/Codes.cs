namespace PacketSec.Libp2p.Hosting;

/// <summary>What a host closes connections with: section 8 of <c>spec/libp2p.md</c>.</summary>
internal static class ConnectionCodes
{
    /// <summary>There are as many peers as there may be.</summary>
    public const long LimitExceeded = 0x1001;

    /// <summary>Another connection to the peer is the one that stays.</summary>
    public const long Duplicate = 0x1004;

    /// <summary>The host ends.</summary>
    public const long Shutdown = 0x1006;
}

/// <summary>What a host resets streams with: section 8 of <c>spec/libp2p.md</c>.</summary>
internal static class StreamCodes
{
    /// <summary>No protocol was agreed on.</summary>
    public const long NegotiationFailed = 0x1000;

    /// <summary>There are as many streams or flows as there may be.</summary>
    public const long LimitExceeded = 0x1001;

    /// <summary>The protocol was broken, or what serves it failed.</summary>
    public const long HandlerFailed = 0x1003;
}
