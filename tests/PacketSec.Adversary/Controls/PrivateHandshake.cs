using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Tools;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Simulation;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Controls;

/// <summary>
/// A control: the private handshake in its first form. Both exchange ephemeral keys; then the client's greeting, encrypted for whoever has the other
/// ephemeral key: its public key, and its signature over the hash of the server's key, the session and the new key. The server answers by its own.
/// </summary>
internal sealed class PrivateHandshake : Contestant
{
    private const byte Hello = 1;
    private const byte Reply = 2;
    private const byte Greeting = 3;
    private const byte Confirmation = 4;
    private const int KeySize = 32;
    private const int SignatureSize = 64;
    private const int GreetingSize = KeySize + KeySize + SignatureSize;

    private static readonly ICryptoProvider Crypto = CryptoProvider.Default;

    public override IParty Join(World world, PartySetup setup) => new Party(world, setup);

    public override IEnumerable<NoiseView> Views(IReadOnlyList<RecordedDatagram> recording) => [];

    public override bool IsTransport(ReadOnlySpan<byte> datagram) => datagram.Length > 0 && datagram[0] >= Confirmation;

    /// <summary>Whoever answered the first message can read the greeting; the signature in it holds for one client and one server only.</summary>
    public override bool Confirms(IReadOnlyList<RecordedDatagram> recording, IEnumerable<X25519PrivateKey> secrets, Face client, Face server)
    {
        var hello = recording.FirstOrDefault(datagram => datagram.Bytes.Length > 0 && datagram.Bytes[0] == Hello)?.Bytes[1..];
        var reply = recording.FirstOrDefault(datagram => datagram.Bytes.Length > 0 && datagram.Bytes[0] == Reply)?.Bytes[1..];
        var greeting = recording.FirstOrDefault(datagram => datagram.Bytes.Length > 0 && datagram.Bytes[0] == Greeting)?.Bytes[1..];
        if (hello is null || reply is null || greeting is null || secrets.FirstOrDefault(key => key.PublicKey.SequenceEqual(reply)) is not { } secret)
        {
            return false;
        }

        return Open(KeyOf(secret, hello), greeting) is { } plaintext && client.Is(plaintext.AsSpan(0, KeySize))
            && Crypto.VerifyEd25519(client.Ed25519, Statement(server, hello, reply, plaintext[KeySize..(2 * KeySize)]), plaintext.AsSpan(2 * KeySize));
    }

    private static byte[] Statement(Face server, byte[] hello, byte[] reply, byte[] newKey) => [.. Hash(server.Ed25519), .. Hash([.. hello, .. reply]), .. newKey];

    private static byte[] KeyOf(X25519PrivateKey own, byte[] other)
    {
        var shared = new byte[KeySize];
        own.TryAgree(other, shared);
        return Hash(shared);
    }

    private static byte[] Hash(byte[] bytes)
    {
        var hash = new byte[32];
        Crypto.Hash(HashAlgorithm.Sha256, bytes, [], hash);
        return hash;
    }

    private static byte[] Seal(byte[] key, byte[] plaintext)
    {
        using var aead = Crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
        var ciphertext = new byte[plaintext.Length + AeadContext.TagSize];
        aead.Seal(key, new byte[12], [], plaintext, ciphertext);
        return ciphertext;
    }

    private static byte[]? Open(byte[] key, byte[] ciphertext)
    {
        using var aead = Crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
        var plaintext = new byte[Math.Max(0, ciphertext.Length - AeadContext.TagSize)];
        return aead.TryOpen(key, new byte[12], [], ciphertext, plaintext) && plaintext.Length == GreetingSize ? plaintext : null;
    }

    private sealed class Party : IParty, IDatagramReceiver
    {
        private readonly World _world;
        private readonly PartySetup _setup;
        private readonly SeededRandomSource _random;
        private readonly Face _self;
        private readonly List<PartyEvent> _events = [];
        private X25519PrivateKey? _ephemeral;
        private Face? _peer;
        private byte[] _hello = [];
        private byte[] _reply = [];
        private byte[] _key = [];

        public Party(World world, PartySetup setup)
        {
            _world = world;
            _setup = setup;
            _random = new(setup.Randomness);
            using var key = setup.Crypto.ImportEd25519PrivateKey(setup.Self.Seed);
            _self = new(key.PublicKey);
            world.Network.Attach(setup.Address, this);
        }

        public NetworkAddress Address => _setup.Address;

        public IReadOnlyList<PartyEvent> Events => _events;

        public void Dial(Face peer, NetworkAddress at)
        {
            _peer = peer;
            _ephemeral = NewKey();
            _hello = _ephemeral.PublicKey.ToArray();
            Transmit(at, Hello, _hello);
        }

        public bool TrySend(Face peer, ReadOnlySpan<byte> payload) => false;

        public void Restart() => _ephemeral = null;

        public string StateDigest(bool withHalfOpen) => Convert.ToHexString(_hello);

        public IEnumerable<byte[]> Memory() => [_key];

        public void OnDatagram(Instant now, in PathAddress path, ReadOnlySpan<byte> datagram)
        {
            var body = datagram.IsEmpty ? [] : datagram[1..].ToArray();
            switch (datagram.IsEmpty ? 0 : datagram[0])
            {
                case Hello when body.Length == KeySize:
                    _ephemeral = NewKey();
                    (_hello, _reply) = (body, _ephemeral.PublicKey.ToArray());
                    Transmit(path.Remote, Reply, _reply);
                    break;
                case Reply when body.Length == KeySize && _peer is not null:
                    _reply = body;
                    Greet(path.Remote);
                    break;
                case Greeting when _ephemeral is not null && Open(KeyOf(_ephemeral, _hello), body) is { } plaintext:
                    Judge(path.Remote, plaintext, body);
                    break;
                case Confirmation when _peer is not null && _setup.Crypto.VerifyEd25519(_peer.Ed25519, Hash(_key), body):
                    _events.Add(new(now, PartyEventKind.Opened, _peer.Ed25519, []));
                    break;
                default:
                    break;
            }
        }

        public void Dispose()
        {
            _world.Network.Detach(Address);
            _ephemeral?.Dispose();
        }

        private void Greet(NetworkAddress to)
        {
            using var next = NewKey();
            var newKey = next.PublicKey.ToArray();
            var greeting = Seal(KeyOf(_ephemeral!, _reply), [.. _self.Ed25519, .. newKey, .. Sign(Statement(_peer!, _hello, _reply, newKey))]);
            _key = greeting;
            Transmit(to, Greeting, greeting);
        }

        private void Judge(NetworkAddress to, byte[] plaintext, byte[] greeting)
        {
            var client = plaintext[..KeySize];
            var statement = Statement(_self, _hello, _reply, plaintext[KeySize..(2 * KeySize)]);
            if (!_setup.Crypto.VerifyEd25519(client, statement, plaintext.AsSpan(2 * KeySize)))
            {
                return;
            }

            if (_setup.List is not null)
            {
                _events.Add(new(_world.Now, PartyEventKind.Asked, client, []));
            }

            if ((_setup.List?.Invoke(client) ?? Answer.Yes) == Answer.Yes)
            {
                _events.Add(new(_world.Now, PartyEventKind.Opened, client, []));
                Transmit(to, Confirmation, Sign(Hash(greeting)));
            }
        }

        private byte[] Sign(byte[] statement)
        {
            using var key = _setup.Crypto.ImportEd25519PrivateKey(_setup.Self.Seed);
            var signature = new byte[SignatureSize];
            key.Sign(statement, signature);
            return signature;
        }

        private X25519PrivateKey NewKey()
        {
            Span<byte> bytes = stackalloc byte[KeySize];
            _random.Fill(bytes);
            return _setup.Crypto.ImportX25519PrivateKey(bytes);
        }

        private void Transmit(NetworkAddress to, byte kind, byte[] body) => _world.Network.Send(Address, to, [kind, .. body]);
    }
}
