using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Simulation.Network;
using PacketSec.Simulation.Reference;

namespace PacketSec.Simulation.Tests.Scenarios;

/// <summary>
/// A host that makes its datagrams by hand: an honest-looking handshake up to the point where a test wants it to go wrong. It keeps what it
/// receives and answers nothing by itself.
/// </summary>
internal sealed class Stranger : IDatagramReceiver, IDisposable
{
    private readonly World _world;
    private readonly DeterministicRandom _random;

    public Stranger(World world, NetworkAddress address, byte[]? seed = null)
    {
        _world = world;
        _random = world.Random.Fork();
        Address = address;
        Keys = NewKeys(seed ?? _random.NextBytes(32));
        world.Network.Attach(address, this);
    }

    public NetworkAddress Address { get; }

    public ReferenceKeys Keys { get; }

    public List<byte[]> Received { get; } = [];

    public static ReferenceKeys NewKeys(byte[] seed)
    {
        var crypto = CryptoProvider.Default;
        return new(crypto, crypto.ImportEd25519PrivateKey(seed), crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305));
    }

    public void OnDatagram(Instant now, in PathAddress path, ReadOnlySpan<byte> datagram) => Received.Add(datagram.ToArray());

    public void Send(NetworkAddress to, ReadOnlySpan<byte> datagram) => _world.Network.Send(Address, to, datagram);

    /// <summary>Returns a handshake of this stranger's identity with a new ephemeral key.</summary>
    public ReferenceSession NewSession(bool isInitiator) => NewSession(Keys, isInitiator);

    public ReferenceSession NewSession(ReferenceKeys keys, bool isInitiator)
        => new(keys, isInitiator, _world.Now, ReferenceWire.Timestamp(VirtualClock.WallClock.ToUnixTime(_world.Now)), _random.NextBytes(32));

    /// <summary>Returns a valid InitHello with a new ephemeral key.</summary>
    public byte[] NewInitHello() => NewSession(isInitiator: true).Handshake(_world.Now)!;

    public void Dispose()
    {
        _world.Network.Detach(Address);
        Keys.Identity.Dispose();
        Keys.Aead.Dispose();
    }
}
