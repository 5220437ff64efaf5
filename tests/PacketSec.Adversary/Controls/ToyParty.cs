using System.Buffers.Binary;
using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Tools;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol;
using PacketSec.Simulation;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Controls;

/// <summary>Somebody who speaks a <see cref="ToyProtocol"/>, in either role.</summary>
internal sealed class ToyParty : IParty, IDatagramReceiver
{
    private const int HeaderSize = 4;
    private const int NameSize = 32;
    private const uint NameWord = 3;

    private readonly World _world;
    private readonly ToyProtocol _protocol;
    private readonly PartySetup _setup;
    private readonly SeededRandomSource _random;
    private readonly X25519PrivateKey _static;
    private readonly AeadContext _aead;
    private readonly byte[] _name;
    private readonly List<PartyEvent> _events = [];
    private readonly Dictionary<NetworkAddress, Talk> _dialled = [];
    private readonly Dictionary<NetworkAddress, Talk> _served = [];

    public ToyParty(World world, ToyProtocol protocol, PartySetup setup)
    {
        _world = world;
        _protocol = protocol;
        _setup = setup;
        _random = new(setup.Randomness);
        _static = setup.Crypto.ImportX25519PrivateKey(setup.Self.AgreementBytes);
        _aead = setup.Crypto.CreateAead(AeadAlgorithm.ChaCha20Poly1305);
        using var key = setup.Crypto.ImportEd25519PrivateKey(setup.Self.Seed);
        _name = key.PublicKey.ToArray();
        world.Network.Attach(setup.Address, this);
    }

    public NetworkAddress Address => _setup.Address;

    public IReadOnlyList<PartyEvent> Events => _events;

    public void Dial(Face peer, NetworkAddress at)
    {
        var talk = new Talk(at, NewState(true, peer), isInitiator: true) { Expected = peer, Peer = peer.Ed25519 };
        _dialled[at] = talk;
        Write(talk);
    }

    public bool TrySend(Face peer, ReadOnlySpan<byte> payload)
    {
        var talk = _dialled.Values.Concat(_served.Values).FirstOrDefault(talk => talk.IsOpen && peer.Is(talk.Peer) && talk.SendKey.Length > 0);
        if (talk is not null)
        {
            Seal(talk, payload);
        }

        return talk is not null;
    }

    public void Restart()
    {
        _dialled.Clear();
        _served.Clear();
    }

    public string StateDigest(bool withHalfOpen)
        => string.Join(' ', _dialled.Values.Concat(_served.Values).Where(talk => talk.IsOpen || withHalfOpen)
            .Select(talk => $"{talk.Remote} {talk.IsOpen} {talk.Index} {talk.Highest} {Convert.ToHexString(talk.Peer)}"));

    public IEnumerable<byte[]> Memory()
    {
        var walk = new MemoryWalk();
        walk.Add(_dialled);
        walk.Add(_served);
        return walk.Found;
    }

    public void OnDatagram(Instant now, in PathAddress path, ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length < HeaderSize)
        {
            return;
        }

        var fromInitiator = !Header.FromResponder(datagram);
        var counter = Header.Counter(datagram);
        var talks = fromInitiator ? _served : _dialled;
        if (counter == 0 && fromInitiator)
        {
            // A new first message is a new handshake, unless a session lives there.
            if (talks.TryGetValue(path.Remote, out var old) && old.IsOpen)
            {
                return;
            }

            talks[path.Remote] = new(path.Remote, NewState(false, null), isInitiator: false);
        }

        if (!talks.TryGetValue(path.Remote, out var talk))
        {
            return;
        }

        if (counter >= Header.FirstData)
        {
            Open(talk, datagram);
        }
        else if (_protocol.NameApart && counter == NameWord)
        {
            talk.Peer = datagram[HeaderSize..].ToArray();
            Judge(talk);
        }
        else if (counter == talk.Index && talk.State is { IsComplete: false, IsMyTurn: false })
        {
            Read(talk, datagram);
        }
    }

    public void Dispose()
    {
        _world.Network.Detach(Address);
        _static.Dispose();
        _aead.Dispose();
    }

    private HandshakeState NewState(bool isInitiator, Face? remote)
    {
        var pattern = _protocol.Noise.Pattern;
        Span<byte> bytes = stackalloc byte[32];
        _random.Fill(bytes);

        // The caller owns a key that he brings along: the state does not wipe it.
        var kept = _protocol.KeepsEphemerals ? _setup.Crypto.ImportX25519PrivateKey(bytes) : null;
        var hasStatic = isInitiator ? pattern.InitiatorStaticIsKnown || Sends(true) : pattern.ResponderStaticIsKnown || Sends(false);
        return new(_setup.Crypto, _random, new()
        {
            Protocol = _protocol.Noise,
            Initiator = isInitiator,
            LocalStatic = hasStatic ? _static : null,
            LocalEphemeral = kept,
            RemoteStatic = isInitiator && pattern.ResponderStaticIsKnown ? remote!.X25519 : default(ReadOnlyMemory<byte>),
            PreSharedKeys = [.. Enumerable.Range(0, pattern.PskCount).Select(_ => new SecretKey(_protocol.PreSharedKey))],
        });
    }

    private bool Sends(bool isInitiator)
        => _protocol.Noise.Pattern.Messages.Any(message => message.FromInitiator == isInitiator && message.Tokens.Contains(PatternToken.S));

    private void Write(Talk talk)
    {
        // The name goes along as soon as the pattern hides it, or where it is the only thing there is.
        var tokens = _protocol.Noise.Pattern.Messages[talk.Index].Tokens;
        var isLastOfMine = talk.Index + 2 >= _protocol.Noise.Pattern.Messages.Count;
        var names = tokens.Contains(PatternToken.S) || (isLastOfMine && !Sends(talk.IsInitiator) && !(talk.IsInitiator && _protocol.NameApart));
        var payload = names ? _name : [];
        var message = new byte[talk.State.MessageOverhead + payload.Length];
        if (!talk.State.TryWriteMessage(payload, message, out _))
        {
            return;
        }

        var packet = new List<byte>(Word(talk.IsInitiator, (uint)talk.Index));
        if (talk.Index == 0 && _protocol.NamesServer)
        {
            packet.AddRange(talk.Expected!.Ed25519);
        }

        packet.AddRange(message);
        if (talk.Index == 0 && _protocol.Mac != MacOwner.Nobody)
        {
            var mac = new byte[32];
            var key = _protocol.Mac == MacOwner.Initiator ? _static.PublicKey : talk.Expected!.X25519;
            _setup.Crypto.Hmac(HashAlgorithm.Blake2s, key, packet.ToArray(), [], mac);
            packet.AddRange(mac[..ToyProtocol.MacSize]);
        }

        talk.Index++;
        Transmit(talk, packet.ToArray());
        Advance(talk);
    }

    private void Read(Talk talk, ReadOnlySpan<byte> datagram)
    {
        var message = _protocol.Strip(datagram, talk.Index);
        var overhead = talk.State.MessageOverhead;
        if (message.Length < overhead || message.Length > overhead + NameSize)
        {
            return;
        }

        var payload = new byte[message.Length - overhead];
        if (!talk.State.TryReadMessage(message, payload, out _))
        {
            return;
        }

        talk.Index++;
        if (payload.Length == NameSize)
        {
            if (talk.Expected is { } expected && !expected.Is(payload))
            {
                Report(PartyEventKind.Learned, payload);
                return;
            }

            talk.Peer = payload;
            if (!talk.IsInitiator && !Judge(talk))
            {
                return;
            }
        }

        if (!talk.State.IsComplete)
        {
            Write(talk);
        }
        else
        {
            Advance(talk);
        }
    }

    /// <summary>Asks the access list, and reports the client if it says yes.</summary>
    private bool Judge(Talk talk)
    {
        if (talk.Verdict is null && talk.Peer.Length > 0)
        {
            if (_setup.List is not null)
            {
                Report(PartyEventKind.Asked, talk.Peer);
            }

            talk.Verdict = (_setup.List?.Invoke(talk.Peer) ?? Answer.Yes) is var answer && (answer == Answer.Yes || (answer == Answer.Fails && _protocol.LetsInOnFailure));
            if (talk.Verdict == true)
            {
                Open(talk);
            }
        }

        return talk.Verdict == true;
    }

    private void Advance(Talk talk)
    {
        if (!talk.State.IsComplete || talk.SendKey.Length > 0 || talk.ReceiveKey.Length > 0)
        {
            return;
        }

        var (first, second) = (new byte[32], new byte[32]);
        talk.State.Split(first, second);
        (talk.SendKey, talk.ReceiveKey) = talk.IsInitiator ? (first, second) : (second, first);
        if (talk.IsInitiator)
        {
            if (_protocol.NameApart)
            {
                Transmit(talk, [.. Word(true, NameWord), .. _name]);
            }

            if (!_protocol.ConfirmsFirst)
            {
                Open(talk);
            }
        }
        else if (_protocol.ConfirmsFirst && talk.Verdict == true)
        {
            Seal(talk, []);
        }
    }

    private void Open(Talk talk)
    {
        if (!talk.IsOpen)
        {
            talk.IsOpen = true;
            Report(PartyEventKind.Opened, talk.Peer);
        }
    }

    private void Open(Talk talk, ReadOnlySpan<byte> datagram)
    {
        var counter = Header.Counter(datagram);
        if (talk.ReceiveKey.Length == 0 || (!_protocol.WithoutWindow && counter <= talk.Highest)
            || _protocol.OpenTransport(_aead, talk.ReceiveKey, datagram) is not { } payload)
        {
            return;
        }

        talk.Highest = Math.Max(talk.Highest, counter);
        if (talk.IsInitiator)
        {
            Open(talk);
        }

        if (payload.Length > 0 && talk.IsOpen)
        {
            _events.Add(new(_world.Now, PartyEventKind.Delivered, talk.Peer, payload));
        }
    }

    private void Seal(Talk talk, ReadOnlySpan<byte> payload)
    {
        var packet = new byte[HeaderSize + payload.Length + AeadContext.TagSize];
        Word(talk.IsInitiator, talk.Next).CopyTo(packet, 0);
        Span<byte> nonce = stackalloc byte[AeadContext.NonceSize];
        BinaryPrimitives.WriteUInt64LittleEndian(nonce[4..], talk.Next++);
        _aead.Seal(talk.SendKey, nonce, packet.AsSpan(0, HeaderSize), payload, packet.AsSpan(HeaderSize));
        Transmit(talk, packet);
    }

    private void Transmit(Talk talk, byte[] packet) => _world.Network.Send(Address, talk.Remote, packet);

    private void Report(PartyEventKind kind, byte[] key) => _events.Add(new(_world.Now, kind, key, []));

    private static byte[] Word(bool fromInitiator, uint counter)
    {
        var word = new byte[HeaderSize];
        BinaryPrimitives.WriteUInt32BigEndian(word, counter | (fromInitiator ? 0 : Header.DirectionBit));
        return word;
    }

    /// <summary>A handshake and what it led to.</summary>
    private sealed class Talk(NetworkAddress remote, HandshakeState state, bool isInitiator)
    {
        public NetworkAddress Remote => remote;

        public HandshakeState State => state;

        public bool IsInitiator => isInitiator;

        public Face? Expected { get; init; }

        public byte[] Peer { get; set; } = [];

        public int Index { get; set; }

        public bool? Verdict { get; set; }

        public bool IsOpen { get; set; }

        public byte[] SendKey { get; set; } = [];

        public byte[] ReceiveKey { get; set; } = [];

        public uint Next { get; set; } = Header.FirstData;

        public uint Highest { get; set; }
    }
}
