namespace PacketSec.Protocol.Streams.Tracing;

/// <summary>
/// Hears what happens to a connection: numbers, sizes and kinds, and never what a packet carries. It is called where packets are built and taken, under
/// whatever excludes other calls of the machine: it is quick, does not throw, and does not call back.
/// </summary>
internal interface IConnectionTrace
{
    void Add(in TraceEvent happening);
}
