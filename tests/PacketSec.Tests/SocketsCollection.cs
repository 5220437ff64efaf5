namespace PacketSec.Tests;

/// <summary>All tests with real sockets: one at a time, so that none takes another's port or processor.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class SocketsCollection
{
    public const string Name = "sockets";

    /// <summary>The ceiling of every wait; a test that reaches it has failed.</summary>
    public const int CeilingMilliseconds = 30_000;
}
