using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Simulation.Network;

namespace PacketSec.Simulation.Reference;

/// <summary>Takes a payload that a host delivered to its application.</summary>
public delegate void PayloadHandler(NetworkAddress from, ReadOnlySpan<byte> payload);

/// <summary>
/// A process that runs the reference implementation, with the faults its wire has: a fresh session on each new InitHello before any check, death by data for a
/// half that is not ready, a random half for each message, no renewal, no empty packets. It is written from the description of its behaviour over bare
/// primitives, so that nothing of the core can be wrong in the same way on both sides.
/// </summary>
public sealed class SimulatedReference : IActor, IDatagramReceiver, IDisposable
{
    private const int MaxPayload = 1260;

    private readonly World _world;
    private readonly NetworkAddress _address;
    private readonly List<ReferenceChannel> _channels = [];

    public SimulatedReference(World world, ICryptoProvider crypto, NetworkAddress address, string name = "reference")
    {
        ArgumentNullException.ThrowIfNull(world);
        ArgumentNullException.ThrowIfNull(crypto);
        _world = world;
        _address = address;
        Name = name;
        Random = world.Random.Fork();
        Keys = new(crypto, crypto.ImportEd25519PrivateKey(Random.NextBytes(32)), crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305));
        world.Network.Attach(address, this);
        world.Add(this);
    }

    public string Name { get; }

    /// <summary>Gets the identity key, 32 bytes of Ed25519.</summary>
    public ReadOnlySpan<byte> PublicKey => Keys.Identity.PublicKey;

    /// <summary>Gets why the process died, or null while it lives.</summary>
    public string? Death { get; private set; }

    /// <summary>
    /// Gets or sets how long a process lasts that recurses on data for a half that is not ready. It survives when the half becomes ready in
    /// time. Zero, the strictest, is death at once; the real one lasts 0.7 s and more.
    /// </summary>
    public TimeSpan StackLasts { get; set; }

    /// <summary>Gets the number of sends that failed because their half's session had expired.</summary>
    public int ExpiredSends { get; internal set; }

    /// <summary>
    /// Gets the number of sends in the last second of a session. They may be lost with no fault of the other side: the two ends count a session's
    /// life from different moments.
    /// </summary>
    public int LateSends { get; internal set; }

    /// <summary>Gets the number of datagrams that ended in an error.</summary>
    public int Errors { get; internal set; }

    /// <summary>Gets or sets what is done with payloads.</summary>
    public PayloadHandler? PayloadReceived { get; set; }

    public Instant? NextDeadline
    {
        get
        {
            Instant? next = null;
            foreach (var channel in _channels)
            {
                next = channel.NextDeadline is { } deadline && !(next <= deadline) ? deadline : next;
            }

            return Death is null ? next : null;
        }
    }

    internal DeterministicRandom Random { get; }

    internal ReferenceKeys Keys { get; }

    /// <summary>Makes a channel to an address and the key expected there; it calls when something is sent.</summary>
    internal ReferenceChannel Dial(NetworkAddress remote, ReadOnlySpan<byte> publicKey)
    {
        var channel = new ReferenceChannel(this, remote, ReferenceWire.Ed25519KeyInfo(publicKey));
        _channels.Add(channel);
        return channel;
    }

    /// <summary>Returns the channel of an address, or null.</summary>
    internal ReferenceChannel? ChannelOf(NetworkAddress remote) => _channels.Find(channel => channel.Remote == remote);

    /// <summary>Sends on the channel of an address.</summary>
    /// <returns>False when the send failed with an error.</returns>
    public bool Send(NetworkAddress remote, ReadOnlySpan<byte> payload)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(payload.Length, MaxPayload);
        var channel = ChannelOf(remote) ?? throw new InvalidOperationException($"The reference has no channel to {remote}.");
        return Death is null && channel.Send(_world.Now, payload.ToArray());
    }

    /// <summary>Loses all channels, as a process does that starts again.</summary>
    public void ForgetChannels() => _channels.Clear();

    public void OnDatagram(Instant now, in PathAddress path, ReadOnlySpan<byte> datagram)
    {
        if (Death is not null)
        {
            return;
        }

        var channel = ChannelOf(path.Remote);
        if (channel is null)
        {
            channel = new(this, path.Remote, null);
            _channels.Add(channel);
        }

        channel.Deliver(now, datagram);
    }

    public void OnTimeout(Instant now)
    {
        foreach (var channel in _channels)
        {
            if (channel.NextDeadline <= now)
            {
                channel.OnTimeout(now);
            }
        }
    }

    public void Dispose()
    {
        _world.Remove(this);
        _world.Network.Detach(_address);
        Keys.Identity.Dispose();
        Keys.Aead.Dispose();
    }

    internal ReferenceSession NewSession(bool isInitiator)
        => new(Keys, isInitiator, _world.Now, ReferenceWire.Timestamp(VirtualClock.WallClock.ToUnixTime(_world.Now)), Random.NextBytes(32));

    internal void Transmit(NetworkAddress to, byte[] datagram)
    {
        if (Death is null)
        {
            _world.Network.Send(_address, to, datagram);
        }
    }

    internal void OnPayload(NetworkAddress from, byte[] payload) => PayloadReceived?.Invoke(from, payload);

    internal void Die(string reason) => Death ??= reason;
}
