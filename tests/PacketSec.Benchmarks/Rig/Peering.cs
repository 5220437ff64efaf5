using PacketSec.Protocol;

namespace PacketSec.Benchmarks.Rig;

/// <summary>Both ends of one channel, open, and the paths that their datagrams come on.</summary>
/// <param name="client">The side that dialled.</param>
/// <param name="server">The listening side.</param>
/// <param name="handle">The client's handle at the listening endpoint.</param>
/// <param name="atClient">The path as the client sees it.</param>
/// <param name="toServer">The key of what the client sends on the first session: who seals with it disturbs no state that is measured.</param>
internal sealed class Peering(PeerMachine client, PeerMachine server, PeerHandle handle, PathAddress atClient, byte[] toServer)
{
    private readonly PathAddress _atServer = new(atClient.Remote, atClient.Local);

    public PeerMachine Client => client;

    public PeerMachine Server => server;

    public PeerHandle Handle => handle;

    public PathAddress AtClient => atClient;

    public ReadOnlySpan<byte> ToServer => toServer;

    /// <summary>Gets the path as the server sees it.</summary>
    public ref readonly PathAddress AtServer => ref _atServer;
}
