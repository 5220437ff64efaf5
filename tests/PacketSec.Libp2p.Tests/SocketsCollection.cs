namespace PacketSec.Libp2p.Tests;

/// <summary>All tests with real sockets: one at a time, so that none takes another's processor.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class SocketsCollection
{
    public const string Name = "sockets";
}
